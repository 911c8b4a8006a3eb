package main

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// open makes a folder of a test reachable for every user.
func open(t testing.TB, dir string) {
	t.Helper()
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
}

// With user:, sockets are bound as root, and everything afterwards is done as
// that user, on every thread: what only root may read is not served.
func TestUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	// A number that no user of this machine has, as in a container.
	t.Run("number", func(t *testing.T) { becomes(t, "54321", "54321", "54321") })
	t.Run("name", func(t *testing.T) {
		who, err := user.Lookup("nobody")
		if err != nil {
			t.Skip(err)
		}
		becomes(t, "nobody", who.Uid, who.Gid)
	})
}

func becomes(t *testing.T, name, uid, gid string) {
	a := freeAddress(t)
	config := func(more string) string {
		return "listeners: [{listen: ['" + a + "', 'unix:site.sock'" + more + "], root: www}]\nlog: {access: off}\nuser: " + name + "\n"
	}
	dir := folder(t, map[string]string{"config.yaml": config(""), "www/a.txt": "for all", "www/secret.txt": "for root",
		"www/big.bin": strings.Repeat("b", 2<<20)})
	must(t, os.Chmod(filepath.Join(dir, "www/secret.txt"), 0o600))
	open(t, dir)
	s := run(t, dir)
	c := connect(t, a)
	for path, status := range map[string]int{"/a.txt": 200, "/secret.txt": 403, "/big.bin": 200} {
		if res, _ := c.get(path); res.StatusCode != status {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	if got := fetch(filepath.Join(dir, "site.sock"), "/a.txt"); got != "for all" {
		t.Errorf("the unix socket, which root made: %q", got)
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", s.cmd.Process.Pid))
	if err != nil || len(tasks) < 2 {
		t.Fatalf("%d threads, %v", len(tasks), err)
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // that thread has ended
		}
		for line := range strings.Lines(string(text)) {
			name, ids, _ := strings.Cut(line, ":")
			want := map[string]string{"Uid": uid, "Gid": gid, "Groups": gid}[name]
			for id := range strings.FieldsSeq(ids) {
				if want != "" && id != want {
					t.Errorf("%s: %q, want %s", task, strings.TrimSpace(line), want)
				}
			}
		}
	}
	t.Run("a low port cannot be added", func(t *testing.T) {
		if text, _ := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); string(text) != "1024\n" {
			t.Skip("everybody may bind low ports here")
		}
		host, _, _ := strings.Cut(a, ":")
		replace(t, filepath.Join(dir, "config.yaml"), config(", '"+host+":81'"))
		s.says("CAP_NET_BIND_SERVICE")
		replace(t, filepath.Join(dir, "config.yaml"), config(""))
	})
	s.serves(a, "/a.txt", "for all")
	s.stop()
}

// confined runs a config with sandbox: on, where that can be.
func confined(t *testing.T, dir string) *server {
	t.Helper()
	s := begin(t, command(dir, "run"))
	s.until("it to be confined, or not", func() bool {
		said := s.err.String()
		return strings.Contains(said, "confined by Landlock") || strings.Contains(said, "sandbox: on")
	})
	if said := s.err.String(); !strings.Contains(said, "confined by Landlock") {
		if !strings.Contains(said, "has no effect") && !strings.Contains(said, "CGO_ENABLED=0") {
			t.Error("it does not say why it is not confined: ", said)
		}
		t.Skip("not on this kernel, or not with cgo: ", said)
	}
	return s
}

// With sandbox:, what the config names stays readable and writable, edits are
// live, and a root elsewhere is refused until a restart.
func TestSandbox(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	elsewhere := folder(t, map[string]string{"www/index.html": "elsewhere"})
	config := func(root string) string {
		return "listeners: [{listen: '" + a + "', root: " + root + "}]\nlog: {access: log/access.log}\nsandbox: on\n"
	}
	dir := folder(t, map[string]string{"config.yaml": config("www"), "www/index.html": "one", "www/big.bin": strings.Repeat("b", 2<<20), "log/": ""})
	s := confined(t, dir)
	s.serves(a, "/", "one")
	replace(t, filepath.Join(dir, "www/index.html"), "two")
	s.serves(a, "/", "two")
	if got := fetch(a, "/big.bin"); len(got) != 2<<20 {
		t.Errorf("a file that is opened when it is asked for: %d bytes", len(got))
	}
	must(t, os.Rename(filepath.Join(dir, "log/access.log"), filepath.Join(dir, "log/access.log.1")))
	s.signal(syscall.SIGUSR1)
	s.until("a new log", func() bool {
		fetch(a, "/")
		info, err := os.Stat(filepath.Join(dir, "log/access.log"))
		return err == nil && info.Size() > 0
	})
	replace(t, filepath.Join(dir, "config.yaml"), config(filepath.Join(elsewhere, "www")))
	s.says("the root may not be read")
	s.says("reaches what it was started with, so restart it")
	s.serves(a, "/", "two")
	must(t, os.Mkdir(filepath.Join(dir, "other"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "other/index.html"), []byte("three"), 0o644))
	replace(t, filepath.Join(dir, "config.yaml"), config("other"))
	s.serves(a, "/", "three")
	s.until("no mistake", func() bool { return s.status().Mistake == "" })
	s.stop()
}

// A user by name, whom a server in its sandbox cannot look up any more, is in the
// way of no edit.
func TestSandboxAndUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root becomes another user")
	}
	a := freeAddress(t)
	config := func(text string) string {
		return "listeners: [{listen: '" + a + "', respond: " + text + "}]\nlog: {access: off}\nsandbox: on\nuser: nobody\n"
	}
	dir := folder(t, map[string]string{"config.yaml": config("one")})
	open(t, dir)
	s := confined(t, dir)
	s.serves(a, "/", "one")
	replace(t, filepath.Join(dir, "config.yaml"), config("two"))
	open(t, dir)
	s.serves(a, "/", "two")
	s.stop()
}

// What a link is pointed to later can be read if it stands beside what the link
// led to at the start: a config, a body, or a folder on the way to one, or to a root.
func TestSandboxFollowsLinks(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	config := func(more string) string {
		return "listeners: [{listen: '" + a + "', routes: {/: {root: ../app/current/public}, /body: {respond: {file: body.txt}}, " +
			"/note: {respond: {file: ../app/current/public/note.txt}}" + more + "}}]\nlog: {access: off}\nsandbox: on\n"
	}
	dir := folder(t, map[string]string{
		"a/x": "", "b/v1/config.yaml": config(", /one: {respond: one}"), "b/v2/config.yaml": config(", /two: {respond: two}"),
		"c/body.txt": "first", "app/releases/1/public/index.html": "release 1", "app/releases/2/public/index.html": "release 2",
		"app/releases/1/public/note.txt": "note 1", "app/releases/2/public/note.txt": "note 2"})
	for name, target := range map[string]string{
		"b/now": "v1", "b/config.yaml": "now/config.yaml", "a/config.yaml": "../b/config.yaml", "a/body.txt": dir + "/c/body.txt",
		"app/current": "releases/1"} {
		must(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	point := func(name, target string) {
		must(t, os.Symlink(target, filepath.Join(dir, "next")))
		must(t, os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, name)))
	}
	s := confined(t, filepath.Join(dir, "a"))
	s.serves(a, "/one", "one")
	s.serves(a, "/body", "first")
	s.serves(a, "/", "release 1")
	replace(t, filepath.Join(dir, "c/body.txt"), "second")
	s.serves(a, "/body", "second")
	point("b/now", "v2")
	s.serves(a, "/two", "two")
	replace(t, filepath.Join(dir, "b/v2/config.yaml"), config(", /three: {respond: three}"))
	s.serves(a, "/three", "three")
	point("app/current", "releases/2")
	s.serves(a, "/", "release 2")
	s.serves(a, "/note", "note 2")
	s.until("no mistake", func() bool { return s.status().Mistake == "" })
	s.stop()
}
