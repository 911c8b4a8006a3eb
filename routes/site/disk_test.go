package site

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestLargeFile(t *testing.T) {
	dir := real(t, t.TempDir())
	text := noise(Threshold + 1)
	write(t, dir+"/d/big.bin", text)
	write(t, dir+"/fits.bin", text[1:])
	symlink(t, "d/big.bin", dir+"/link.bin")
	l := new(Loader)
	tree := load(t, l, dir, options(dir), nil)
	if _, ok := find(tree, "fits.bin").Body(); !ok {
		t.Error("a body of the threshold's size is not in memory")
	}
	f := find(tree, "d/big.bin")
	if _, ok := f.Body(); ok || f.Size() != int64(len(text)) || !strings.HasPrefix(f.ETag(), `W/"`) {
		t.Fatalf("size %d, tag %s, in memory: %v", f.Size(), f.ETag(), ok)
	}
	wantBody(t, tree, "d/big.bin", text)
	fd, err := f.Open()
	must(t, err)
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor flags %x, %v", flags, err)
	}
	unix.Close(fd)

	unhashed := tree.Unhashed()
	if len(unhashed) != 1 {
		t.Fatalf("%d files are to be hashed", len(unhashed))
	}
	tag, err := l.Hash(unhashed[0], nil)
	must(t, err)
	if age := time.Since(time.Unix(0, f.ctime)); age < tick {
		t.Errorf("hashed %v after its last change", age)
	}
	if want := strongTag(sumOf([]byte(text))); tag != want {
		t.Fatalf("tag %s, want %s", tag, want)
	}
	tagged := tree.Tagged(map[*File]string{unhashed[0]: tag})
	for _, path := range []string{"d/big.bin", "link.bin"} {
		g := find(tagged, path)
		if g.ETag() != tag || g.Tail() != strings.Replace(f.Tail(), f.ETag(), tag, 1) || g.ETagLine() != "ETag: "+tag+"\r\n" {
			t.Errorf("%s says %q", path, g.Tail())
		}
		wantBody(t, tagged, path, text)
	}
	if len(tagged.Unhashed()) != 0 || find(tree, "d/big.bin") != f {
		t.Error("still to be hashed, or the tree before has changed")
	}
	if again := load(t, l, dir, options(dir), tagged); find(again, "d/big.bin").ETag() != tag {
		t.Error("the strong tag is lost by looking again")
	}
	write(t, dir+"/other", "")
	if again, _ := refresh(t, l, tagged, dir+"/other"); find(again, "link.bin").ETag() != tag {
		t.Error("the strong tag is lost by another file")
	}
	stop := errors.New("stop")
	if _, err := l.Hash(f, func() error { return stop }); err != stop {
		t.Errorf("Hash that is stopped: %v", err)
	}
}

// Open gives the version that the table speaks of, or none.
func TestOpenChanged(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"rewritten": func(path string) error { return os.WriteFile(path, []byte("xxxxx"), 0o644) },
		"longer":    func(path string) error { return os.WriteFile(path, []byte("longer"), 0o644) },
		"removed":   os.Remove,
		"replaced":  func(path string) error { return errors.Join(os.Rename(path+".new", path)) },
		"a link":    func(path string) error { return errors.Join(os.Remove(path), os.Symlink(path+".new", path)) },
		"a FIFO":    func(path string) error { return errors.Join(os.Remove(path), unix.Mkfifo(path, 0o644)) },
		"parent":    func(path string) error { return os.RemoveAll(path[:strings.LastIndex(path, "/")]) },
	} {
		dir := real(t, t.TempDir())
		write(t, dir+"/d/a", "first")
		write(t, dir+"/d/a.new", "other")
		l := &Loader{Threshold: -1}
		f := find(load(t, l, dir, options(dir), nil), "d/a")
		must(t, change(dir+"/d/a"))
		if fd, err := f.Open(); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: descriptor %d, %v", name, fd, err)
		}
		if _, err := l.Hash(f, nil); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: Hash: %v", name, err)
		}
	}
	f := Fixed("text/plain", nil, []byte("x"))
	if _, err := f.Open(); err == nil {
		t.Error("a body in memory can be opened")
	}
}

// OpenNow gives what is there, with a head of its own if that is not what the table
// speaks of.
func TestOpenNow(t *testing.T) {
	for name, c := range map[string]struct {
		change func(path string) error
		body   string // "": there is no such file
		same   bool
	}{
		"untouched": {func(string) error { return nil }, "first", true},
		"rewritten": {func(path string) error { return os.WriteFile(path, []byte("xxxxx"), 0o644) }, "xxxxx", false},
		"longer":    {func(path string) error { return os.WriteFile(path, []byte("longer"), 0o644) }, "longer", false},
		"replaced":  {func(path string) error { return os.Rename(path+".new", path) }, "other", false},
		"removed":   {os.Remove, "", false},
		"a link":    {func(path string) error { return errors.Join(os.Remove(path), os.Symlink(path+".new", path)) }, "", false},
		"a FIFO":    {func(path string) error { return errors.Join(os.Remove(path), unix.Mkfifo(path, 0o644)) }, "", false},
	} {
		dir := real(t, t.TempDir())
		write(t, dir+"/d/a.txt", "first")
		write(t, dir+"/d/a.txt.new", "other")
		f := find(load(t, &Loader{Threshold: -1}, dir, options(dir), nil), "d/a.txt")
		must(t, c.change(dir+"/d/a.txt"))
		now, fd, err := f.OpenNow()
		if c.body == "" {
			if !errors.Is(err, ErrChanged) || !errors.Is(err, fs.ErrNotExist) && name != "a link" {
				t.Errorf("%s: descriptor %d, %v", name, fd, err)
			}
			continue
		}
		must(t, err)
		got := make([]byte, 10)
		n, err := unix.Pread(fd, got, 0)
		if err != nil || string(got[:n]) != c.body || now.Size() != int64(n) {
			t.Errorf("%s: %d bytes, %q, %v", name, now.Size(), got[:n], err)
		}
		if (now == f) != c.same || (now.ETag() == f.ETag()) != c.same || !now.weak() {
			t.Errorf("%s: tag %s after %s", name, now.ETag(), f.ETag())
		}
		if now.Shared() != f.Shared() || now.Path() != f.Path() || !strings.HasSuffix(now.Tail(), fmt.Sprintf("Content-Length: %d\r\n\r\n", n)) {
			t.Errorf("%s: %q", name, now.Tail())
		}
		var st unix.Stat_t
		must(t, unix.Fstat(fd, &st))
		if !now.Still(st.Size, st.Mtim.Nano(), st.Ctim.Nano()) || f.Still(st.Size, st.Mtim.Nano(), st.Ctim.Nano()) != c.same {
			t.Errorf("%s: which version it is", name)
		}
		unix.Close(fd)
	}
}

// A large file that is taken although somebody writes it is known as such, and what
// there is of it later as more of the same, unless it is another or shorter.
func TestGrewInto(t *testing.T) {
	dir := real(t, t.TempDir())
	write(t, dir+"/log", "first")
	l := &Loader{Threshold: -1}
	tree := load(t, l, dir, options(dir), nil)
	f, err := os.OpenFile(dir+"/log", os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	defer f.Close()
	now := func(f *File) *File {
		t.Helper()
		now, fd, err := f.OpenNow()
		must(t, err)
		unix.Close(fd)
		return now
	}
	more := func() {
		_, err = f.WriteString(" and more")
		must(t, err)
	}
	more()
	if calm := find(tree, "log"); calm.GrewInto(now(calm)) {
		t.Error("nobody wrote it when it was taken")
	}
	forced, _, err := l.Refresh(tree, Changes{dir: {"log": true}})
	must(t, err)
	log := find(forced, "log")
	tag, err := l.Hash(log, nil)
	must(t, err)
	tagged := find(forced.Tagged(map[*File]string{log: tag}), "log")
	more()
	if !log.GrewInto(now(log)) || !tagged.GrewInto(now(tagged)) {
		t.Error("it has become longer")
	}
	must(t, f.Truncate(3))
	if log.GrewInto(now(log)) {
		t.Error("it has become shorter")
	}
	must(t, os.Remove(dir+"/log"))
	write(t, dir+"/log", "first and more and more of another")
	if log.GrewInto(now(log)) {
		t.Error("it is another")
	}
}

// eachScanned goes through the files that were scanned, by their paths free of symlinks.
func (t *Tree) eachScanned(yield func(path string, f *File)) {
	t.folders(func(rel string, d *Dir) {
		for i, f := range d.files.list {
			yield(join(rel, d.files.names.at(i)), f)
		}
	})
}

// inMemory counts the bodies in memory and their bytes.
func inMemory(tree *Tree) (files int, bytes int64) {
	tree.eachScanned(func(_ string, f *File) {
		if b, ok := f.Body(); ok {
			files++
			bytes += int64(len(b))
		}
	})
	return files, bytes
}

// Beyond the budget the largest bodies stay on disk, and come to memory when
// there is room again.
func TestBudget(t *testing.T) {
	dir := real(t, t.TempDir())
	var total int64
	for i := range 40 {
		size := 1000 * (1 + i*7%40)
		total += int64(size)
		write(t, fmt.Sprintf("%s/%d/%02d.txt", dir, i%3, i), noise(size))
	}
	symlink(t, "0", dir+"/link")
	const budget = 200_000
	l := calm()
	l.Budget = budget
	opt := options(dir)
	opt.Compress = false
	tree := load(t, l, dir, opt, nil)
	files, bytes := inMemory(tree)
	if tree.Memory() > budget || bytes < budget*3/4 || files < 15 {
		t.Errorf("%d bytes of memory, %d files of %d bytes in it", tree.Memory(), files, bytes)
	}
	var smallest, largest int64 = total, 0
	tree.eachScanned(func(path string, f *File) {
		wantBody(t, tree, path, noise(int(f.Size())))
		if strings.HasPrefix(f.ETag(), "W/") {
			return // never read
		}
		if f.ETag() != strongTag(sumOf([]byte(noise(int(f.Size()))))) {
			t.Errorf("%s has the tag %s", path, f.ETag())
		}
	})
	tree.eachScanned(func(_ string, f *File) {
		if _, ok := f.Body(); ok {
			largest = max(largest, f.Size())
		} else {
			smallest = min(smallest, f.Size())
		}
	})
	if largest > smallest {
		t.Errorf("%d bytes are in memory, %d are not", largest, smallest)
	}
	if again := load(t, l, dir, opt, tree); again.Root() != tree.Root() {
		n, b := inMemory(again)
		t.Errorf("looking again changes the choice, to %d files of %d bytes", n, b)
	}
	budgetLater(t, l, dir, tree, total)
}

// budgetLater goes on with a tree that has come to the end of its budget.
func budgetLater(t *testing.T, l *Loader, dir string, tree *Tree, total int64) {
	t.Helper()
	opt, budget := tree.Options(), l.Budget
	// what comes later goes to disk rather than over the budget
	write(t, dir+"/late.txt", noise(50_000))
	tree, _ = refresh(t, l, tree, dir+"/late.txt")
	wantBody(t, tree, "late.txt", noise(50_000))
	if tree.Memory() > budget {
		t.Errorf("%d bytes of memory", tree.Memory())
	}
	l.Budget = 10 * total
	tree = load(t, l, dir, opt, tree)
	if files, _ := inMemory(tree); files != 41 {
		t.Errorf("%d files in memory with room for all", files)
	}
	wantBody(t, tree, "link/00.txt", noise(1000))
	l.Budget = 1
	tree = load(t, l, dir, opt, tree)
	if files, _ := inMemory(tree); files != 0 {
		t.Errorf("%d files in memory without room", files)
	}
	wantBody(t, tree, "link/00.txt", noise(1000))
}

// Enter comes before a directory is looked at: what is put there by then is in
// the tree. And it names all that Watch does.
func TestEnterBeforeScan(t *testing.T) {
	dir := real(t, t.TempDir())
	write(t, dir+"/a/b/x", "")
	write(t, dir+"/.dark/sub/y", "")
	symlink(t, ".dark", dir+"/l")
	entered := map[string]bool{}
	late := func(path string) {
		entered[path] = true
		if strings.HasPrefix(path, dir) {
			write(t, path+"/late", path)
		}
	}
	l := &Loader{Enter: late}
	tree := load(t, l, dir, options(dir), nil)
	for _, path := range []string{"late", "a/late", "a/b/late", "l/late", "l/sub/late"} {
		if find(tree, path) == nil {
			t.Errorf("%s was there before the scan and is not in the tree", path)
		}
	}
	watched := map[string]bool{}
	for path := range tree.Watch() {
		watched[path] = true
	}
	if !maps.Equal(entered, watched) {
		t.Errorf("%v were named, %v are to be watched", entered, watched)
	}
	write(t, dir+"/new/deep/z", "")
	next, _ := refresh(t, l, tree, dir+"/new")
	if find(next, "new/deep/late") == nil || !entered[dir+"/new"] {
		t.Errorf("a new directory: entered %v", entered)
	}
	must(t, os.RemoveAll(dir+"/a"))
	after, _ := refresh(t, l, next, dir+"/a")
	gone := Unwatch(next, after)
	slices.Sort(gone)
	if want := []string{dir + "/a", dir + "/a/b"}; !slices.Equal(gone, want) {
		t.Errorf("to be watched no more: %v, want %v", gone, want)
	}
}

// Without symlinks Unwatch takes the short way.
func TestUnwatchPlain(t *testing.T) {
	dir := real(t, t.TempDir())
	write(t, dir+"/a/b/x", "")
	write(t, dir+"/c/x", "")
	l := new(Loader)
	tree := load(t, l, dir, options(dir), nil)
	must(t, os.RemoveAll(dir+"/a/b"))
	next, _ := refresh(t, l, tree, dir+"/a/b")
	if gone := Unwatch(tree, next); !slices.Equal(gone, []string{dir + "/a/b"}) {
		t.Errorf("to be watched no more: %v", gone)
	}
}

func TestProgress(t *testing.T) {
	dir := manyFiles(t, 3, 400, 10)
	var calls int
	var last, bytes int64
	l := &Loader{Progress: func(files int, b int64) {
		if int64(files) < last {
			t.Errorf("%d files after %d", files, last)
		}
		calls, last, bytes = calls+1, int64(files), b
	}}
	tree := load(t, l, dir, options(dir), nil)
	if calls < 3 || last != 1200 || tree.Files() != 1200 || bytes != 12_000 || tree.Bytes() != 12_000 {
		t.Errorf("%d calls, %d bytes; %d files, %d bytes in the tree", calls, bytes, tree.Files(), tree.Bytes())
	}
}
