package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A command line that is wrong is refused with what would be right, on standard
// error and with its own exit code.
func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: 8080, respond: hi}]", "notes": "", "www/index.html": ""})
	for _, c := range []struct{ args, says string }{
		{"completion foo", `"foo" is no command; there are bash, fish, powershell, zsh`},
		{"completion", "needs one of bash, fish, powershell, zsh"},
		{"completion bash x", `"x"`},
		{"help foo", `"foo" is no command`},
		{"help chek", "did you mean check?"},
		{"help run fast", `"fast" is one word too many, run has no commands of its own: monopoll help run`},
		{"help completion zhs", `"zhs" is no command; did you mean zsh?`},
		{"run config.yaml", "a config is named with -c: monopoll run -c config.yaml"},
		{"check config.yaml", "monopoll check -c config.yaml"},
		{"reload config.yaml", "monopoll reload -c config.yaml"},
		{"config.yaml", "a config is named with -c: monopoll -c config.yaml"},
		{"other.yml", "monopoll -c other.yml"},
		{"notes", "monopoll -c notes"},
		{"www", "to serve a folder: monopoll serve www"},
		{"rn", "did you mean run?"},
		{"serve", "DIR is missing: monopoll serve DIR"},
		{"respond", "TEXT is missing: monopoll respond TEXT"},
		{"respond a b", `"b" is one argument too many: monopoll respond TEXT`},
		{"explain GET", "URL is missing: monopoll explain METHOD URL"},
		{"init a b", `"b" is one argument too many: monopoll init [DIR]`},
		{"version 2", `"2" is one argument too many`},
		{"respond hi --status abc", `"abc" for "--status" flag: a status is a whole number from 200 to 599`},
		{"echo -l 0 -l nonsense", `-l: "nonsense" is not where one can listen`},
		{"echo -l 81 -l :81", "overlaps"},
		{"check --config=", "the name of the config file is empty"},
		{"run --config=", "the name of the config file is empty"},
	} {
		out, errs, code := monopoll(t, dir, strings.Fields(c.args)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, c.says) || strings.Contains(errs, "strconv") {
			t.Errorf("monopoll %s: code %d, want %d with %q:\n%s%s", c.args, code, exitUsage, c.says, out, errs)
		}
	}
	for args, says := range map[string]string{
		"--version":         "monopoll ",
		"help serve":        "monopoll serve DIR",
		"help":              "Available Commands:",
		"help completion":   "Available Commands:",
		"completion --help": "Available Commands:",
	} {
		if out, errs, code := monopoll(t, dir, strings.Fields(args)...); code != exitFine || !strings.Contains(out, says) {
			t.Errorf("monopoll %s: code %d:\n%s%s", args, code, out, errs)
		}
	}
	if out, _, _ := monopoll(t, dir, "--help"); strings.Contains(out, "--test check") {
		t.Errorf("--test is shown with an argument:\n%s", out)
	}
}

// What cannot be printed is a failure, and none of the command line.
func TestOutputThatIsLost(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + freeAddress(t) + "', respond: hi}]"})
	s := run(t, dir)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	must(t, err)
	defer full.Close()
	for _, args := range []string{
		"schema", "version", "--version", "check", "-t", "init new", "completion bash", "completion fish",
		"explain GET http://localhost:8080/", "explain --json GET http://localhost:8080/",
		"--help", "help", "check --help", "help check", "help completion", "reload", "status", "status --json", "stop",
	} {
		var errs strings.Builder
		cmd := command(dir, strings.Fields(args)...)
		cmd.Stdout, cmd.Stderr = full, &errs
		err := cmd.Run()
		exit, failed := err.(*exec.ExitError)
		if !failed || exit.ExitCode() != exitFailed || !strings.Contains(errs.String(), "no space left") || strings.Contains(errs.String(), "usage") || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("monopoll %s: %v\n%s", args, err, &errs)
		}
	}
	s.exits(exitFine) // stop has stopped it
}

// The quick modes listen on every address that they are given.
func TestListenTwice(t *testing.T) {
	t.Parallel()
	a, b := freeAddress(t), freeAddress(t)
	s := launch(t, command(t.TempDir(), "respond", "hi", "-l", a, "-l", b))
	for _, address := range []string{a, b} {
		if !strings.Contains(s.err.String(), "http://"+address) {
			t.Errorf("%s is not in\n%s", address, &s.err)
		}
	}
	s.stop()
}

// A refused init says what is in the way, whatever that is, and writes nothing.
func TestInitWritesAllOrNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		args  []string
		code  int
		says  string
	}{
		"a file for the site":   {map[string]string{"new/site": ""}, []string{"init", "new"}, exitUsage, "new/site is a file and would have to be a folder"},
		"a file for the folder": {map[string]string{"new": ""}, []string{"init", "new"}, exitUsage, "new is a file and would have to be a folder"},
		"a file above":          {map[string]string{"new": ""}, []string{"init", "new/deep/er"}, exitUsage, "new is a file"},
		"a file of the site":    {map[string]string{"site/style.css": ""}, []string{"init"}, exitUsage, "site/style.css is there already"},
		// /proc is a folder, and nothing can be made in it.
		"nowhere to write": {nil, []string{"init", "/proc/monopoll"}, exitFailed, "nothing was written"},
	} {
		dir := folder(t, c.files)
		before := listed(t, dir)
		out, errs, code := monopoll(t, dir, c.args...)
		if code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%s: code %d, want %d with %q:\n%s%s", name, code, c.code, c.says, out, errs)
		}
		if after := listed(t, dir); after != before {
			t.Errorf("%s: before %s, then %s", name, before, after)
		}
	}
	// What fails half-way is taken back: a symlink to nothing is no folder, and
	// none can be made in its place.
	dir := folder(t, nil)
	must(t, os.Symlink("nowhere", filepath.Join(dir, "site")))
	_, errs, code := monopoll(t, dir, "init")
	if after := listed(t, dir); code != exitFailed || !strings.Contains(errs, "nothing was written") || after != " site" {
		t.Errorf("code %d, left%s\n%s", code, after, errs)
	}
}

// listed gives the names of all that is below a folder.
func listed(t *testing.T, dir string) (names string) {
	t.Helper()
	must(t, filepath.Walk(dir, func(path string, _ os.FileInfo, err error) error {
		if path != dir {
			names += " " + strings.TrimPrefix(path, dir+"/")
		}
		return err
	}))
	return names
}
