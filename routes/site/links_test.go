package site

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func symlink(t testing.TB, target, path string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.Symlink(target, path))
}

// swap makes path a symlink to target in one step.
func swap(t testing.TB, target, path string) {
	t.Helper()
	symlink(t, target, path+".tmp")
	must(t, os.Rename(path+".tmp", path))
}

func TestLinksInside(t *testing.T) {
	dir := real(t, t.TempDir())
	write(t, dir+"/a/b/page.html", "page")
	write(t, dir+"/a/b/page.css", "css")
	write(t, dir+"/.hidden/x/secret.txt", "shown by a link")
	symlink(t, "a/b/page.html", dir+"/file")
	symlink(t, "a", dir+"/dir")
	symlink(t, "file", dir+"/chain")
	symlink(t, "../../a/./b//page.html", dir+"/a/b/up")
	symlink(t, dir+"/a/b", dir+"/absolute")
	symlink(t, ".hidden/x", dir+"/island")
	symlink(t, ".hidden/x/secret.txt", dir+"/dark.html")
	symlink(t, "dir/b/page.css", dir+"/through")
	symlink(t, "nowhere", dir+"/dangling")
	symlink(t, "file/x", dir+"/through-file")
	tree := load(t, new(Loader), dir, options(dir), nil)
	for path, want := range map[string]string{
		"file": "page", "dir/b/page.html": "page", "chain": "page", "a/b/up": "page", "dir/b/up": "page", "absolute/page.css": "css",
		"island/secret.txt": "shown by a link", "dark.html": "shown by a link", "through": "css", "dangling": "-", "through-file": "-",
		".hidden/x/secret.txt": "-",
	} {
		wantBody(t, tree, path, want)
	}
	if typ := find(tree, "dark.html").Shared().Type; typ != "text/html; charset=utf-8" {
		t.Errorf("a link is served as %s, not by its own name", typ)
	}
	if a, b := find(tree, "file"), find(tree, "a/b/page.html"); a.Tail() != b.Tail() {
		t.Error("a link has another tag than what it leads to")
	}
}

// Nothing outside the root is served, by whatever kind of symlink.
func TestLinksOutside(t *testing.T) {
	top := real(t, t.TempDir())
	dir := top + "/root"
	write(t, top+"/secret/key", "secret")
	write(t, top+"/root-secret/key", "secret")
	write(t, dir+"/a/index.html", "a")
	symlink(t, "../secret/key", dir+"/file")
	symlink(t, "../secret", dir+"/dir")
	symlink(t, top+"/secret", dir+"/absolute")
	symlink(t, top+"/root-secret", dir+"/prefix")
	symlink(t, "../root-secret/key", dir+"/prefix-file")
	symlink(t, dir+"/../secret/key", dir+"/dotted")
	symlink(t, "a/../../secret/key", dir+"/a-out")
	symlink(t, "out", dir+"/indirect")
	symlink(t, ".out/key", dir+"/hidden-indirect")
	symlink(t, "../secret", dir+"/.out")
	symlink(t, "../../secret", dir+"/a/out")
	symlink(t, "a/out/key", dir+"/below")
	symlink(t, "/", dir+"/slash")
	symlink(t, "..", dir+"/up")
	symlink(t, "../root/a", dir+"/out-and-in")
	symlink(t, "/proc/self/root"+dir+"/../secret/key", dir+"/magic")
	must(t, os.Link(top+"/secret/key", dir+"/.tmp"))
	var said notes
	tree := load(t, &Loader{Problem: said.problem}, dir, options(dir), nil)
	if strings.Contains(dump(tree), `\r\nsecret"`) {
		t.Fatalf("a secret is served:\n%s", dump(tree))
	}
	if tree.Files() != 1 || tree.Root().Len() != 1 {
		t.Errorf("more is served than a/index.html:\n%s", dump(tree))
	}
	for _, name := range []string{"file", "dir", "absolute", "prefix", "dotted", "a-out", "hidden-indirect", "below", "slash", "up", "out-and-in", "magic"} {
		if said.count(name+" is a symlink out of the document root") != 1 {
			t.Errorf("%s: said %q", name, said)
		}
	}
}

// A directory that is swapped for a symlink out of the root, time and again
// while it is read, never leads out.
func TestLinkRace(t *testing.T) {
	top := real(t, t.TempDir())
	dir := top + "/root"
	write(t, top+"/secret/index.html", "secret")
	write(t, dir+"/a/index.html", "public")
	write(t, dir+"/f", "public")
	write(t, top+"/spare", "public")
	symlink(t, "../secret", top+"/link")
	symlink(t, "../secret/index.html", top+"/flink")
	stop, done := make(chan bool), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			for _, pair := range [][2]string{{top + "/link", dir + "/a"}, {top + "/flink", dir + "/f"}} {
				if err := unix.Renameat2(unix.AT_FDCWD, pair[0], unix.AT_FDCWD, pair[1], unix.RENAME_EXCHANGE); err != nil {
					done <- err
					return
				}
			}
		}
	}()
	l := &Loader{Threshold: -1}
	tree := load(t, new(Loader), dir, options(dir), nil)
	onDisk := load(t, l, dir, options(dir), nil)
	for range 300 {
		tree, _ = refresh(t, new(Loader), tree, dir+"/a", dir+"/f", dir+"/a/index.html")
		onDisk, _ = refresh(t, l, onDisk, dir+"/a", dir+"/f", dir+"/a/index.html")
		for _, path := range []string{"a/index.html", "f"} {
			if got := body(t, tree, path); got != "public" && got != "-" {
				t.Fatalf("%s is %q", path, got)
			}
			if f := find(onDisk, path); f != nil {
				if fd, err := f.Open(); err == nil {
					b := make([]byte, 6)
					_, err := readFull(fd, b)
					unix.Close(fd)
					if err != nil || string(b) != "public" {
						t.Fatalf("Open of %s gives %q, %v", path, b, err)
					}
				}
			}
		}
	}
	close(stop)
	must(t, <-done)
}

func TestLinkLoops(t *testing.T) {
	dir := real(t, t.TempDir())
	write(t, dir+"/a/page", "a")
	write(t, dir+"/b/page", "b")
	symlink(t, ".", dir+"/here")
	symlink(t, "..", dir+"/a/up")
	symlink(t, "../a", dir+"/a/self")
	symlink(t, "../b", dir+"/a/b")
	symlink(t, "../a", dir+"/b/a")
	symlink(t, "loop2", dir+"/loop1")
	symlink(t, "loop1", dir+"/loop2")
	symlink(t, "me", dir+"/me")
	var said notes
	l := &Loader{Problem: said.problem}
	tree := load(t, l, dir, options(dir), nil)
	wantBody(t, tree, "a/page", "a")
	wantBody(t, tree, "b/page", "b")
	wantBody(t, tree, "a/b/page", "b")
	for _, name := range []string{"here", "up", "self", "loop1", "loop2", "me"} {
		if said.count(name+" is a symlink") != 1 {
			t.Errorf("%s: said %q", name, said)
		}
	}
	if got := strings.Count(dump(tree), `\r\n\r\n`); got > 6 {
		t.Errorf("%d files in a loop of two:\n%s", got, dump(tree))
	}
	if next, _ := refresh(t, l, tree, dir+"/nothing"); next != tree {
		t.Error("a tree with symlinks is another one although nothing changed")
	}
}

// A folder that Kubernetes mounts: files are links through ..data, which is
// swapped, all of them at one moment.
func TestKubernetes(t *testing.T) {
	dir := real(t, t.TempDir())
	for _, version := range []string{"1", "2"} {
		write(t, dir+"/..v"+version+"/index.html", "version "+version)
		write(t, dir+"/..v"+version+"/app.js", "js "+version)
		write(t, dir+"/..v"+version+"/app.js.gz", "gz "+version)
	}
	symlink(t, "..v1", dir+"/..data")
	for _, name := range []string{"index.html", "app.js", "app.js.gz"} {
		symlink(t, "..data/"+name, dir+"/"+name)
	}
	l := new(Loader)
	tree := load(t, l, dir, options(dir), nil)
	wantBody(t, tree, "index.html", "version 1")
	if got, want := tree.Files(), 3; got != want {
		t.Errorf("%d files, want %d", got, want)
	}
	if dirs := slices.Collect(tree.Watch()); !slices.Contains(dirs, dir+"/..v1") {
		t.Errorf("..v1 is not watched: %v", dirs)
	}
	swap(t, "..v2", dir+"/..data")
	next, delta := refresh(t, l, tree, dir+"/..data")
	wantBody(t, next, "index.html", "version 2")
	wantBody(t, next, "app.js", "js 2")
	if v := find(next, "app.js").Coded(Gzip); v == nil || !strings.HasSuffix(v.Tail(), "gz 2") {
		t.Errorf("app.js as gzip is %v", v)
	}
	if delta.Changed != 3 {
		t.Errorf("delta %+v", delta)
	}
	if gone := Unwatch(tree, next); !slices.Equal(gone, []string{dir + "/..v1"}) {
		t.Errorf("to be watched no more: %v", gone)
	}
	write(t, dir+"/..v2/index.html", "version 3")
	next, _ = refresh(t, l, next, dir+"/..v2/index.html")
	wantBody(t, next, "index.html", "version 3")
}

// A deploy: the root is a symlink that is swapped, deleted, and made again.
func TestRootMoves(t *testing.T) {
	top := real(t, t.TempDir())
	write(t, top+"/releases/1/site/a.html", "one")
	write(t, top+"/releases/2/site/a.html", "two")
	symlink(t, "releases/1", top+"/current")
	root := top + "/current/site"
	var said notes
	var entered []string
	l := &Loader{Problem: said.problem, Enter: func(dir string) { entered = append(entered, dir) }}
	tree := load(t, l, root, options(root), nil)
	wantBody(t, tree, "a.html", "one")
	want := []Anchor{{top, "current"}, {top, "releases"}, {top + "/releases", "1"}, {top + "/releases/1", "site"}}
	if got := tree.Anchors(); len(got) < 4 || !slices.Equal(got[len(got)-4:], want) {
		t.Errorf("anchors %v, want %v at the end", got, want)
	}
	for _, dir := range []string{top, top + "/releases", top + "/releases/1", top + "/releases/1/site"} {
		if !slices.Contains(entered, dir) || !slices.Contains(slices.Collect(tree.Watch()), dir) {
			t.Errorf("%s is not watched; entered: %v", dir, entered)
		}
	}
	if same, _ := refresh(t, l, tree, top+"/current"); same != tree {
		t.Error("the way to the root was touched only, and the tree is another one")
	}
	symlink(t, "releases/1", top+"/alias")
	swap(t, "alias", top+"/current") // another way to the same folder
	tree, _ = refresh(t, l, tree, top+"/current")
	if !slices.Contains(tree.Anchors(), Anchor{top, "alias"}) {
		t.Errorf("anchors %v", tree.Anchors())
	}
	swap(t, "releases/2", top+"/current")
	next, delta := refresh(t, l, tree, top+"/current")
	wantBody(t, next, "a.html", "two")
	if delta.Changed != 1 || delta.Added != 0 {
		t.Errorf("delta %+v", delta)
	}
	if gone := Unwatch(tree, next); !slices.Contains(gone, top+"/releases/1/site") || slices.Contains(gone, top+"/releases") {
		t.Errorf("to be watched no more: %v", gone)
	}
	tree = next
	must(t, os.Remove(top+"/current"))
	tree, delta = refresh(t, l, tree, top+"/current")
	if tree.Files() != 0 || tree.Root().Len() != 0 || delta.Removed != 1 || said.count("site the document root is not there") != 1 {
		t.Errorf("%d files without a root; delta %+v; said %q", tree.Files(), delta, said)
	}
	if same, _ := refresh(t, l, tree, top+"/current"); same != tree || said.count("site the document root is not there") != 1 {
		t.Errorf("the root is still not there; said %q", said)
	}
	symlink(t, "releases/1", top+"/current")
	tree, delta = refresh(t, l, tree, top+"/current")
	wantBody(t, tree, "a.html", "one")
	if delta.Added != 1 {
		t.Errorf("delta %+v", delta)
	}
	must(t, os.Rename(top+"/releases/1/site", top+"/releases/1/old"))
	write(t, root+"/a.html", "new folder")
	tree, _ = refresh(t, l, tree, top+"/releases/1/site")
	wantBody(t, tree, "a.html", "new folder")
}

func TestNoRoot(t *testing.T) {
	top := t.TempDir()
	write(t, top+"/file", "")
	for _, dir := range []string{top + "/none", top + "/file", top + "/file/below"} {
		if _, err := new(Loader).Load(dir, options(dir), nil); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// A way into the root goes through directories only.
func TestOpenBelow(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a/b/c", "")
	symlink(t, "a", dir+"/l")
	symlink(t, "b", dir+"/a/m")
	root, err := openRoot(dir, unix.O_PATH|unix.O_DIRECTORY)
	must(t, err)
	defer unix.Close(root)
	for rel, ok := range map[string]bool{"": true, "a": true, "a/b": true, "l": false, "l/b": false, "a/m": false, "a/b/c": false, "x/y": false} {
		fd, err := openBelow(root, rel, dirFlags)
		if (err == nil) != ok || err != nil && !gone(err) {
			t.Errorf("%q: %v", rel, err)
		}
		if err == nil {
			unix.Close(fd)
		}
	}
	symlink(t, "c", dir+"/a/b/n")
	if fd, err := openBelow(root, "a/b/n", fileFlags); !gone(err) {
		t.Errorf("a symlink is opened as %d, %v", fd, err)
	}
	if target, err := readLink(root, "a"); err != unix.ENOENT {
		t.Errorf("a folder is a symlink to %q, %v", target, err)
	}
}

// A folder that only a symlink shows is looked at with its root: whoever has lost
// events asks for the root alone.
func TestIslandLookedAtWithItsRoot(t *testing.T) {
	dir := real(t, t.TempDir())
	write(t, dir+"/.hidden/a.txt", "one")
	symlink(t, ".hidden", dir+"/shown")
	l := calm()
	tree := load(t, l, dir, options(dir), nil)
	write(t, dir+"/.hidden/a.txt", "another")
	next, _, err := l.Refresh(tree, Changes{dir: nil})
	must(t, err)
	f := next.Root().Dir([]byte("shown")).File([]byte("a.txt"))
	if body, _ := f.Body(); body != "another" {
		t.Errorf("%q", body)
	}
	if next.Files() != tree.Files() {
		t.Errorf("%d files, were %d", next.Files(), tree.Files())
	}
}
