package site

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// dump writes down all that a tree says, one line a name.
func dump(t *Tree) string {
	var b strings.Builder
	dumpDir(&b, "", t.Root())
	return b.String()
}

func dumpDir(b *strings.Builder, rel string, d *Dir) {
	if d.Forbidden() {
		fmt.Fprintf(b, "%s/ forbidden\n", rel)
	}
	for e := range d.Names() {
		path := join(rel, e.Name)
		if e.Dir != nil {
			fmt.Fprintf(b, "%s/\n", path)
			dumpDir(b, path, e.Dir)
			continue
		}
		f := e.File
		if f.Forbidden() {
			fmt.Fprintf(b, "%s forbidden\n", path)
			continue
		}
		fmt.Fprintf(b, "%s %q %q\n", path, f.Tail(), f.Shared().Lines)
		for c := Gzip; c < codings; c++ {
			if v := f.Coded(c); v != nil {
				fmt.Fprintf(b, "%s as %s %q %q\n", path, c, v.Tail(), v.Shared().Lines)
			}
		}
	}
	for _, o := range d.odd() {
		fmt.Fprintf(b, "%s: %s\n", join(rel, o.name), o.text)
	}
}

// chaos changes a document root at random and says what it touched.
type chaos struct {
	t       *testing.T
	root    string
	outside string // a file outside of it
	r       *rand.Rand
	n       int
	ch      Changes
}

var chaosDirs = []string{"", "a", "b", "a/c", "a/c/d", "b/e", ".hidden", ".hidden/f", ".well-known"}

var chaosNames = []string{"index.html", "x.js", "x.js.br", "x.js.gz", "y.css", "y.css.zst", ".secret", "l", "m", "data", "big.bin"}

func (c *chaos) dir() string  { return c.root + "/" + chaosDirs[c.r.IntN(len(chaosDirs))] }
func (c *chaos) path() string { return filepath.Join(c.dir(), chaosNames[c.r.IntN(len(chaosNames))]) }

// touched notes a name that may have changed, and what it leads to.
func (c *chaos) touched(path string) {
	if end, err := filepath.EvalSymlinks(path); err == nil && end != path {
		c.ch.add(filepath.Dir(end), filepath.Base(end))
	}
	c.ch.add(filepath.Dir(path), filepath.Base(path))
}

func (c *chaos) body() []byte {
	c.n++
	size := []int{0, 10, 600, 5000}[c.r.IntN(4)]
	return fmt.Appendf(nil, "%0*d", size, c.n)
}

// step does one thing. What cannot be done (no such directory) does nothing.
func (c *chaos) step() string {
	p, q := c.path(), c.path()
	if c.r.IntN(3) == 0 {
		p, q = filepath.Clean(c.dir()), filepath.Clean(c.dir())
	}
	if p == c.root || q == c.root {
		p, q = c.path(), c.path()
	}
	c.touched(p)
	switch what := c.r.IntN(10); what {
	case 0, 1:
		tmp := c.root + "/.tmp"
		_ = os.WriteFile(tmp, c.body(), 0o644)
		_ = os.Rename(tmp, p)
		c.touched(tmp)
		return "replace " + p
	case 2:
		_ = os.WriteFile(p, c.body(), 0o644)
		c.touched(p)
		return "write " + p
	case 3:
		_ = os.Remove(p)
		return "remove " + p
	case 4:
		_ = os.RemoveAll(p)
		return "remove all " + p
	case 5:
		if os.Mkdir(p, 0o755) == nil {
			_ = os.WriteFile(p+"/in.txt", c.body(), 0o644)
		}
		return "mkdir " + p
	case 6:
		_ = os.Rename(p, q)
		c.touched(q)
		return "rename " + p + " " + q
	case 7, 8:
		target := []string{"../b", "..", "a/c", "b", "index.html", ".hidden", "../.hidden/f", c.outside, "../../..", "nowhere", "l", "m/data", "x.js", c.root + "/b"}[c.r.IntN(14)]
		_ = os.Symlink(target, p)
		return "symlink " + p + " to " + target
	default:
		when := time.Now().Add(-time.Duration(c.r.IntN(3600)) * time.Second)
		_ = os.Chtimes(p, when, when)
		return "chtimes " + p
	}
}

// Whatever is done to a root, Refresh by the names that were touched comes to
// the same as reading all of it.
func TestRefreshEqualsLoad(t *testing.T) {
	for seed := range uint64(8) {
		hidden := seed%4 == 3
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			// Far enough down that nothing which a symlink leads to, and is written
			// through it, is outside of the test's own folder.
			around := real(t, t.TempDir())
			c := &chaos{t: t, root: around + "/1/2/3/4/5/6/7/8/9/root", outside: around + "/secret", r: rand.New(rand.NewPCG(seed, 0))}
			write(t, c.outside, "a secret")
			for _, dir := range chaosDirs {
				write(t, filepath.Join(c.root, dir, "index.html"), "<h1>"+dir)
			}
			opt := options(c.root)
			opt.Hidden = hidden
			l := &Loader{Threshold: 1000}
			tree := load(t, l, c.root, opt, nil)
			var log []string
			for range 200 {
				c.ch = Changes{}
				log = append(log, c.step())
				if c.r.IntN(3) == 0 {
					log = append(log, c.step())
				}
				next, delta, err := l.Refresh(tree, c.ch)
				if err != nil {
					t.Fatal(err)
				}
				fresh := load(t, l, c.root, opt, nil)
				if got, want := dump(next), dump(fresh); got != want {
					t.Fatalf("after %s:\n%s", strings.Join(log, "\n"), differ(got, want))
				}
				if !delta.Empty() && dump(tree) == dump(next) {
					t.Fatalf("delta %+v for the same tree", delta)
				}
				checkSums(t, next, fresh)
				tree = next
			}
			if again, _, err := l.Refresh(tree, Changes{c.root: nil}); err != nil || dump(again) != dump(tree) {
				t.Fatalf("looking at all of an unchanged root: %v", err)
			}
		})
	}
}

// differ gives the lines that only one of two dumps has.
func differ(refreshed, loaded string) string {
	var b strings.Builder
	a, z := strings.Split(refreshed, "\n"), strings.Split(loaded, "\n")
	for _, line := range a {
		if !slices.Contains(z, line) {
			fmt.Fprintf(&b, "refreshed: %.200s\n", line)
		}
	}
	for _, line := range z {
		if !slices.Contains(a, line) {
			fmt.Fprintf(&b, "   loaded: %.200s\n", line)
		}
	}
	return b.String()
}

// checkSums compares the counts that a tree keeps with those of a fresh one.
func checkSums(t *testing.T, got, want *Tree) {
	t.Helper()
	if got.Files() != want.Files() || got.Bytes() != want.Bytes() || got.Memory() != want.Memory() {
		t.Fatalf("%d files, %d bytes, %d of memory; a fresh tree has %d, %d, %d",
			got.Files(), got.Bytes(), got.Memory(), want.Files(), want.Bytes(), want.Memory())
	}
}

// real gives a path without symlinks.
func real(t testing.TB, path string) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
