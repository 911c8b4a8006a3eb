package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Every way to end, and the code it ends with.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", freeAddress(t))
	must(t, err)
	defer taken.Close()
	dir := folder(t, map[string]string{
		"config.yaml": "listeners: [{listen: '" + freeAddress(t) + "', root: www}]",
		"broken.yaml": "listeners:\n  - lsten: 80\n    rot: www\n",
		"syntax.yaml": "listeners: [",
		"taken.yaml":  "listeners: [{listen: '" + taken.Addr().String() + "', respond: hi}]",
		"www/a.html":  "a",
		"empty.yaml":  "",
	})
	for _, c := range []struct {
		args string
		code int
		says string // in either stream
	}{
		{"check", exitFine, "config.yaml is fine"},
		{"-t", exitFine, "config.yaml is fine"},
		{"-t -c config.yaml", exitFine, "config.yaml is fine"},
		{"version", exitFine, "monopoll "},
		{"--help", exitFine, "Usage:"},
		{"schema", exitFine, "2020-12"},
		{"completion bash", exitFine, "monopoll"},

		{"check -c broken.yaml", exitFailed, `did you mean "root"?`},
		{"-t -c broken.yaml", exitFailed, `did you mean "listen"?`},
		{"check -c syntax.yaml", exitFailed, "syntax.yaml:1:"},
		{"check -c empty.yaml", exitFailed, "empty"},
		{"check -c nowhere.yaml", exitFailed, "no such file"},
		{"check -c www", exitFailed, "folder"},
		{"run -c taken.yaml", exitFailed, "taken.yaml:1:22: cannot listen on " + taken.Addr().String()},
		{"-c taken.yaml", exitFailed, "another program"},
		{"reload", exitFailed, "is it running"},
		{"status", exitFailed, "is it running"},
		{"stop", exitFailed, "is it running"},

		{"run -c broken.yaml", exitUsage, `did you mean "root"?`},
		{"-c broken.yaml", exitUsage, `did you mean "listen"?`},
		{"run -c nowhere.yaml", exitUsage, "no such file"},
		{"run -c empty.yaml", exitUsage, "empty"},
		{"run --nonsense", exitUsage, "--nonsense"},
		{"run extra", exitUsage, "extra"},
		{"run --log-format xml", exitUsage, "xml"},
		{"frobnicate", exitUsage, "frobnicate"},
		{"reload -c nowhere.yaml", exitUsage, "no such file"},
		{"serve", exitUsage, "arg"},
		{"serve nowhere", exitUsage, "nowhere"},
		{"serve www/a.html", exitUsage, "a.html"},
		{"serve www -l 70000", exitUsage, "70000"},
		{"respond hi --status 99", exitUsage, "99"},
		{"echo -l nonsense", exitUsage, "nonsense"},
	} {
		out, errs, code := monopoll(t, dir, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(out+errs, c.says) {
			t.Errorf("monopoll %s: code %d, want %d with %q:\n%s%s", c.args, code, c.code, c.says, out, errs)
		}
		if code != exitFine && out != "" {
			t.Errorf("monopoll %s: an error on standard output: %s", c.args, out)
		}
	}
}

// What a person reads when it starts: the file, each listener with a URL and
// what is there, and how changes are noticed.
func TestStartLines(t *testing.T) {
	t.Parallel()
	a, b, c := freeAddress(t), freeAddress(t), freeAddress(t)
	dir := folder(t, map[string]string{
		"config.yaml": fmt.Sprintf("listeners:\n- {listen: '%s', root: www}\n- {listen: '%s', echo: true}\n"+
			"- {listen: '%s', routes: {/: {respond: hello}, /old: {redirect: /new}}}\n", a, b, c),
		"www/index.html": "12345",
		"www/b/c.css":    "12345",
	})
	s := run(t, dir)
	said := s.err.String()
	for _, want := range []string{
		"serves config.yaml, " + ready, "http://" + a + "  root www (2 files, 10 B)",
		b + "  echo", "http://" + c + "\n", "/  respond 200 (5 B)", "/old  redirect 308 /new",
		"watching config.yaml and www, by inotify in ",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in:\n%s", want, said)
		}
	}
	if s.out.String() != "" {
		t.Errorf("on standard output, which is the access log's: %s", s.out.String())
	}
	s.stop()
}

// Without a command it runs, and without a file it takes ./config.yaml.
func TestBareCommandRuns(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + "', respond: bare}]"})
	s := launch(t, command(dir))
	if got := fetch(a, "/"); got != "bare" {
		t.Errorf("%q", got)
	}
	s.stop()
}

// The config comes from standard input, once: there is nothing to watch. What
// it names relatively is found from the current folder.
func TestConfigFromStandardInput(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"www/index.html": "a page"})
	cmd := command(dir, "run", "-c", "-")
	cmd.Stdin = strings.NewReader("listeners: [{listen: '" + a + "', root: www}]")
	s := launch(t, cmd)
	s.serves(a, "/", "a page")
	replace(t, filepath.Join(dir, "www/index.html"), "another")
	s.serves(a, "/", "another")
	s.signal(syscall.SIGHUP) // finds nothing to read, and loses nothing
	replace(t, filepath.Join(dir, "www/index.html"), "a third")
	s.serves(a, "/", "a third")
	s.stop()
}

func TestQuickModes(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"www/index.html": "a page"})
	a := freeAddress(t)
	serve := launch(t, command(dir, "serve", "www", "-l", a))
	serve.serves(a, "/", "a page")
	replace(t, filepath.Join(dir, "www/index.html"), "edited")
	serve.serves(a, "/", "edited")

	b := freeAddress(t)
	respond := launch(t, command(dir, "respond", "a text", "--status", "203", "-l", b))
	if res, body := connect(t, b).get("/any"); res.StatusCode != 203 || body != "a text" {
		t.Errorf("respond: %s %q", res.Status, body)
	}

	e := freeAddress(t)
	echo := launch(t, command(dir, "echo", "-l", e))
	c := connect(t, e)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	go func() {
		c.Write(sent)
		c.Conn.(*net.TCPConn).CloseWrite()
	}()
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("echo: %d of %d bytes, %v", len(got), len(sent), err)
	}
	// Port 0 is any that is free; the URL to click on has it.
	free := launch(t, command(dir, "serve", "www", "-l", "127.0.0.1:0"))
	_, after, _ := strings.Cut(free.err.String(), "http://")
	free.serves(strings.Fields(after)[0], "/", "edited")

	for _, s := range []*server{serve, respond, echo, free} {
		s.stop()
	}
}

// init writes what run serves, and is never in the way of what is there.
func TestInit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, errs, code := monopoll(t, dir, "init", "new"); code != exitFine {
		t.Fatal(errs)
	}
	if out, errs, code := monopoll(t, dir, "check", "-c", "new/config.yaml"); code != exitFine {
		t.Errorf("what init wrote has mistakes: %s%s", out, errs)
	}
	config := filepath.Join(dir, "new/config.yaml")
	must(t, os.WriteFile(config, []byte("mine"), 0o644))
	must(t, os.RemoveAll(filepath.Join(dir, "new/site")))
	if _, errs, code := monopoll(t, dir, "init", "new"); code != exitUsage || !strings.Contains(errs, "new/config.yaml") {
		t.Errorf("code %d: %s", code, errs)
	}
	if text, _ := os.ReadFile(config); string(text) != "mine" {
		t.Errorf("init overwrote a file: %s", text)
	}
	if _, err := os.Stat(filepath.Join(dir, "new/site")); err == nil {
		t.Error("a refused init wrote half of its files")
	}
}

// downloads begins n downloads of which the clients take nothing yet.
func downloads(t *testing.T, address, path string, n int) []*client {
	t.Helper()
	var all []*client
	for range n {
		c := connect(t, address)
		c.ask(path)
		all = append(all, c)
	}
	for _, c := range all {
		if _, err := c.r.Peek(1); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// SIGTERM with two hundred answers in flight: all of them are sent to their
// end, and it exits well.
func TestDrainFinishesAnswers(t *testing.T) {
	a := freeAddress(t)
	body := strings.Repeat("0123456789abcde\n", 4<<20/16) // more than two sockets' buffers hold
	dir := folder(t, map[string]string{
		"config.yaml": "listeners: [{listen: '" + a + "', root: www}]\ntimeouts: {drain: 10m, send: 10m}\nlog: {access: off}",
		"www/big.txt": body,
	})
	s := run(t, dir)
	clients := downloads(t, a, "/big.txt", 200)
	s.signal(syscall.SIGTERM)
	s.says("stopping")
	s.until("nobody to listen", func() bool { return !listens(a) })
	var all sync.WaitGroup
	for _, c := range clients {
		all.Go(func() {
			if _, got, err := c.answer(); err != nil || got != body {
				t.Errorf("%d of %d bytes, %v", len(got), len(body), err)
			}
		})
	}
	all.Wait()
	s.exits(exitFine)
}

// A second signal ends it at once, whatever is in flight.
func TestSecondSignalStops(t *testing.T) {
	t.Parallel()
	for _, second := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		a := freeAddress(t)
		dir := folder(t, map[string]string{
			"config.yaml": "listeners: [{listen: '" + a + "', root: www}]\ntimeouts: {drain: 10m, send: 10m}\nlog: {access: off}",
			"www/big.txt": strings.Repeat("0123456789abcde\n", 4<<20/16),
		})
		s := run(t, dir)
		downloads(t, a, "/big.txt", 1)
		s.signal(syscall.SIGINT)
		s.until("nobody to listen", func() bool { return !listens(a) })
		for ended := false; !ended; { // in case it takes the two for one
			s.cmd.Process.Signal(second)
			select {
			case <-s.done:
				ended = true
			case <-time.After(100 * time.Millisecond):
			}
		}
		s.exits(exitFailed)
		s.says("at once")
	}
}

// timeout(1) and terminals send a signal to a process and to its group, so it
// comes twice. That is still somebody's wish that answers be finished.
func TestDoubledSignalIsOne(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("0123456789abcde\n", 4<<20/16)
	attempt := func() error {
		a := freeAddress(t)
		dir := folder(t, map[string]string{
			"config.yaml": "listeners: [{listen: '" + a + "', root: www}]\ntimeouts: {drain: 10m, send: 10m}\nlog: {access: off}",
			"www/big.txt": body,
		})
		s := run(t, dir)
		c := downloads(t, a, "/big.txt", 1)[0]
		for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGTERM} {
			s.cmd.Process.Signal(sig)
		}
		if _, got, err := c.answer(); err != nil || got != body {
			return fmt.Errorf("%d of %d bytes, %w", len(got), len(body), err)
		}
		c.Close()
		if s.ended(); s.code != exitFine {
			return fmt.Errorf("it ended with %d", s.code)
		}
		return nil
	}
	// On a machine that stands still between two signals they are two.
	err := attempt()
	for range 4 {
		if err == nil {
			return
		}
		err = attempt()
	}
	t.Error(err)
}

// What does not end within the drain time is cut off, and that is no failure.
func TestDrainIsBounded(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{
		"config.yaml": "listeners: [{listen: '" + a + "', root: www}]\ntimeouts: {drain: 200ms, send: 10m}\nlog: {access: off}",
		"www/big.txt": strings.Repeat("0123456789abcde\n", 4<<20/16),
	})
	s := run(t, dir)
	downloads(t, a, "/big.txt", 1)
	s.stop()
}

// SIGHUP looks again, also where nothing has happened: a mistake is said anew.
func TestHangupReloads(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + "', respond: one}]"})
	s := run(t, dir)
	replace(t, filepath.Join(dir, "config.yaml"), "listeners: [{listen: '"+a+"', rspond: one}]")
	const mistake = "config.yaml:1:"
	s.says(mistake)
	s.signal(syscall.SIGHUP)
	s.until("the mistake a second time", func() bool { return strings.Count(s.err.String(), mistake) == 2 })
	if got := fetch(a, "/"); got != "one" {
		t.Errorf("%q", got)
	}
	s.stop()
}

// A rotated log is left alone once SIGUSR1, or SIGHUP, has come.
func TestLogIsOpenedAnew(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{syscall.SIGUSR1, syscall.SIGHUP} {
		a := freeAddress(t)
		dir := folder(t, map[string]string{
			"config.yaml": "listeners: [{listen: '" + a + "', respond: ok}]\nlog: {access: access.log}"})
		s := run(t, dir)
		now, before := filepath.Join(dir, "access.log"), filepath.Join(dir, "access.log.1")
		has := func(path, text string) func() bool {
			return func() bool {
				all, _ := os.ReadFile(path)
				return strings.Contains(string(all), text)
			}
		}
		fetch(a, "/first")
		s.until("a line", has(now, "GET /first "))
		must(t, os.Rename(now, before))
		s.signal(sig)
		s.until("lines in the new file", func() bool { fetch(a, "/later"); return has(now, "GET /later ")() })
		fetch(a, "/last")
		s.until("the last line", has(now, "GET /last "))
		if has(before, "GET /last ")() {
			t.Error("the old file was written to after the new one")
		}
		s.stop()
	}
}

// It is killed while it answers, and starts again at once on the same addresses.
func TestRestartAfterKill(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	body := strings.Repeat("0123456789abcde\n", 4<<20/16)
	dir := folder(t, map[string]string{
		"config.yaml": "listeners: [{listen: ['" + a + "', 'unix:run.sock'], root: www}]\nlog: {access: off}",
		"www/big.txt": body, "www/index.html": "home",
	})
	for range 3 {
		s := run(t, dir)
		downloads(t, a, "/big.txt", 20)
		if got := fetch(filepath.Join(dir, "run.sock"), "/"); got != "home" {
			t.Errorf("by the unix socket: %q", got)
		}
		s.cmd.Process.Kill()
		<-s.done
		if _, err := os.Lstat(filepath.Join(dir, "run.sock")); err != nil {
			t.Fatal("a killed server took its socket along, and there is nothing to test:", err)
		}
	}
	s := run(t, dir)
	for _, at := range []string{a, filepath.Join(dir, "run.sock")} {
		if got := fetch(at, "/"); got != "home" {
			t.Errorf("%s: %q", at, got)
		}
	}
	// Now that somebody answers there, a second server must not take it away.
	_, errs, code := monopoll(t, dir, "run")
	if code != exitFailed || !strings.Contains(errs, "cannot listen") {
		t.Errorf("a second server: %d, %s", code, errs)
	}
	if got := fetch(filepath.Join(dir, "run.sock"), "/"); got != "home" {
		t.Errorf("after a second server: %q", got)
	}
	if st := s.status(); st.PID != s.cmd.Process.Pid {
		t.Errorf("the control socket is process %d's", st.PID)
	}
	s.stop()
	for _, name := range []string{"run.sock", ".monopoll.sock"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is left behind", name)
		}
	}
}

// Services are started in odd ways: with a closed standard input, or without
// any of the three. What it opens instead must not be taken for them.
func TestStartedWithoutStandardStreams(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"<&-", "<&- >&- 2>&-", "</dev/null >/dev/null 2>/dev/null"} {
		a := freeAddress(t)
		dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + "', respond: here}]"})
		cmd := command(dir)
		cmd.Args = []string{"sh", "-c", `exec "$0" run ` + how, cmd.Path}
		var err error
		if cmd.Path, err = exec.LookPath("sh"); err != nil {
			t.Fatal(err)
		}
		s := begin(t, cmd)
		s.serves(a, "/", "here")
		for fd := range 3 {
			what, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", cmd.Process.Pid, fd))
			if err != nil || what != "/dev/null" && !strings.HasPrefix(what, "pipe:") {
				t.Errorf("%s: descriptor %d is %q, %v", how, fd, what, err)
			}
		}
		s.serves(a, "/", "here")
		s.stop()
	}
}

// Whoever reads its log and leaves (`monopoll | head`) does not end it.
func TestLogReaderLeaves(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + "', respond: ok}]"})
	r, w, err := os.Pipe()
	must(t, err)
	cmd := command(dir, "run")
	cmd.Stdout = w
	s := launch(t, cmd)
	w.Close()
	r.Close()
	s.until("the log to fail", func() bool { fetch(a, "/"); return strings.Contains(s.err.String(), "access log cannot be written") })
	s.serves(a, "/", "ok")
	s.stop()
}
