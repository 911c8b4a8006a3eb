package site

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// What a budget counts is what the allocator hands out.
func TestAllocated(t *testing.T) {
	for _, n := range []int{0, 1, 8, 9, 80, 512, 513, 1100, 1152, 1153, 20_000, 32 << 10, 32<<10 + 1, 40_960, 40_961, 100_000, 256 << 10} {
		if got, want := allocated(int64(n)), int64(cap(append([]byte(nil), make([]byte, n)...))); got != want {
			t.Errorf("%d bytes are thought to take %d, and take %d", n, got, want)
		}
	}
}

// fetched gives a tree with everything where it ought to be.
func fetched(t *testing.T, l *Loader, tree *Tree) *Tree {
	t.Helper()
	out, in := l.Misplaced(tree, l.Budget)
	tree = tree.Moved(out)
	var moves []Move
	for _, f := range in {
		m, err := l.Fetch(f)
		must(t, err)
		moves = append(moves, m)
	}
	tree = tree.Moved(moves)
	if out, in := l.Misplaced(tree, l.Budget); len(out)+len(in) > 0 {
		t.Errorf("%d and %d bodies are misplaced after all were moved", len(out), len(in))
	}
	return tree
}

// A root that is exchanged as a whole, while the one before it is still served,
// takes no more than passing beside it. The rest is fetched later, and then
// the tree is the one that a first Load gives.
func TestExchangedWithinBudget(t *testing.T) {
	top := real(t, t.TempDir())
	const files, size = 80, 250_000
	body := noise(size)
	for release := range 2 {
		for i := range files {
			path := fmt.Sprintf("%s/%d/d/%02d.bin", top, release, i)
			write(t, path, fmt.Sprint(release, i)+body)
			// of another day: see DatedTwice, which a first load knows nothing of
			day := time.Now().AddDate(0, 0, release-2)
			must(t, os.Chtimes(path, day, day))
		}
	}
	symlink(t, "0", top+"/current")
	l := calm()
	l.Budget = 20 << 20
	old := load(t, l, top+"/current", options(top), nil)
	if n, _ := inMemory(old); n != files {
		t.Fatalf("%d of %d files in memory", n, files)
	}
	must(t, os.Remove(top+"/current"))
	symlink(t, "1", top+"/current")
	next, _ := refresh(t, l, old, top+"/current")
	n, _ := inMemory(next)
	if room := l.Budget + passing - old.Memory(); n == 0 || n == files || int64(n)*size > room {
		t.Errorf("%d bodies were read beside the tree before, with room for %d bytes", n, room)
	}
	wantBody(t, next, "d/07.bin", fmt.Sprint(1, 7)+body)
	wantBody(t, next, "d/79.bin", fmt.Sprint(1, 79)+body)
	next = fetched(t, l, next)
	first := load(t, l, top+"/current", options(top), nil)
	if n, _ := inMemory(next); n != files || next.Memory() != first.Memory() {
		t.Errorf("%d bodies, %d bytes of memory after all is over; a first load gives %d", n, next.Memory(), first.Memory())
	}
	first.eachScanned(func(path string, f *File) {
		if g := find(next, path); g.Tail() != f.Tail() || g.flags != f.flags {
			t.Errorf("%s is another file", path)
		}
	})
	// a config that is replaced counts as well
	l.Held = l.Budget
	if n, _ = inMemory(load(t, l, top+"/0", options(top), nil)); n == files {
		t.Error("all is read into memory beside what another config holds")
	}
}

// A small page that comes when the budget is spent takes the place of a large one.
func TestSmallBodiesDisplaceLarge(t *testing.T) {
	dir := real(t, t.TempDir())
	for i := range 20 {
		write(t, fmt.Sprintf("%s/%02d.html", dir, i), fmt.Sprint(i)+noise(10_000))
	}
	symlink(t, "19.html", dir+"/link.html")
	l := calm()
	l.Budget = 140_000
	tree := load(t, l, dir, options(dir), nil)
	before, _ := inMemory(tree)
	write(t, dir+"/late.html", noise(9_000))
	write(t, dir+"/gone.html", noise(8_000))
	tree, _ = refresh(t, l, tree, dir+"/late.html", dir+"/gone.html")
	if _, ok := find(tree, "late.html").Body(); ok {
		t.Fatal("there was room for it")
	}
	must(t, os.Remove(dir+"/gone.html"))
	if _, err := l.Fetch(find(tree, "gone.html")); !errors.Is(err, ErrChanged) {
		t.Errorf("a file that is gone is fetched: %v", err)
	}
	tree, _ = refresh(t, l, tree, dir+"/gone.html")
	tree = fetched(t, l, tree)
	if _, ok := find(tree, "late.html").Body(); !ok || strings.HasPrefix(find(tree, "late.html").ETag(), "W/") {
		t.Error("the smallest file is not in memory")
	}
	if n, _ := inMemory(tree); tree.Memory() > l.Budget || n < before {
		t.Errorf("%d bodies in memory, %d before; %d bytes", n, before, tree.Memory())
	}
	for i := range 20 {
		wantBody(t, tree, fmt.Sprintf("%02d.html", i), fmt.Sprint(i)+noise(10_000))
	}
	wantBody(t, tree, "link.html", fmt.Sprint(19)+noise(10_000))
}

// A scan does not hold on to the files that it has found: what fit puts out of
// memory has to be gone before the next body is read.
func TestScanHoldsNoFile(t *testing.T) {
	top := real(t, t.TempDir())
	for _, name := range []string{"a", "b/c", "b/d", "e/f/g"} {
		write(t, top+"/"+name, name)
	}
	s := calm().scan(&Tree{dir: top, opt: options(top)})
	must(t, s.load(top, nil))
	if len(s.levels) != 3 {
		t.Errorf("%d levels of directories, want 3", len(s.levels))
	}
	for depth, l := range s.levels {
		for _, c := range l.files[:cap(l.files)] {
			if c.to != nil {
				t.Errorf("%s, at depth %d, is held", c.name, depth)
			}
		}
		for _, c := range l.dirs[:cap(l.dirs)] {
			if c.to != nil {
				t.Errorf("directory %s, at depth %d, is held", c.name, depth)
			}
		}
	}
}
