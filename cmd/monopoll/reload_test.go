package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// respond is a config of listeners with fixed responses, given as pairs of an
// address and a text.
func respond(pairs ...string) string {
	text := "listeners:\n"
	for i := 0; i < len(pairs); i += 2 {
		text += fmt.Sprintf("  - {listen: '%s', respond: '%s'}\n", pairs[i], pairs[i+1])
	}
	return text
}

// Two hundred connections ask without pause while the config is saved fifty
// times. None is closed, no request fails, and each hears the newest in the end.
func TestReloadsUnderLoad(t *testing.T) {
	a := freeAddress(t)
	text := func(n int) string { return respond(a, fmt.Sprintf("version %d", n)) + "log: {access: off}\n" }
	dir := folder(t, map[string]string{"config.yaml": text(0)})
	s := run(t, dir)
	const clients, saves = 200, 50
	var saved, live atomic.Int64
	var all sync.WaitGroup
	for range clients {
		c := connect(t, a)
		all.Go(func() {
			for seen := int64(0); seen < saves; {
				least := max(seen, live.Load())
				c.ask("/")
				_, body, err := c.answer()
				var n int64
				if err == nil {
					_, err = fmt.Sscanf(body, "version %d", &n)
				}
				if err != nil || n < least || n > saved.Load() {
					t.Errorf("%q (%v), when it must be from %d to %d", body, err, least, saved.Load())
					return
				}
				seen = n
			}
		})
	}
	for n := 1; n <= saves; n++ {
		saved.Store(int64(n))
		replace(t, filepath.Join(dir, "config.yaml"), text(n))
		s.serves(a, "/", fmt.Sprintf("version %d", n))
		live.Store(int64(n))
	}
	all.Wait()
	if st := s.status(); st.Version != saves+1 || st.Connections < clients {
		t.Errorf("version %d with %d connections", st.Version, st.Connections)
	}
	s.stop()
}

// A mistake in the config of a running server changes nothing, is reported as
// check reports it, and is gone when the text is what it was.
func TestMistakeChangesNothing(t *testing.T) {
	t.Parallel()
	a, b, e := freeAddress(t), freeAddress(t), freeAddress(t)
	good := fmt.Sprintf("listeners:\n  - {listen: '%s', respond: one}\n  - {listen: '%s', root: www}\n  - {listen: '%s', echo: true}\n", a, b, e)
	dir := folder(t, map[string]string{"config.yaml": good, "www/index.html": "a page"})
	path := filepath.Join(dir, "config.yaml")
	s := run(t, dir)
	client, echo := connect(t, a), connect(t, e)
	for i, broken := range []string{
		strings.Replace(good, "respond", "rspond", 1),
		strings.Replace(strings.Replace(good, "root: www", "rot: www", 1), "echo: true", "echo: maybe", 1),
		strings.Replace(good, "www", "nowhere", 1),
		strings.Replace(good, b, a, 1),
		good + "limits: {head: 1YB}\ntimeouts: {idle: soon}\n",
		good + "listeners: []\n",
		"listeners: [\n",
		"",
	} {
		replace(t, path, broken)
		s.until("the mistake", func() bool { return s.status().Mistake != "" })
		out, want, code := monopoll(t, dir, "check")
		if got := s.status().Mistake; code != exitFailed || out != "" || strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("mistake %d: the server says\n%s\nand check\n%s", i, got, want)
		}
		out, got, code := monopoll(t, dir, "reload")
		if code != exitFailed || out != "" || strings.TrimSpace(got) != strings.TrimSpace(want)+"\nstill serving version 1" {
			t.Errorf("mistake %d: reload gives %d and says\n%s%s", i, code, out, got)
		}
		if !strings.Contains(s.err.String(), strings.TrimSpace(want)) {
			t.Errorf("mistake %d is not in the log", i)
		}
		if _, body := client.get("/"); body != "one" || fetch(a, "/") != "one" || fetch(b, "/") != "a page" {
			t.Errorf("mistake %d: %q, %q, %q", i, body, fetch(a, "/"), fetch(b, "/"))
		}
		fmt.Fprint(echo, "?")
		if got, err := echo.r.ReadByte(); err != nil || got != '?' || !listens(e) {
			t.Errorf("mistake %d: the echo says %q, %v", i, got, err)
		}
		mended := strings.Count(s.err.String(), "the mistake is gone")
		replace(t, path, good)
		s.until("the end of the mistake", func() bool {
			return s.status().Mistake == "" && strings.Count(s.err.String(), "the mistake is gone") == mended+1
		})
	}
	if st := s.status(); st.Version != 1 {
		t.Errorf("version %d is served", st.Version)
	}
	s.stop()
}

// A config that is deleted, or that something else is in place of, is a mistake
// like any other, and the watcher lives through it.
func TestConfigOutOfReach(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": respond(a, "0")})
	path := filepath.Join(dir, "config.yaml")
	s := run(t, dir)
	for i, spoil := range []func(){
		func() {},
		func() { must(t, os.Mkdir(path, 0o755)) },
		func() { must(t, syscall.Mkfifo(path, 0o644)) },
		func() { must(t, os.Symlink("nowhere", path)) },
		func() { must(t, os.Symlink("config.yaml", path)) },
		func() { must(t, os.WriteFile(path, nil, 0o644)) },
		func() { must(t, os.WriteFile(path, []byte(respond(a, "secret")), 0)) },
	} {
		must(t, os.Remove(path))
		spoil()
		if i < 6 || os.Getuid() != 0 { // root may read what nobody may
			s.until("a mistake", func() bool { return s.status().Mistake != "" })
			s.serves(a, "/", fmt.Sprint(i))
		}
		os.Remove(path)
		replace(t, path, respond(a, fmt.Sprint(i+1)))
		s.serves(a, "/", fmt.Sprint(i+1))
		s.until("no mistake", func() bool { return s.status().Mistake == "" })
	}
	s.stop()
}

// A listener is removed while a download of 100 MB runs on it: the download is
// finished, its idle connections get one more answer, new ones are refused. One
// that is added serves.
func TestListenersComeAndGo(t *testing.T) {
	t.Parallel()
	stays, goes, comes := freeAddress(t), freeAddress(t), freeAddress(t)
	dir := folder(t, map[string]string{"www/index.html": "home"})
	path := filepath.Join(dir, "config.yaml")
	text := func(second string) string {
		return fmt.Sprintf("listeners:\n  - {listen: '%s', respond: stays}\n  - {listen: '%s', root: www}\nlog: {access: off}\n", stays, second)
	}
	replace(t, path, text(goes))
	const size = 100 << 20
	want := largeFile(t, filepath.Join(dir, "www/large.bin"), size)
	s := run(t, dir)
	kept, idle := connect(t, stays), connect(t, goes)
	kept.get("/")
	idle.get("/")
	download := downloads(t, goes, "/large.bin", 1)[0]
	replace(t, path, text(comes))
	began := time.Now()
	s.serves(comes, "/", "home")
	t.Logf("the added listener served after %d ms", time.Since(began).Milliseconds())
	if listens(goes) {
		t.Error("the removed listener takes new connections")
	}
	if res, body := idle.get("/"); body != "home" || !res.Close {
		t.Errorf("next answer on the removed listener: %q, close %v", body, res.Close)
	}
	if _, err := idle.r.ReadByte(); err != io.EOF {
		t.Errorf("after Connection: close: %v", err)
	}
	res, err := http.ReadResponse(download.r, nil)
	must(t, err)
	sum := sha256.New()
	if n, err := io.Copy(sum, res.Body); err != nil || n != size || [32]byte(sum.Sum(nil)) != want {
		t.Errorf("the download: %d bytes, %v", n, err)
	}
	if _, body := kept.get("/"); body != "stays" {
		t.Errorf("the other listener: %q", body)
	}
	s.says("+ listener " + comes)
	s.says("− listener " + goes)
	s.says("1 connection kept, 2 draining")
	s.stop()
}

// largeFile makes a file without writing all of it, and gives its hash.
func largeFile(t testing.TB, path string, size int64) (hash [32]byte) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	must(t, f.Truncate(size))
	for at := int64(0); at < size; at += 1 << 16 {
		_, err := fmt.Fprintf(io.NewOffsetWriter(f, at), "%d", at)
		must(t, err)
	}
	sum := sha256.New()
	_, err = f.Seek(0, io.SeekStart)
	must(t, err)
	_, err = io.Copy(sum, f)
	must(t, err)
	return [32]byte(sum.Sum(nil))
}

// Addresses are exchanged, taken out of a list and put into it. Who keeps its
// address keeps its connections.
func TestAddressesMove(t *testing.T) {
	t.Parallel()
	a, b, c := freeAddress(t), freeAddress(t), freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": respond(a, "first", b, "second"), "run/": ""})
	path := filepath.Join(dir, "config.yaml")
	s := run(t, dir)
	on := map[string]*client{a: connect(t, a), b: connect(t, b)}
	expect := func(address, body string) {
		t.Helper()
		if on[address] == nil {
			on[address] = connect(t, address)
		}
		if res, got := on[address].get("/"); got != body || res.Close {
			t.Errorf("%s: %q, want %q; close %v", address, got, body, res.Close)
		}
	}
	expect(a, "first")
	expect(b, "second")
	for range 2 { // swap, and back
		replace(t, path, respond(b, "first", a, "second"))
		s.serves(a, "/", "second")
		expect(a, "second")
		expect(b, "first")
		replace(t, path, respond(a, "first", b, "second"))
		s.serves(b, "/", "second")
		expect(a, "first")
		expect(b, "second")
	}
	list := func(name, addresses, text string) string {
		return fmt.Sprintf("listeners: [{name: %s, listen: [%s], respond: %s}]\n", name, addresses, text)
	}
	quoted := func(all ...string) string { return "'" + strings.Join(all, "', '") + "'" }
	unix := filepath.Join(dir, "run/s.sock")
	replace(t, path, list("one", quoted(a, b, "unix:run/s.sock"), "list"))
	s.serves(unix, "/", "list")
	expect(a, "list")
	expect(b, "list")
	expect(unix, "list")
	replace(t, path, list("two", quoted(b, c, "unix:run/s.sock"), "other"))
	s.serves(c, "/", "other")
	expect(b, "other")
	expect(unix, "other")
	if listens(a) {
		t.Errorf("%s is out of the list and listens", a)
	}
	if res, body := on[a].get("/"); body != "list" || !res.Close {
		t.Errorf("a connection of an address that left: %q, close %v", body, res.Close)
	}
	replace(t, path, list("two", quoted(b), "last"))
	s.serves(b, "/", "last")
	s.until("the unix socket to be gone", func() bool { _, err := os.Lstat(unix); return err != nil })
	s.stop()
}

// An address that cannot be had refuses the whole reload, and says why. When it
// is free, the config is taken without being saved again.
func TestAddressInUse(t *testing.T) {
	t.Parallel()
	a, b, c := freeAddress(t), freeAddress(t), freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": respond(a, "old", b, "old")})
	taken, err := net.Listen("tcp", c)
	must(t, err)
	s := run(t, dir)
	before := s.descriptors()
	replace(t, filepath.Join(dir, "config.yaml"), respond(a, "new", c, "new"))
	s.says("config.yaml:3:14: cannot listen on " + c)
	s.says("still serving version 1")
	if fetch(a, "/") != "old" || fetch(b, "/") != "old" {
		t.Error("a refused reload changed something")
	}
	s.until("no descriptor to be left over", func() bool { return reflect.DeepEqual(before, s.descriptors()) })
	taken.Close()
	s.serves(a, "/", "new")
	s.serves(c, "/", "new")
	s.stop()
}

// A config that comes out of a pipe is read once.
func TestConfigFromPipe(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"www/index.html": "a page", "text": "listeners: [{listen: '" + a + "', root: '$PWD/www'}]"})
	cmd := command(dir)
	var err error
	if cmd.Path, err = exec.LookPath("bash"); err != nil {
		t.Fatal(err)
	}
	self, _ := os.Executable()
	cmd.Args = []string{"bash", "-c", `exec "$0" run -c <(sed "s,\$PWD,$PWD," text)`, self}
	s := launch(t, cmd)
	s.serves(a, "/", "a page")
	replace(t, filepath.Join(dir, "www/index.html"), "another")
	s.serves(a, "/", "another")
	s.signal(syscall.SIGHUP)
	replace(t, filepath.Join(dir, "www/index.html"), "a third")
	s.serves(a, "/", "a third")
	if strings.Contains(s.err.String(), "still serving") {
		t.Error("a pipe that has ended is no mistake")
	}
	s.stop()
}

// Saving the same text again is no event.
func TestSameTextSaysNothing(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	text := respond(a, "same")
	dir := folder(t, map[string]string{"config.yaml": text})
	path := filepath.Join(dir, "config.yaml")
	s := run(t, dir)
	said := s.err.String()
	replace(t, path, text)
	must(t, os.WriteFile(path, []byte(text), 0o644))
	must(t, os.Chtimes(path, time.Now(), time.Now()))
	if v := s.reload(); !v.OK || !strings.Contains(v.Text, "unchanged") {
		t.Errorf("reload: %+v", v)
	}
	if st := s.status(); st.Version != 1 || s.err.String() != said {
		t.Errorf("version %d, and it said %s", st.Version, strings.TrimPrefix(s.err.String(), said))
	}
	s.stop()
}

// What deploy scripts rely on.
func TestControlCommands(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": respond(a, "one"), "www/index.html": "a page"})
	path := filepath.Join(dir, "config.yaml")
	s := run(t, dir)
	if info, err := os.Stat(filepath.Join(dir, ".monopoll.sock")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the control socket: %v, %v", info, err)
	}
	expect := func(code int, says string, args ...string) {
		t.Helper()
		out, errs, got := monopoll(t, dir, args...)
		if got != code || !strings.Contains(out+errs, says) || (code == exitFine) != (errs == "") {
			t.Errorf("%s: %d, want %d with %q: %s%s", args, got, code, says, out, errs)
		}
	}
	expect(exitFine, "unchanged", "reload")
	// A reload waits for what is on disk: no reader sees the former text after it.
	for n := range 10 {
		must(t, os.WriteFile(path, []byte(respond(a, fmt.Sprint("text ", n))+"# "+strings.Repeat("-", n)), 0o644))
		// The watcher may have been faster; then there is nothing left to do.
		out, errs, code := monopoll(t, dir, "reload")
		line := fmt.Sprintf("reload %d: config.yaml changed: ~ listener %s body; 0 connections kept, 0 draining; ", n+2, a)
		unchanged := fmt.Sprintf(" is unchanged; serving version %d\n", n+2)
		if code != exitFine || !strings.HasPrefix(out, line) && !strings.HasSuffix(out, unchanged) {
			t.Errorf("reload: %d, %s%s", code, out, errs)
		}
		if got := fetch(a, "/"); got != fmt.Sprint("text ", n) {
			t.Errorf("after reload: %q, want text %d", got, n)
		}
	}
	replace(t, path, "nonsense")
	expect(exitFailed, "config.yaml:1:1", "reload")
	expect(exitFine, "config.yaml:1:1", "status")
	replace(t, path, respond(a, "last"))
	expect(exitFine, "", "reload")

	if c := connect(t, a); true {
		c.get("/")
	}
	out, _, code := monopoll(t, dir, "status", "--json")
	var fields map[string]any
	if err := json.Unmarshal([]byte(out), &fields); err != nil || code != exitFine {
		t.Fatalf("status --json: %d, %v: %s", code, err, out)
	}
	// Fields may be added, never renamed or removed.
	for _, name := range []string{"program", "pid", "config", "version", "since", "started", "mistake", "listeners",
		"connections", "accepted", "refused", "requests", "bytes", "log_dropped", "memory_bytes", "watch"} {
		if _, ok := fields[name]; !ok {
			t.Errorf("status --json has no %q: %s", name, out)
		}
	}
	listener, _ := fields["listeners"].([]any)[0].(map[string]any)
	if listener["address"] != a || listener["connections"] != 1.0 || fields["connections"] != 1.0 ||
		fields["pid"] != float64(s.cmd.Process.Pid) || fields["requests"].(float64) < 11 || fields["memory_bytes"].(float64) < 1 {
		t.Errorf("status --json: %s", out)
	}
	if watch, _ := fields["watch"].([]any); len(watch) == 0 || fields["mistake"] != "" {
		t.Errorf("status --json: %s", out)
	}
	if text := string(s.control("nonsense")); !strings.Contains(text, "no command") {
		t.Errorf("nonsense on the control socket: %s", text)
	}
	expect(exitFine, "stopping", "stop")
	s.exits(exitFine)
	expect(exitFailed, "is it running", "stop")
}

// A server can be talked to while its config is missing, and a config that
// stands beside it is not its own.
func TestControlWithoutConfig(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"config.yaml": respond(freeAddress(t), "one"), "other.yaml": respond(freeAddress(t), "two")})
	s := run(t, dir)
	expect := func(code int, says string, args ...string) {
		t.Helper()
		if out, errs, got := monopoll(t, dir, args...); got != code || !strings.Contains(out+errs, says) {
			t.Errorf("%s: %d, want %d with %q: %s%s", args, got, code, says, out, errs)
		}
	}
	for _, command := range []string{"reload", "status", "stop"} {
		expect(exitFailed, "not other.yaml", command, "-c", "other.yaml")
		expect(exitFailed, "not nowhere.yaml", command, "-c", "nowhere.yaml")
	}
	must(t, os.Symlink("config.yaml", filepath.Join(dir, "link.yaml")))
	expect(exitFine, "version 1", "status", "-c", "link.yaml")
	must(t, os.Remove(filepath.Join(dir, "config.yaml")))
	expect(exitFailed, "no such file", "reload")
	expect(exitFine, "no such file", "status")
	expect(exitFine, "stopping", "stop")
	s.exits(exitFine)
	expect(exitUsage, "no such file", "stop")
}

// The control socket moves and goes with the config.
func TestControlElsewhere(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": respond(a, "1") + "control: run/c.sock\n", "run/": ""})
	path := filepath.Join(dir, "config.yaml")
	s := run(t, dir)
	sockets := func() (names []string) {
		for _, name := range []string{".monopoll.sock", "run/c.sock", "run/d.sock"} {
			if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
				names = append(names, name)
			}
		}
		return names
	}
	for _, step := range []struct {
		control string
		sockets []string
		code    int
	}{
		{"run/c.sock", []string{"run/c.sock"}, exitFine},
		{"run/d.sock", []string{"run/d.sock"}, exitFine},
		{"off", nil, exitFailed},
		{"on", []string{".monopoll.sock"}, exitFine},
	} {
		replace(t, path, respond(a, step.control)+"control: "+step.control+"\n")
		s.serves(a, "/", step.control)
		if out, errs, code := monopoll(t, dir, "status"); code != step.code {
			t.Errorf("control: %s: status gives %d: %s%s", step.control, code, out, errs)
		}
		s.until("the sockets to be "+strings.Join(step.sockets, " "), func() bool { return slices.Equal(sockets(), step.sockets) })
	}
	s.stop()
	if left := sockets(); len(left) > 0 {
		t.Errorf("left behind: %s", left)
	}
}
