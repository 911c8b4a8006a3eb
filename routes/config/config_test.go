package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestLoad(t *testing.T) {
	dir := newFolder(t)
	file := filepath.Join(dir, "config.yaml")
	must(t, os.WriteFile(file, []byte("listeners: [{listen: 8080, root: site}]\n"), 0o644))
	must(t, os.MkdirAll(filepath.Join(dir, "etc"), 0o755))
	must(t, os.Symlink(file, filepath.Join(dir, "etc", "linked.yaml")))
	must(t, os.MkdirAll(filepath.Join(dir, "etc", "site"), 0o755))

	cfg, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cfg.Listeners[0].Action.Root.Dir, filepath.Join(dir, "site"); got != want {
		t.Errorf("root %s; want %s", got, want)
	}
	if got := string(cfg.Text()); !strings.HasPrefix(got, "listeners:") {
		t.Errorf("text %q", got)
	}

	// Paths start from the folder of the link, not of what it leads to.
	cfg, err = Load(filepath.Join(dir, "etc", "linked.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cfg.Listeners[0].Action.Root.Dir, filepath.Join(dir, "etc", "site"); got != want {
		t.Errorf("root %s; want %s", got, want)
	}
}

// A log that is the config itself, by any name, would end it at the first request.
func TestLogIsConfig(t *testing.T) {
	dir := newFolder(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.WriteFile(at("real.yaml"), nil, 0o644))
	must(t, os.Symlink("real.yaml", at("config.yaml")))
	must(t, os.Symlink("../config.yaml", at("logs/symlink")))
	must(t, os.Link(at("real.yaml"), at("logs/hard")))
	for _, name := range []string{"config.yaml", "real.yaml", "logs/symlink", "logs/hard", at("config.yaml"), "logs/../config.yaml", "logs/other", "notes.txt"} {
		must(t, os.WriteFile(at("real.yaml"), []byte("listeners: [{listen: 8080, respond: hi}]\nlog: {access: "+name+"}"), 0o644))
		_, err := Load(at("config.yaml"))
		if name == "logs/other" || name == "notes.txt" {
			must(t, err)
			continue
		}
		want := at("config.yaml") + ":2:15: log.access: " + filepath.Join(dir, name) + " is this config itself, and each request would add a line to it; give the log a file of its own"
		if filepath.IsAbs(name) {
			want = strings.Replace(want, dir+dir, dir, 1)
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoadUnreadable(t *testing.T) {
	dir := newFolder(t)
	if err := os.Symlink("gone.yaml", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		cause error
		want  string
	}{
		{"none.yaml", fs.ErrNotExist, "there is no such file; `monopoll init` writes a first one"},
		{"dangling", fs.ErrNotExist, "this is a symlink to gone.yaml, and there is no such file"},
		{"site", syscall.EISDIR, "this is a folder; did you mean " + dir + "/site/config.yaml?"},
		{"loop", syscall.ELOOP, "the file cannot be read:"},
	} {
		_, err := Load(filepath.Join(dir, c.name))
		var ms Mistakes
		if !errors.As(err, &ms) || !errors.Is(err, c.cause) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// Root may read everything, so this one is made up.
	if got := unreadable("config.yaml", &fs.PathError{Op: "open", Err: syscall.EACCES}).Error(); got != "config.yaml: the file may not be read by the user that runs monopoll" {
		t.Error(got)
	}
	if got := pathTrouble(theRoot, "/srv", "/srv", syscall.EACCES); !strings.HasPrefix(got, "the root may not be read: /srv; give the user") {
		t.Error(got)
	}
	if got := pathTrouble(theRoot, "/srv", "/srv", &fs.PathError{Err: syscall.EIO}); got != "the root cannot be used: /srv: input/output error" {
		t.Error(got)
	}
}

func TestLoadStandardInput(t *testing.T) {
	dir := newFolder(t)
	t.Chdir(dir)
	text := "listeners: [{listen: 8080, root: site}]\n"
	r, w, err := os.Pipe()
	must(t, err)
	stdin := os.Stdin
	os.Stdin = r
	defer func() { os.Stdin = stdin }()
	_, err = w.WriteString(text)
	must(t, err)
	must(t, w.Close())
	cfg, err := Load("-")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Dir != dir || cfg.Listeners[0].Action.Root.Dir != filepath.Join(dir, "site") || cfg.Control != "" {
		t.Errorf("dir %s, root %s, control %q", cfg.Dir, cfg.Listeners[0].Action.Root.Dir, cfg.Control)
	}
}

// A config that comes by a pipe, or by another name of standard input, starts
// from the current folder, and has no control socket that could be found.
func TestLoadStream(t *testing.T) {
	dir := newFolder(t)
	t.Chdir(dir)
	must(t, os.Mkdir("pipes", 0o755))
	fifo := filepath.Join(dir, "pipes", "fifo")
	must(t, syscall.Mkfifo(fifo, 0o644))
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	file := filepath.Join(dir, "config.yaml")
	must(t, os.WriteFile(file, []byte("listeners: [{listen: 8080, root: site}]\n"), 0o644))
	plain, err := os.Open(file)
	must(t, err)
	defer plain.Close()
	go func() {
		if to, err := os.OpenFile(fifo, os.O_WRONLY, 0); err == nil { // when there is a reader
			to.WriteString("listeners: [{listen: 8080, root: site}]\n")
			to.Close()
		}
	}()
	_, err = w.WriteString("listeners: [{listen: 8080, root: site}]\n")
	must(t, err)
	must(t, w.Close())
	for _, path := range []string{fifo, fmt.Sprintf("/dev/fd/%d", r.Fd()), fmt.Sprintf("/proc/self/fd/%d", plain.Fd())} {
		cfg, err := Load(path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if cfg.Dir != dir || cfg.Listeners[0].Action.Root.Dir != filepath.Join(dir, "site") || cfg.Control != "" {
			t.Errorf("%s: dir %s, root %s, control %q", path, cfg.Dir, cfg.Listeners[0].Action.Root.Dir, cfg.Control)
		}
		if control, err := ControlPath(path); err == nil {
			t.Errorf("%s leads to the control socket %q", path, control)
		}
	}
}

func TestTooLong(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	must(t, os.WriteFile(file, []byte("listeners: [{listen: 8080, echo: true}]\n"), 0o644))
	must(t, os.Truncate(file, maxText+1))
	_, err := Load(file)
	if err == nil || err.Error() != file+": the file has more than 4MiB; that is no config" {
		t.Error(err)
	}
	must(t, os.Truncate(file, maxText)) // NULs: read, and refused for what it is
	_, err = Load(file)
	if err == nil || !strings.HasPrefix(err.Error(), file+":2:1: the character U+0000 may not stand in a YAML file") {
		t.Errorf("%.200v", err)
	}
}

// TestManyMistakes shows that every mistake is kept and that a terminal is
// spared most of them.
func TestManyMistakes(t *testing.T) {
	var b strings.Builder
	b.WriteString("listeners: [{listen: 8080, echo: true}]\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "unknown%d: x\n", i)
	}
	_, err := Parse("config.yaml", t.TempDir(), []byte(b.String()))
	var ms Mistakes
	if !errors.As(err, &ms) || len(ms) != 5000 {
		t.Fatalf("%d mistakes", len(ms))
	}
	if text := err.Error(); strings.Count(text, "\n") != 3*mistakesShown || !strings.HasSuffix(text, "… and 4900 more") {
		t.Errorf("%d lines, ending in %q", strings.Count(text, "\n"), text[len(text)-30:])
	}
}

// TestLargeConfig reads more than anybody has by hand, in the order of the file.
func TestLargeConfig(t *testing.T) {
	dir := newFolder(t)
	cfg, err := Parse("config.yaml", dir, []byte(large()))
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Listeners) != 1001 || len(cfg.Listeners[1000].Routes) != 10000 {
		t.Errorf("%d listeners", len(cfg.Listeners))
	}
	if got := cfg.Listeners[1000].Routes[9999].Pattern; got != "/path/9999/{x}" {
		t.Errorf("last route %s", got)
	}
}

// TestHostileConfig reads files that are small and would be costly to somebody
// careless: the work of each must stay in proportion to its length.
func TestHostileConfig(t *testing.T) {
	dir := newFolder(t)
	many := func(text string) string { return strings.Repeat(text, 128<<10/len(text)) }
	for name, c := range map[string]struct{ text, want string }{
		"ranges":    {"listeners: [{listen: [" + many("1-1024,") + "81], echo: on}]", "the config has more than 10000 addresses; each takes a descriptor"},
		"sockets":   {"listeners: [{listen: [" + many("'unix:a',") + "81], echo: on}]", "the config has more than 10000 addresses"},
		"listeners": {"listeners:\n" + many("- {}\n"), "… and 9900 more at least"},
		"nested":    {many("- "), "the values are nested too deeply"},
		"brackets":  {many("["), "the values are nested too deeply"},
		"one word":  {many("a"), "a config is a mapping"},
		"one line":  {"{" + many("a: 1,") + "}", "duplicate key"},
		"comments":  {many("# x\n"), "the file is empty"},
		"keys":      {many("a\n"), "a config is a mapping"},
	} {
		_, err := Parse("config.yaml", dir, []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %.300v", name, err)
		}
	}
}

func TestNewMistake(t *testing.T) {
	dir := newFolder(t)
	cfg, err := Parse("config.yaml", dir, []byte("listeners:\n  - listen: 8080\n    routes:\n      /a: {respond: ok}\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := NewMistake(cfg, cfg.Listeners[0].Routes[0].Pos, cfg.Where(Place{0, 0}), "overlaps another").Error()
	want := "config.yaml:4:7: listeners[0].routes[\"/a\"]: overlaps another\n          /a: {respond: ok}\n          ^"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	cfg, err = EchoOn("8080")
	must(t, err)
	if got := NewMistake(cfg, Pos{}, "-l", "taken").Error(); got != "-l: taken" {
		t.Errorf("got %q", got)
	}
}

func TestQuick(t *testing.T) {
	dir := newFolder(t)
	t.Chdir(dir)
	good := func(cfg *Config, err error) string {
		if err != nil {
			return err.Error()
		}
		return strings.ReplaceAll(outline(cfg), dir, "$DIR")
	}
	for _, c := range []struct{ name, got, want string }{
		{"serve", good(Serve("site")), "0:0 listener \"8080\" :8080\n  0:0 root $DIR/site index=index.html\ncontrol \"\" user \"\" sandbox false\n"},
		{"serve on two", good(Serve(dir, "127.0.0.1:0", "[::1]:0")), "0:0 listener \"127.0.0.1:0, [::1]:0\" 127.0.0.1:0 [::1]:0\n  0:0 root $DIR index=index.html\ncontrol \"\" user \"\" sandbox false\n"},
		{"respond", good(RespondText("hi", 201, "81")), "0:0 listener \"81\" :81\n  0:0 respond 201 type=\"text/plain; charset=utf-8\" file=\"\" \"hi\"\ncontrol \"\" user \"\" sandbox false\n"},
		{"respond nothing", good(RespondText("", 204, "81")), "0:0 listener \"81\" :81\n  0:0 respond 204 type=\"\" file=\"\" \"\"\ncontrol \"\" user \"\" sandbox false\n"},
		{"echo", good(EchoOn("unix:run/e.sock")), "0:0 listener \"unix:run/e.sock\" unix:$DIR/run/e.sock\n  0:0 echo\ncontrol \"\" user \"\" sandbox false\n"},
		{"no folder", good(Serve("sitte")), "DIR: the root does not exist: $DIR/sitte; did you mean site?"},
		{"a file", good(Serve("notes.txt", "99999")), "-l: port 99999 is out of range; a port is from 1 to 65535\nDIR: the root is a file, not a folder: $DIR/notes.txt; to answer with one file write respond: {file: …}"},
		{"bad status", good(RespondText("hi", 99, "81")), "--status: \"99\" is no status; a status is a whole number from 200 to 599"},
		{"no body", good(RespondText("hi", 204, "81")), "--status: a response with status 204 has no content (RFC 9110 §15.3); give an empty TEXT, or choose another status"},
		{"twice", good(EchoOn("81", "127.0.0.1:81")), "-l: 127.0.0.1:81 overlaps :81, which is given already; name each address once"},
		{"no address", good(EchoOn("")), "-l: \"\" is not where one can listen; it must be a port, \"127.0.0.1:8080\", \"[::1]:8080\", \"unix:run/site.sock\" or a range \"8000-8003\""},
	} {
		if got := strings.ReplaceAll(c.got, dir, "$DIR"); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestAddress(t *testing.T) {
	for _, c := range []struct {
		a        Address
		key, url string
	}{
		{Address{Port: 8080}, ":8080", "http://localhost:8080"},
		{Address{Port: 80}, ":80", "http://localhost"},
		{Address{Host: "0.0.0.0", Port: 8080}, "0.0.0.0:8080", "http://localhost:8080"},
		{Address{Host: "127.0.0.1", Port: 8080}, "127.0.0.1:8080", "http://127.0.0.1:8080"},
		{Address{Host: "::1", Port: 8080}, "[::1]:8080", "http://[::1]:8080"},
		{Address{Unix: "/run/a.sock"}, "unix:/run/a.sock", "unix:/run/a.sock"},
	} {
		if c.a.String() != c.key || URL(c.a) != c.url {
			t.Errorf("%+v: %s %s; want %s %s", c.a, c.a, URL(c.a), c.key, c.url)
		}
	}
}

func TestControlPath(t *testing.T) {
	dir := newFolder(t)
	file := filepath.Join(dir, "config.yaml")
	for _, c := range []struct{ text, want string }{
		{"listeners: [{listen: 8080, root: site}]", "/.monopoll.sock"},
		{"listeners: [{listen: 8080, root: site}]\ncontrol: run/c.sock", "/run/c.sock"},
		{"control: off", ""},
		{"control: on", "/.monopoll.sock"},
		{"listeners: [broken\ncontrol: run/c.sock", "/.monopoll.sock"},
		{"listenerss: [{listen: 99999, root: nowhere}]\ncontrol: run/c.sock", "/run/c.sock"},
		{"", "/.monopoll.sock"},
	} {
		must(t, os.WriteFile(file, []byte(c.text), 0o644))
		got, err := ControlPath(file)
		if got = strings.TrimPrefix(got, dir); err != nil || got != c.want {
			t.Errorf("%q: %q, %v; want %q", c.text, got, err, c.want)
		}
	}
	if _, err := ControlPath(filepath.Join(dir, "none.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestControlFarAway shows where the control socket goes when the folder's path
// is longer than a socket's may be.
func TestControlFarAway(t *testing.T) {
	run := newFolder(t)
	far := filepath.Join(run, strings.Repeat("x", 100))
	t.Setenv("XDG_RUNTIME_DIR", run)
	got := defaultControl(far)
	want := run
	if os.Getuid() == 0 {
		want = "/run"
	}
	if filepath.Dir(got) != want || len(got) > maxUnixPath || got == defaultControl(far+"y") {
		t.Errorf("control %q; want one in %s", got, want)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"root", "sites", "respond", "redirect", "echo", "listen"}
	for word, want := range map[string]string{
		"rot": "root", "toor": "", "Root": "root", "ROOT": "root", "ehco": "echo", "redirct": "redirect",
		"responds": "respond", "lsiten": "listen", "xyz": "", "": "", strings.Repeat("root", 20): "",
	} {
		if got := nearest(word, names); got != want {
			t.Errorf("%q: %q; want %q", word, got, want)
		}
	}
}

// TestQuote shows where the caret stands, in columns of a terminal.
func TestQuote(t *testing.T) {
	for _, c := range []struct {
		line   string
		column int
		shown  string
		caret  string
	}{
		{"abc", 2, "abc", " ^"},
		{"abc", 9, "abc", "   ^"},
		{"\tab\tc", 5, "\tab\tc", "\t  \t^"},
		{"漢字x", 3, "漢字x", "    ^"},
		{"e\u0301x", 3, "e\u0301x", " ^"},
		{"a\x1b[2Jx", 6, "a\ufffd[2Jx", "     ^"},
		{"a\u202ex", 3, "a\ufffdx", "  ^"},
		{strings.Repeat("x", quoteWidth+1), 1, strings.Repeat("x", quoteWidth) + "…", "^"},
		{strings.Repeat("x", 300), 300, "…" + strings.Repeat("x", quoteWidth), strings.Repeat(" ", quoteWidth) + "^"},
	} {
		shown, caret := quote(c.line, c.column)
		if shown != c.shown || caret != c.caret {
			t.Errorf("%q at %d:\n%q\n%q; want\n%q\n%q", c.line, c.column, shown, caret, c.shown, c.caret)
		}
	}
}
