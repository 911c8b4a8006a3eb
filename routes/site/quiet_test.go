package site

import (
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// withoutLease calls f without the right CAP_LEASE, as a server that is not root.
func withoutLease(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root has files of other users to be tested with")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with this goroutine
		head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		must(t, unix.Capget(&head, &data[0]))
		data[0].Effective &^= 1 << unix.CAP_LEASE
		must(t, unix.Capset(&head, &data[0]))
		f()
	}()
	<-done
}

// Where the kernel does not tell who writes, what was written in place is taken
// after a while of quiet, and what was renamed there at once.
func TestUntold(t *testing.T) {
	for _, c := range []struct {
		name    string
		written bool // as events have it
		save    func(dir string)
		waits   bool
		until   string // what is served until then; "" for nothing
		same    bool   // it is the same content
	}{
		{name: "in place", save: func(dir string) { write(t, dir+"/a", "new") }, waits: true, until: "old"},
		{name: "renamed into place", save: func(dir string) { replace(t, dir+"/a", "new") }},
		{name: "removed and written", written: true, waits: true, until: "old", save: func(dir string) {
			must(t, os.Remove(dir+"/a"))
			write(t, dir+"/a", "new")
		}},
		{name: "removed and not yet written", waits: true, until: "old", save: func(dir string) {
			must(t, os.Remove(dir+"/a"))
			write(t, dir+"/a", "")
		}},
		{name: "permissions", same: true, save: func(dir string) { must(t, os.Chmod(dir+"/a", 0o600)) }},
		{name: "a new name", written: true, waits: true, save: func(dir string) { write(t, dir+"/b", "new") }},
		{name: "renamed to a new name", save: func(dir string) { replace(t, dir+"/b", "new") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			withoutLease(t, func() {
				dir := real(t, t.TempDir())
				write(t, dir+"/a", "old")
				give(t, dir)
				l := calm()
				l.Written = func(at, name string) bool { return c.written && at == dir }
				tree := load(t, l, dir, options(dir), nil)
				if !tree.Untold() {
					t.Error("the kernel tells of it")
				}
				c.save(dir)
				give(t, dir)
				name := "a"
				if _, err := os.Stat(dir + "/b"); err == nil {
					name = "b"
				}
				var st unix.Stat_t
				must(t, unix.Stat(dir+"/"+name, &st))
				at := time.Unix(st.Ctim.Unix()).Add(HeardAfter - 1)
				l.Now = func() time.Time { return at }
				if _, delta := refresh(t, l, tree, dir+"/"+name); (delta.Busy != nil) != (c.waits || !c.same) {
					t.Errorf("it is waited for until its event must have come: %t", delta.Busy != nil)
				}
				at = at.Add(1)
				next, delta := refresh(t, l, tree, dir+"/"+name)
				if _, busy := delta.Busy[dir][name]; busy != c.waits {
					t.Errorf("it is waited for: %t", busy)
				}
				if f := find(next, name); c.waits && c.until == "" && f != nil {
					t.Error("it is shown at once")
				} else if c.until != "" {
					wantBody(t, next, name, c.until)
				}
				forced, _, err := l.Refresh(tree, Changes{dir: {name: true}})
				must(t, err)
				at = at.Add(QuietUntold - HeardAfter)
				next, delta = refresh(t, l, next, dir+"/"+name)
				if delta.Busy != nil {
					t.Error("it is waited for in the end")
				}
				body, err := os.ReadFile(dir + "/" + name)
				must(t, err)
				wantBody(t, next, name, string(body))
				wantBody(t, forced, name, string(body))
			})
		})
	}
}

// replace saves as most programs do: another file, renamed into place.
func replace(t *testing.T, path, body string) {
	t.Helper()
	write(t, path+".tmp~", body)
	must(t, os.Rename(path+".tmp~", path))
}

// give gives what is in a folder to another user.
func give(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		must(t, os.Chown(dir+"/"+e.Name(), 1, 1))
	}
}
