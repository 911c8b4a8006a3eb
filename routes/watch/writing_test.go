package watch

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"monopoll/routes/site"
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

// Where the kernel does not tell who writes a body, one that was written in place
// is waited for until it is quiet, for capSlow at the most; one that was renamed
// there is complete. Whether it was, its inode tells, or an event.
func TestBodyUntold(t *testing.T) {
	anew := func(path string) error { // another inode than the old one has
		return errors.Join(os.WriteFile(path+"~", []byte("two"), 0o644), os.Rename(path+"~", path))
	}
	for _, c := range []struct {
		name  string
		save  func(path string) error
		heard dirty // as an event
		waits bool
	}{
		{"in place", func(path string) error { return os.WriteFile(path, []byte("two"), 0o644) }, dirty{}, true},
		{"as a new file", anew, dirty{written: true, moved: true}, true},
		{"renamed there", anew, dirty{moved: true}, false},
	} {
		for _, settled := range []bool{true, false} {
			withoutLease(t, func() {
				dir := realDir(t)
				notes := name{dir, "notes.txt"}
				write(t, notes.path(), "one")
				w := still(t, dir, readsNotes)
				must(t, c.save(notes.path()))
				must(t, os.Chown(notes.path(), 1, 1))
				if c.heard.name = notes; settled {
					w.config.heard(dirty{name: notes, written: true})
					w.config.heard(c.heard)
				} else {
					w.config.unsettled = func(n name) bool { return n == notes && c.heard.written }
				}
				expect := func(what string, at time.Time, want look) {
					t.Helper()
					if got, _ := w.config.glance(at); got != want {
						t.Errorf("%s, %s: %d, want %d", c.name, what, got, want)
					}
				}
				info, err := os.Stat(notes.path())
				must(t, err)
				now := time.Unix(info.Sys().(*syscall.Stat_t).Ctim.Unix())
				expect("at once", now.Add(site.HeardAfter-1), notYet)
				if !c.waits {
					expect("when its event must have come", now.Add(site.HeardAfter), same)
					return
				}
				expect("a while", now.Add(site.QuietUntold-1), notYet)
				expect("quiet", now.Add(site.QuietUntold), same)
				expect("not quiet", now, notYet)
				w.config.busy = now.Add(-capSlow)
				expect("never quiet", now, same)
			})
		}
	}
}
