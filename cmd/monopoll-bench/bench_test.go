package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestMain: the client is this program again, which is the test here.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "client" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestWhole measures a monopoll that it builds, with every work, for a moment.
func TestWhole(t *testing.T) {
	runtime.LockOSThread() // as main does: children end with their parent's thread
	defer runtime.UnlockOSThread()
	out := filepath.Join(t.TempDir(), "figures.json")
	t.Setenv("TMPDIR", t.TempDir())
	dir := os.Getenv("TMPDIR")
	built, err := build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cmd := newRoot()
	cmd.SetArgs([]string{"--servers", "monopoll=" + built, "--work", "all", "--secs", "0.1", "--rounds", "1", "--conns", "4", "--json", out})
	stdout := os.Stdout
	os.Stdout, err = os.Create(filepath.Join(t.TempDir(), "table"))
	if err != nil {
		t.Fatal(err)
	}
	printed := os.Stdout
	err = cmd.ExecuteContext(t.Context())
	os.Stdout = stdout
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	lines, _ := os.ReadFile(printed.Name())
	if len(r.Works) != len(works) {
		t.Fatalf("%d works", len(r.Works))
	}
	for i, w := range r.Works {
		row := w.Rows[0]
		if w.Work != works[i].name || len(row.Rounds) != 1 || row.Problem != "" || row.Median == nil || row.Median.Answers == 0 {
			t.Errorf("%s: %+v", w.Work, row)
		}
		for _, f := range row.Rounds {
			if f == nil || f.Bad+f.Lost != 0 {
				t.Errorf("%s: %+v", w.Work, f)
			}
		}
		if !strings.Contains(string(lines), "\n"+w.Work+": ") {
			t.Errorf("%s is not printed", w.Work)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v was left behind", left)
	}
	if strings.Contains(processes(), built) {
		t.Error("a server was left behind")
	}
}

// processes gives the command lines of all that came from this process.
func processes() (all string) {
	for _, pid := range tree(os.Getpid())[1:] {
		text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		all += string(text) + "\n"
	}
	return all
}

// TestStopped: a program that is told to stop ends its server.
func TestStopped(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k := &kind{name: "sleep", file: "x", config: func(*site) string { return "" },
		args: func(*site) []string { return []string{"60"} }}
	s := &site{dir: t.TempDir(), port: 1}
	if _, err := startServer(ctx, k, "/bin/sleep", s, &pins{}); err == nil || !strings.Contains(err.Error(), "takes no connection on port 1 (context canceled)") {
		t.Errorf("%v", err)
	}
	if strings.Contains(processes(), "sleep") {
		t.Error("it was left behind")
	}
}

// TestServerEnds: a server that does not start says why.
func TestServerEnds(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	k := &kind{name: "sh", file: "x", config: func(*site) string { return "" },
		args: func(*site) []string { return []string{"-c", "echo the port is taken >&2; exit 3"} }}
	s := &site{dir: t.TempDir(), port: 1}
	_, err := startServer(t.Context(), k, "/bin/sh", s, &pins{})
	if err == nil || err.Error() != "it ended at once (exit status 3): the port is taken" {
		t.Errorf("%v", err)
	}
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--secs", "0"}, "--secs: 0 is not above 0 and at most 60"},
		{[]string{"--secs", "NaN"}, "--secs: NaN is not"},
		{[]string{"--rounds", "0"}, "--rounds: 0 is not from 1 to 50"},
		{[]string{"--conns", "100000"}, "--conns: 100000 is not from 1 to 4096"},
		{[]string{"--work", "w1k,w2k"}, `--work: there is no work "w2k"; there are`},
		{[]string{"--servers", "apache"}, `--servers: "apache" is not known here; there are monopoll, nginx, h2o, lighttpd, caddy`},
		{[]string{"--servers", "nginx=/nowhere/nginx"}, "install it, write nginx=PATH, or leave it out"},
		{[]string{"more"}, `unknown command "more"`},
	} {
		cmd := newRoot()
		cmd.SetArgs(c.args)
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.args, err, c.want)
		}
	}
}

// TestAsks: each work asks for what the files are.
func TestAsks(t *testing.T) {
	f, err := writeFiles(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if len(f.site) != siteFiles || len(slices.Compact(slices.Sorted(slices.Values(f.site)))) != siteFiles {
		t.Error("the site is not of 1,000 files")
	}
	for _, w := range works {
		asks := w.asks(f, "If-None-Match: \"x\"\r\n")
		if (len(asks) == siteFiles) != (w.name == "site") {
			t.Errorf("%s: %d requests", w.name, len(asks))
		}
		for _, a := range asks {
			info, err := os.Stat(f.root + a.Path)
			switch {
			case a.Path == "/fixed" || a.Path == "/nope":
				if err == nil {
					t.Errorf("%s is a file", a.Path)
				}
			case err != nil || a.Status == 200 && a.Length != info.Size():
				t.Errorf("%s: %+v, %v", w.name, a, err)
			}
		}
	}
	a := ask{Path: "/x", Fields: "Connection: close\r\n"}
	if got := string(a.bytes(80)); got != "GET /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\nConnection: close\r\n\r\n" {
		t.Errorf("%q", got)
	}
}
