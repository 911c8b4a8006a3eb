package site

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// counted is a patrol that notes what it looks at.
func counted(t *testing.T) (p *Patrol, looked *[]string) {
	looked = &[]string{}
	return &Patrol{
		Differs: func(dir, name string, _ Version) bool {
			t.Errorf("%s in %s differs", name, dir)
			return true
		},
		looked: func(at int, path string) { *looked = append(*looked, whole(at, path)) },
	}, looked
}

// whole gives the path of what a patrol looks at.
func whole(at int, path string) string {
	if at == unix.AT_FDCWD {
		return path
	}
	dir, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", at))
	return filepath.Join(dir, path)
}

// A round is one stat for each file and each directory, and for each file that a
// symlink leads to, whatever the steps it is divided into.
func TestPatrolPrice(t *testing.T) {
	root := t.TempDir()
	want := []string{root}
	for i := range 12 {
		dir := fmt.Sprintf("%s/d%02d/e", root, i)
		want = append(want, filepath.Dir(dir), dir)
		for k := range 5 {
			path := fmt.Sprintf("%s/f%d", dir, k)
			write(t, path, "x")
			want = append(want, path)
		}
	}
	write(t, root+"/.hidden/island/a", "x")
	write(t, root+"/.hidden/b", "x")
	for link, to := range map[string]string{"island": ".hidden/island", "b": ".hidden/b", "c": "d03/e/f1", "d05/up": "../.hidden/b"} {
		if err := os.Symlink(to, root+"/"+link); err != nil {
			t.Fatal(err)
		}
	}
	want = append(want, root+"/.hidden/island", root+"/.hidden/island/a", root+"/b", root+"/c", root+"/d05/up")
	slices.Sort(want)
	tree := load(t, &Loader{}, root, options(root), nil)
	for _, step := range []int{1, 2, 7, 1000} {
		p, looked := counted(t)
		total := 0
		for end := false; !end; {
			var made int
			made, end = p.Walk(tree, step)
			if made > step+1 { // two symlinks of one directory are not divided
				t.Errorf("a step of %d calls made %d", step, made)
			}
			total += made
		}
		if total != len(want) {
			t.Errorf("in steps of %d a round made %d calls, want %d", step, total, len(want))
		}
		slices.Sort(*looked)
		if !slices.Equal(*looked, want) {
			t.Errorf("in steps of %d it looked at\n%q, want\n%q", step, *looked, want)
		}
	}
}

// The tree may be another one at each step: what stays is looked at all the same.
func TestPatrolOfAChangingTree(t *testing.T) {
	root := t.TempDir()
	for i := range 9 {
		write(t, fmt.Sprintf("%s/d%d/f%d", root, i%3, i), "x")
	}
	l := &Loader{}
	full := load(t, l, root, options(root), nil)
	write(t, root+"/d2/new", "x")
	if err := os.RemoveAll(root + "/d1"); err != nil {
		t.Fatal(err)
	}
	other, _, err := l.Refresh(full, Changes{root: {"d1": false}, root + "/d2": {"new": false}})
	if err != nil {
		t.Fatal(err)
	}
	for swap := range 14 {
		seen := map[string]bool{}
		p := &Patrol{
			Differs: func(string, string, Version) bool { return false },
			looked: func(at int, path string) {
				path = whole(at, path)
				if seen[path] {
					t.Errorf("changed after %d: %s is looked at twice", swap, path)
				}
				seen[path] = true
			},
		}
		end := false
		for i := 0; !end; i++ {
			tree := full
			if i >= swap {
				tree = other
			}
			_, end = p.Walk(tree, 1)
		}
		for _, path := range []string{"d0/f0", "d0/f3", "d0/f6", "d2/f2", "d2/f5", "d2/f8"} {
			if !seen[root+"/"+path] {
				t.Errorf("changed after %d: %s was not looked at", swap, path)
			}
		}
	}
}

// A look that fails for want of a descriptor finds nothing: it is no news of the
// disk, and who would be told of it could not look either.
func TestPatrolWithoutDescriptors(t *testing.T) {
	root := t.TempDir()
	write(t, root+"/a/b.txt", "x")
	tree := load(t, &Loader{}, root, options(root), nil)
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	none := was
	none.Cur = 0
	p, _ := counted(t)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	_, end := p.Walk(tree, 100)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if !end {
		t.Error("it did not come to the end")
	}
}
