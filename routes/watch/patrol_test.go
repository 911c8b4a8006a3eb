package watch

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// store writes into a file through a shared memory mapping, which causes no
// event that fsnotify asks for.
func store(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	memory, err := unix.Mmap(int(f.Fd()), 0, len(text), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	must(t, err)
	copy(memory, text)
	must(t, unix.Munmap(memory))
}

// What no event tells of is live by itself all the same.
func TestUnheard(t *testing.T) {
	for _, c := range []struct {
		how  string
		edit func(t *testing.T, dir string)
	}{
		{"through a memory mapping", func(t *testing.T, dir string) { store(t, dir+"/site/x/a", "2") }},
		{"through a hard link", func(t *testing.T, dir string) {
			must(t, os.Link(dir+"/site/x/a", dir+"/elsewhere"))
			must(t, os.WriteFile(dir+"/elsewhere", []byte("2"), 0))
		}},
	} {
		t.Run(c.how, func(t *testing.T) {
			t.Parallel()
			dir := realDir(t)
			write(t, dir+"/site/x/a", "1")
			write(t, dir+"/site/x/b", "1")
			s := serve(t, dir, oneRoot)
			for _, n := range []string{"1", "2"} {
				s.serves("x/a="+n, "x/b=1")
				if n == "1" {
					c.edit(t, dir)
				}
			}
		})
	}
}

// With a kernel that says nothing, and no polling, everything is found that a
// directory's own times and those of its files show.
func TestUnheardNames(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, dir+"/site/a", "1")
	write(t, dir+"/site/x/b", "1")
	write(t, dir+"/site/.hidden/c", "1")
	must(t, os.Symlink(".hidden/c", dir+"/site/c"))
	s := serve(t, dir, oneRoot, quietKernel, func(o *setup) {
		o.prepare = func(w *Watcher) { w.pulse.probes = nil }
	})
	s.serves("a=1", "c=1", "x/b=1")
	write(t, dir+"/site/x/new/d", "1")
	s.serves("a=1", "c=1", "x/b=1", "x/new/d=1")
	must(t, os.Remove(dir+"/site/a"))
	store(t, dir+"/site/.hidden/c", "2")
	s.serves("c=2", "x/b=1", "x/new/d=1")
	must(t, os.RemoveAll(dir+"/site/x"))
	s.serves("c=2")
	must(t, os.Rename(dir+"/site", dir+"/gone"))
	s.serves()
}

// alone is a patrol of one root whose trees nobody renews.
func alone(t *testing.T, dir string) (*patrol, *patrolWalk) {
	t.Helper()
	write(t, dir+"/config.yaml", oneRoot)
	cfg, err := config.Load(dir + "/config.yaml")
	must(t, err)
	table, err := routes.Build(cfg, nil, &site.Loader{})
	must(t, err)
	p := &patrol{in: newInbox(), ended: t.Context().Done(), hung: map[string]bool{}, walker: 1, walking: true}
	p.sees(table, nil)
	return p, newPatrolWalk(p, 1)
}

// round goes through everything once and gives the names that were told.
func (b *patrolWalk) round(t *testing.T) (told []string) {
	t.Helper()
	for {
		end, ok := b.step()
		if !ok {
			t.Fatal("the patrol was taken over")
		}
		if end {
			break
		}
	}
	for n := range b.in.settle.names {
		told = append(told, n.base)
	}
	b.in.settle.forget()
	slices.Sort(told)
	return told
}

// A file that differs and goes on to differ, as one that cannot be loaded does,
// is told of once for each version of it.
func TestToldOnce(t *testing.T) {
	dir := realDir(t)
	write(t, dir+"/site/a", "1")
	write(t, dir+"/site/b", "1")
	_, b := alone(t, dir)
	expect := func(what string, want ...string) {
		t.Helper()
		if got := b.round(t); !slices.Equal(got, want) {
			t.Errorf("%s: told of %v, want %v", what, got, want)
		}
	}
	expect("nothing has changed")
	for i := range 3 {
		write(t, dir+"/site/a", strings.Repeat("2", i+2))
		expect("another version", "a")
		expect("the same version")
		expect("the same version")
	}
	must(t, unix.Mkfifo(dir+"/site/fifo", 0o600))
	expect("a name that is not served", "fifo")
	expect("the same name")
	must(t, os.Remove(dir+"/site/b"))
	expect("a file that is gone", "b", "fifo") // for the folder is another now
	expect("the same")
}

// An event that came before the patrol keeps its time, and one that comes after
// it is taken as any other.
func TestUnheardDelaysNothing(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	n := name{"/site", "a"}
	for _, h := range []happening{appeared, written} {
		s, alone := newSettler(), newSettler()
		for _, s := range []*settler{s, alone} {
			s.note(n, h, at)
		}
		s.unheard(n, at.Add(time.Millisecond))
		if got, want := s.next(at), alone.next(at); !got.Equal(want) {
			t.Errorf("happening %d: due %v after the event, want %v", h, got.Sub(at), want.Sub(at))
		}
		s, alone = newSettler(), newSettler()
		s.unheard(n, at.Add(-time.Millisecond))
		for _, s := range []*settler{s, alone} {
			s.note(n, h, at)
		}
		if got, want := s.next(at), alone.next(at); got.After(want) {
			t.Errorf("happening %d after the patrol: due %v after the event, want %v", h, got.Sub(at), want.Sub(at))
		}
	}
}

// A filesystem that does not answer holds the goroutine that asked it and no
// other: the rest is patrolled on, and the root too once it answers.
func TestPatrolIsHeld(t *testing.T) {
	dir := realDir(t)
	write(t, dir+"/site/a", "1")
	p, b := alone(t, dir)
	now := time.Now()
	tree, _, ok := p.enter(1, 0)
	if !ok || tree == nil {
		t.Fatal("nothing to patrol")
	}
	if held := p.tend(now); held != "" || p.walker != 1 {
		t.Errorf("a moment later %q is given up", held)
	}
	if held := p.tend(now.Add(2 * patrolPatience)); held != dir+"/site" || p.walker != 2 {
		t.Fatalf("held by %q, goroutine %d patrols", held, p.walker)
	}
	if tree, _, ok := p.enter(2, 0); tree != nil || !ok {
		t.Errorf("the next goroutine looks at %v, %t", tree, ok)
	}
	p.leave(1, tree)
	if _, ok := b.step(); ok {
		t.Error("the goroutine that was held goes on beside the other")
	}
	if tree, _, ok := p.enter(2, 0); tree == nil || !ok {
		t.Error("a root that answers again is not looked at")
	}
}
