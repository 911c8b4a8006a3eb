package watch

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// limited is a kernel that has room for some watches only.
type limited struct {
	notifier
	room atomic.Int64
	held atomic.Int64
}

func (l *limited) Add(path string) error {
	if l.held.Load() >= l.room.Load() {
		return syscall.ENOSPC
	}
	l.held.Add(1)
	return l.notifier.Add(path)
}

func (l *limited) Remove(path string) error {
	l.held.Add(-1)
	return l.notifier.Remove(path)
}

// A root for which there are not enough watches is polled; that is said once,
// with what to do; others keep theirs; after the limit is raised, a reload
// watches again.
func TestWatchesExhausted(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	way := len(spine(dir + "/config.yaml"))
	for i := range 30 {
		write(t, fmt.Sprintf("%s/site/d%02d/a", dir, i), "1")
	}
	write(t, dir+"/small/a", "1")
	kernel := &limited{}
	kernel.room.Store(int64(way + 10))
	s := serve(t, dir, "listeners:\n  - listen: \"127.0.0.1:8080\"\n    routes:\n      /a/: {root: site}\n      /b/: {root: small}\n", func(o *setup) {
		o.wrap = func(n notifier) notifier { kernel.notifier = n; return kernel }
	})
	s.logged("fs.inotify.max_user_watches=")
	if n := strings.Count(s.log.String(), "max_user_watches"); n != 1 {
		t.Errorf("the remedy was named %d times", n)
	}
	if n := strings.Count(s.log.String(), "looked at every second"); n != 1 {
		t.Errorf("that the root is polled was said %d times", n)
	}
	described := strings.Join(s.watcher.Describe(), "\n")
	if want := "watching config.yaml and small, by inotify"; !strings.Contains(described, want) {
		t.Errorf("described as\n%s\nwant %s", described, want)
	}
	if want := "looking every second at site: all inotify watches of this user are in use"; !strings.Contains(described, want) {
		t.Errorf("described as\n%s\nwant %s", described, want)
	}
	write(t, dir+"/site/d07/a", "2")
	s.until("the polled page is new", func() bool { return strings.Contains(fmt.Sprint(contents(s.table)), "d07/a=2") })
	kernel.room.Store(1000)
	s.watcher.Reload(t.Context())
	if got := strings.Join(s.watcher.Describe(), "\n"); strings.Contains(got, "every second") {
		t.Errorf("after the limit was raised still described as\n%s", got)
	}
	replace(t, dir+"/site/d08/a", "3")
	s.until("the watched page is new", func() bool { return strings.Contains(fmt.Sprint(contents(s.table)), "d08/a=3") })
}

// A folder whose path is longer than the kernel takes one is polled with its
// root, which is said once; the rest of it is watched.
func TestPathTooLong(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, dir+"/site/a", "1")
	deep, err := os.OpenRoot(dir + "/site")
	must(t, err)
	defer func() { deep.Close() }()
	for range pathMost/250 + 1 {
		name := "\n" + strings.Repeat("d", 249)
		must(t, deep.Mkdir(name, 0o755))
		next, err := deep.OpenRoot(name)
		must(t, err)
		deep.Close()
		deep = next
	}
	must(t, deep.WriteFile("b", []byte("1"), 0o644))
	s := serve(t, dir, oneRoot)
	s.logged("has a path of more than 4095 bytes")
	deeper := func(body string) func() bool {
		return func() bool { return strings.Contains(fmt.Sprint(contents(s.table)), "/b="+body) }
	}
	s.until("the deep page is there", deeper("1"))
	must(t, deep.WriteFile("b", []byte("2"), 0o644))
	s.until("the deep page is new", deeper("2"))
	replace(t, dir+"/site/a", "3")
	s.until("the other page is new", func() bool { return strings.Contains(fmt.Sprint(contents(s.table)), "a=3") })
	if said := s.watcher.Describe(); strings.Contains(strings.Join(said, ""), "\n") {
		t.Errorf("a name makes a line: %q", said)
	}
	if n := strings.Count(s.log.String(), "4095 bytes"); n != 1 {
		t.Errorf("it was said %d times", n)
	}
}

// quietKernel replaces the kernel by a silent one.
func quietKernel(o *setup) {
	o.wrap = func(n notifier) notifier { return silentAfter{n} }
}

// silentAfter closes the real one when the watcher ends.
type silentAfter struct{ notifier }

func (silentAfter) Add(string) error    { return nil }
func (silentAfter) Remove(string) error { return nil }

// When the queue overflows, whatever happened is found by looking at everything.
func TestOverflow(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, dir+"/site/x/a", "1")
	s := serve(t, dir, oneRoot, quietKernel)
	s.watcher.Reload(t.Context())
	write(t, dir+"/site/x/a", "22")
	write(t, dir+"/site/y/b", "3")
	replace(t, dir+"/config.yaml", oneRoot+"limits: {head: 32KiB}\n")
	s.watcher.in.lost()
	s.serves("x/a=22", "y/b=3")
	s.until("the config is new", func() bool { return s.table.Config.Limits.Head == 32<<10 })
}

// A descriptor that only gives errors is given up, and everything is polled.
func TestInotifyBreaks(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, dir+"/site/x/a", "1")
	s := serve(t, dir, oneRoot)
	s.watcher.in.fail(io.ErrUnexpectedEOF)
	s.logged("instead of being watched: inotify does not work here")
	for i := range 3 {
		text := strings.Repeat("2", i+2)
		write(t, dir+"/site/x/a", text)
		s.serves("x/a=" + text)
	}
	write(t, dir+"/config.yaml", respondWith("one"))
	s.answers("one")
}

// A filesystem that takes watches and never reports is found out by a probe.
func TestProbe(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, dir+"/site/a", "1")
	before, err := os.Stat(dir + "/site")
	must(t, err)
	s := serve(t, dir, oneRoot, quietKernel, func(o *setup) {
		o.prepare = func(w *Watcher) {
			if len(w.pulse.probes) != 1 {
				t.Errorf("%d probes, want 1", len(w.pulse.probes))
			}
			for i := range w.pulse.probes {
				w.pulse.probes[i].until = time.Now()
			}
			w.pulse.next = time.Now()
		}
	})
	s.logged("takes watches and reports nothing")
	write(t, dir+"/site/a", "22")
	s.serves("a=22")
	after, err := os.Stat(dir + "/site")
	must(t, err)
	if !after.ModTime().Equal(before.ModTime()) {
		t.Error("the probe changed the directory's mtime")
	}
}

// On a filesystem that does report, the probe finds nothing to complain about.
func TestProbeHeard(t *testing.T) {
	t.Parallel()
	s := oneSite(t, "a=1")
	n := name{s.dir, "site"}
	for late := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		s.watcher.in.mu.Lock()
		waiting := s.watcher.in.awaited[n]
		s.watcher.in.mu.Unlock()
		if !waiting {
			return
		}
		if time.Now().After(late) {
			t.Fatal("the event of the probe never came")
		}
	}
}

// A single mounted file is named as the trap it is, and polled.
func TestPinnedConfig(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	s := serve(t, dir, respondWith("one"), quietKernel, func(o *setup) {
		o.prepare = func(w *Watcher) {
			w.pulse.mounted = append(mounts(), mount{"/host/config.yaml", dir + "/config.yaml", "ext4", "rw"})
			w.pulse.mountedAt = time.Now().Add(time.Hour)
			w.inspectConfig(time.Now())
			w.index.stale = true
			w.tidy()
		}
	})
	s.logged("Mount the folder it is in instead")
	if got := strings.Join(s.watcher.Describe(), "\n"); got != "looking every second at config.yaml: it is mounted as a single file" {
		t.Errorf("described as\n%s", got)
	}
	write(t, dir+"/config.yaml", respondWith("two"))
	s.answers("two")
}

// A mount over a watched directory sends no event. A rename, of which the
// kernel is not allowed to tell, stands for it.
func TestStaleRoot(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, dir+"/site/a", "1")
	write(t, dir+"/other/b", "2")
	s := serve(t, dir, oneRoot, quietKernel, func(o *setup) {
		o.prepare = func(w *Watcher) { w.pulse.every, w.pulse.next = 50*time.Millisecond, time.Now() }
	})
	s.watcher.Reload(t.Context())
	must(t, os.Rename(dir+"/site", dir+"/old"))
	must(t, os.Rename(dir+"/other", dir+"/site"))
	s.serves("b=2")
}

// A root over its limit is refused as it is, said once, and taken when it is
// smaller again.
func TestTooManyFiles(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, dir+"/site/a", "1")
	s := serve(t, dir, oneRoot+"limits: {files: 5}\n")
	for i := range 10 {
		replace(t, fmt.Sprintf("%s/site/f%d", dir, i), "1")
	}
	v := s.told(Refused, 0)
	if !strings.Contains(v.Mistakes, "limits.files") || v.What != "site" {
		t.Errorf("told %q about %q", v.Mistakes, v.What)
	}
	if s.watcher.Status().Mistake == "" {
		t.Error("the status knows nothing of it")
	}
	for i := range 10 {
		must(t, os.Remove(fmt.Sprintf("%s/site/f%d", dir, i)))
	}
	write(t, dir+"/site/a", "22")
	s.serves("a=22")
	s.until("the status is clear", func() bool { return s.watcher.Status().Mistake == "" })
}

// After a look that failed, a look at single names would miss what the first
// was about: it is at everything until one succeeds.
func TestTroubleIsNotForgotten(t *testing.T) {
	dir := realDir(t)
	write(t, dir+"/site/a", "1")
	serve(t, dir, oneRoot+"limits: {files: 3}\n", func(o *setup) {
		o.prepare = func(w *Watcher) {
			for i := range 3 {
				write(t, fmt.Sprintf("%s/site/f%d", dir, i), "1")
			}
			r := w.roots[0]
			all, one := &job{}, &job{}
			all.askAll(r)
			one.ask(r, name{dir + "/site", "f0"}, false)
			if w.perform(all); r.problem == "" {
				t.Fatal("too many files are no problem")
			}
			if w.perform(one); r.problem == "" {
				t.Error("a look at one file hid the problem")
			}
			must(t, os.Remove(dir+"/site/f2"))
			if w.perform(one); r.problem != "" || r.tree.Files() != 3 {
				t.Errorf("with %d files there is still a problem: %s", r.tree.Files(), r.problem)
			}
		}
	})
}

// Permission taken and given back, by a process that permissions apply to: the
// test runs itself again as nobody if it is root.
func TestPermission(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		asNobody(t)
		return
	}
	s := oneSite(t, "a=1", "x/b=2", "x/y/c=3")
	site := s.dir + "/site"
	forbidden := func(path string) func() bool {
		return func() bool {
			d := s.table.Trees()[0].Root()
			for dir, rest, more := strings.Cut(path, "/"); more; dir, rest, more = strings.Cut(rest, "/") {
				d, path = d.Dir([]byte(dir)), rest
			}
			if e := d.Dir([]byte(path)); e != nil {
				return e.Forbidden()
			}
			f := d.File([]byte(path))
			return f != nil && f.Forbidden()
		}
	}
	for range 2 {
		must(t, os.Chmod(site+"/a", 0))
		s.until("the file is forbidden", forbidden("a"))
		must(t, os.Chmod(site+"/a", 0o644))
		s.serves("a=1", "x/b=2", "x/y/c=3")
		must(t, os.Chmod(site+"/x", 0))
		s.until("the folder is forbidden", forbidden("x"))
		must(t, os.Chmod(site+"/x", 0o755))
		s.serves("a=1", "x/b=2", "x/y/c=3")
		replace(t, site+"/x/y/c", "4")
		s.serves("a=1", "x/b=2", "x/y/c=4")
		replace(t, site+"/x/y/c", "3")
		s.serves("a=1", "x/b=2", "x/y/c=3")
		must(t, os.Chmod(site, 0))
		s.serves()
		must(t, os.Chmod(site, 0o755))
		s.serves("a=1", "x/b=2", "x/y/c=3")
	}
	must(t, os.Chmod(s.dir+"/config.yaml", 0))
	before := s.saidSoFar()
	if v := s.told(Refused, before); !strings.Contains(v.Mistakes, "may not be read") {
		t.Errorf("told %q", v.Mistakes)
	}
	must(t, os.Chmod(s.dir+"/config.yaml", 0o644))
	s.told(Mended, before)
}

func asNobody(t *testing.T) {
	const nobody = 65534
	dir, err := os.MkdirTemp("", "watch-nobody-")
	must(t, err)
	defer os.RemoveAll(dir)
	must(t, os.Chmod(dir, 0o755))
	program := filepath.Join(dir, "watch.test")
	from, err := os.Open("/proc/self/exe")
	must(t, err)
	defer from.Close()
	to, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY, 0o755)
	must(t, err)
	_, err = io.Copy(to, from)
	must(t, err)
	must(t, to.Close())
	must(t, os.Mkdir(dir+"/tmp", 0o755))
	must(t, os.Chown(dir+"/tmp", nobody, nobody))
	cmd := exec.Command(program, "-test.run=^TestPermission$", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"TMPDIR=" + dir + "/tmp", "HOME=" + dir + "/tmp"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestPermission") {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
}
