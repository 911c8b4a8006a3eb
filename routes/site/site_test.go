package site

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"monopoll/routes/config"
)

// options are the defaults of the config.
func options(dir string) *Options {
	return NewOptions(&config.Root{Dir: dir, Index: []string{"index.html"}, Precompressed: true, Compress: true}, nil)
}

// write makes a file with its directories.
func write(t testing.TB, path, body string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// calm is a Loader to which all files are old, so that nothing is read twice
// for having been written a moment ago.
func calm() *Loader {
	return &Loader{Now: func() time.Time { return time.Now().Add(time.Hour) }}
}

func load(t testing.TB, l *Loader, dir string, opt *Options, prev *Tree) *Tree {
	t.Helper()
	tree, err := l.Load(dir, opt, prev)
	must(t, err)
	return tree
}

// refresh looks again at the names given by path.
func refresh(t testing.TB, l *Loader, tree *Tree, paths ...string) (*Tree, Delta) {
	t.Helper()
	ch := Changes{}
	for _, path := range paths {
		ch.add(filepath.Dir(path), filepath.Base(path))
	}
	next, delta, err := l.Refresh(tree, ch)
	must(t, err)
	return next, delta
}

// find goes down a tree by path.
func find(tree *Tree, path string) *File {
	d := tree.Root()
	for {
		name, rest, more := strings.Cut(path, "/")
		if !more {
			return d.File([]byte(name))
		}
		if d = d.Dir([]byte(name)); d == nil {
			return nil
		}
		path = rest
	}
}

// body gives what a path answers with: "-" for no such file, "forbidden".
func body(t testing.TB, tree *Tree, path string) string {
	t.Helper()
	f := find(tree, path)
	if f == nil {
		return "-"
	}
	if f.Forbidden() {
		return "forbidden"
	}
	if text, ok := f.Body(); ok {
		return text
	}
	fd, err := f.Open()
	must(t, err)
	defer unix.Close(fd)
	b := make([]byte, f.Size())
	n, err := readFull(fd, b)
	must(t, err)
	return string(b[:n])
}

func wantBody(t testing.TB, tree *Tree, path, want string) {
	t.Helper()
	if got := body(t, tree, path); got != want {
		t.Errorf("%s is %.60q, want %.60q", path, got, want)
	}
}

// notes collects what a Loader has to say.
type notes []string

func (n *notes) problem(path, text string) { *n = append(*n, filepath.Base(path)+" "+text) }

// count gives how many lines begin with start.
func (n *notes) count(start string) (count int) {
	for _, line := range *n {
		if strings.HasPrefix(line, start) {
			count++
		}
	}
	return count
}

func TestHead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/index.html", "hello")
	must(t, os.Chtimes(dir+"/index.html", time.Time{}, time.Unix(784111777, 5)))
	f := find(load(t, new(Loader), dir, options(dir), nil), "index.html")
	const date, tag, length = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "ETag: \"LPJNul-wow4m6Dsqxbning\"\r\n", "Content-Length: 5\r\n"
	for _, c := range []struct{ name, got, want string }{
		{"Tail", f.Tail(), date + tag + length + "\r\nhello"},
		{"Validators", f.Validators(), date + tag},
		{"ETagLine", f.ETagLine(), tag},
		{"ETag", f.ETag(), `"LPJNul-wow4m6Dsqxbning"`},
		{"Type", f.Shared().Type, "text/html; charset=utf-8"},
		{"first line", f.Shared().Lines[:f.Shared().TypeLen], "Content-Type: text/html; charset=utf-8\r\n"},
		{"Lines", f.Shared().Lines, "Content-Type: text/html; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nAccept-Ranges: bytes\r\nCache-Control: no-cache\r\n"},
		{"Lines304", f.Shared().Lines304, "Cache-Control: no-cache\r\n"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %q, want %q", c.name, c.got, c.want)
		}
	}
	if sec, ok := f.Modified(); sec != 784111777 || !ok {
		t.Errorf("Modified is %d, %v", sec, ok)
	}
}

// Last-Modified is never later than the time of reading (RFC 9110 §8.8.2.1).
func TestModifiedInTheFuture(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a", "a")
	must(t, os.Chtimes(dir+"/a", time.Time{}, time.Unix(4e9, 0)))
	now := time.Unix(3e9, 0)
	f := find(load(t, &Loader{Now: func() time.Time { return now }}, dir, options(dir), nil), "a")
	if sec, ok := f.Modified(); sec != 3e9 || !ok {
		t.Errorf("Modified is %d, %v", sec, ok)
	}
	if want := "Last-Modified: " + now.UTC().Format(timeFormat); !strings.HasPrefix(f.Tail(), want) {
		t.Errorf("%q does not begin with %q", f.Tail(), want)
	}
}

// A file in the place of another with its size and its mtime is another version.
func TestSameSizeSameTime(t *testing.T) {
	dir := real(t, t.TempDir())
	then := time.Unix(1e9, 0)
	put := func(path, text string) {
		write(t, path, text)
		must(t, os.Chtimes(path, then, then))
	}
	put(dir+"/a", "one")
	l := calm() // so that nothing but the ctime tells
	tree := load(t, l, dir, options(dir), nil)
	first := find(tree, "a").ETag()
	ctime := func() int64 {
		var st unix.Stat_t
		must(t, unix.Stat(dir+"/a", &st))
		return st.Ctim.Nano()
	}
	for i, replace := range []func(text string){
		func(text string) { // by rename
			put(dir+"/.new", text)
			must(t, os.Rename(dir+"/.new", dir+"/a"))
		},
		func(text string) { put(dir+"/a", text) }, // in place
	} {
		text := []string{"two", "six"}[i]
		for before := ctime(); ctime() == before; { // the clock of an older kernel has steps
			replace(text)
		}
		var delta Delta
		tree, delta = refresh(t, l, tree, dir+"/a")
		wantBody(t, tree, "a", text)
		if delta.Changed != 1 || find(tree, "a").ETag() == first {
			t.Errorf("delta %+v, tag %s", delta, find(tree, "a").ETag())
		}
	}
}

// While somebody has a file open for writing, the older version is served: no
// half of the new one, and no nothing.
func TestInPlaceWriter(t *testing.T) {
	for _, known := range []bool{true, false} {
		dir := real(t, t.TempDir())
		l, want := new(Loader), "-"
		if known {
			write(t, dir+"/a", "old and complete")
			want = "old and complete"
		}
		tree := load(t, l, dir, options(dir), nil)
		w, err := os.Create(dir + "/a")
		must(t, err)
		for _, part := range []string{"", "new ", "and ", "complete"} {
			_, err := w.WriteString(part)
			must(t, err)
			next, delta := refresh(t, l, tree, dir+"/a")
			wantBody(t, next, "a", want)
			if _, busy := delta.Busy[dir]["a"]; !busy || next != tree {
				t.Errorf("after %q: delta %+v", part, delta)
			}
			if fresh := load(t, l, dir, options(dir), tree); len(fresh.Busy()[dir]) != 1 {
				t.Errorf("after %q: Load says %v is busy", part, fresh.Busy())
			} else {
				wantBody(t, fresh, "a", want)
			}
		}
		forced, delta, err := l.Refresh(tree, Changes{dir: {"a": true}})
		must(t, err)
		wantBody(t, forced, "a", "new and complete")
		if delta.Busy != nil {
			t.Errorf("%v is busy although it was to be taken", delta.Busy)
		}
		must(t, w.Close())
		tree, delta = refresh(t, l, tree, dir+"/a")
		wantBody(t, tree, "a", "new and complete")
		if delta.Busy != nil || delta.Added+delta.Changed != 1 {
			t.Errorf("delta %+v", delta)
		}
	}
}

// Who truncates a file and closes it will write it a moment later, or never.
func TestEmptied(t *testing.T) {
	dir := real(t, t.TempDir())
	write(t, dir+"/a", "old")
	write(t, dir+"/b", "old")
	at := time.Now()
	l := &Loader{Now: func() time.Time { return at }}
	tree := load(t, l, dir, options(dir), nil)
	must(t, os.Truncate(dir+"/a", 0))
	write(t, dir+"/b~", "")
	must(t, os.Rename(dir+"/b~", dir+"/b"))
	at = time.Now()
	next, delta := refresh(t, l, tree, dir+"/a", dir+"/b")
	wantBody(t, next, "a", "old")
	wantBody(t, next, "b", "")
	if _, busy := delta.Busy[dir]["a"]; !busy || len(delta.Busy[dir]) != 1 {
		t.Errorf("delta %+v", delta)
	}
	forced, _, err := l.Refresh(tree, Changes{dir: {"a": true}})
	must(t, err)
	wantBody(t, forced, "a", "")
	at = at.Add(emptyFor)
	later, delta := refresh(t, l, next, dir+"/a")
	wantBody(t, later, "a", "")
	if delta.Busy != nil {
		t.Errorf("still busy: %+v", delta)
	}
}

// A writer that opens a file while it is read is not killed by our lease, and
// neither are we by the signal that tells of it.
func TestWriterMeetsLease(t *testing.T) {
	dir := real(t, t.TempDir())
	write(t, dir+"/a", "a")
	l := new(Loader)
	tree := load(t, l, dir, options(dir), nil)
	done := make(chan error)
	go func() {
		for i := range 300 {
			if err := os.WriteFile(dir+"/a", fmt.Append(nil, i), 0o644); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	must(t, unix.Kill(os.Getpid(), unix.SIGIO))
	for {
		tree, _ = refresh(t, l, tree, dir+"/a")
		select {
		case err := <-done:
			must(t, err)
			tree, _ = refresh(t, l, tree, dir+"/a")
			wantBody(t, tree, "a", "299")
			return
		default:
		}
	}
}

// Each answer is one version, whatever a fast writer does: here the first and
// the last byte of a file are changed together, again and again.
func TestWholeVersions(t *testing.T) {
	dir := real(t, t.TempDir())
	write(t, dir+"/a", "\x00"+noise(Threshold-2)+"\x00")
	l := new(Loader)
	tree := load(t, l, dir, options(dir), nil)
	stop, done := make(chan bool), make(chan error)
	go func() {
		for version := byte(1); ; version++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			f, err := os.OpenFile(dir+"/a", os.O_WRONLY, 0)
			if err == nil {
				_, first := f.WriteAt([]byte{version}, 0)
				_, last := f.WriteAt([]byte{version}, Threshold-1)
				err = errors.Join(first, last, f.Close())
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	for range 300 {
		tree, _ = refresh(t, l, tree, dir+"/a")
		if b, _ := find(tree, "a").Body(); len(b) != Threshold || b[0] != b[Threshold-1] {
			t.Fatalf("%d bytes, %d at the start and %d at the end", len(b), b[0], b[len(b)-1])
		}
	}
	close(stop)
	must(t, <-done)
}

// What was read is not taken if the file is another one by then, or reads
// differently although it looks the same.
func TestChangedWhileRead(t *testing.T) {
	path := t.TempDir() + "/a"
	write(t, path, "old")
	fd, err := openAt(unix.AT_FDCWD, path, fileFlags)
	must(t, err)
	defer unix.Close(fd)
	var before unix.Stat_t
	must(t, fstat(fd, &before))
	s := new(Loader).scan(&Tree{})
	for _, force := range []bool{false, true} {
		if err := s.unchanged(fd, &before, force, 0); err != nil {
			t.Errorf("nothing has changed: %v", err)
		}
	}
	if err := s.reads(fd, []byte("old")); err != nil {
		t.Errorf("nothing has changed: %v", err)
	}
	write(t, path, "new and longer")
	if err := s.unchanged(fd, &before, true, 0); err != errBusy {
		t.Errorf("another size: %v", err)
	}
	if err := s.reads(fd, []byte("old")); err != errBusy {
		t.Errorf("another content: %v", err)
	}
}

// A file that was read within a tick of its last change is read again when
// somebody says that it has changed, although its stamp says that it has not.
func TestRacyStamp(t *testing.T) {
	dir := real(t, t.TempDir())
	write(t, dir+"/a", "new")
	var st unix.Stat_t
	must(t, unix.Stat(dir+"/a", &st))
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{0, "new"}, {tick - 1, "new"}, {tick, "old"}, {time.Hour, "old"}} {
		l := &Loader{Now: func() time.Time { return time.Unix(st.Ctim.Unix()).Add(c.after) }}
		tree := load(t, l, dir, options(dir), nil)
		f := find(tree, "a")
		f.data = strings.Replace(f.data, "new", "old", 1) // as if it had been read before the change
		tree, _ = refresh(t, l, tree, dir+"/a")
		wantBody(t, tree, "a", c.want)
	}
	if stepOf(5e9) != coarseTick || stepOf(5e9+1) != tick {
		t.Error("a file system that counts seconds is not known by its times")
	}
}

func TestHidden(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"a", ".a", "b/.git/config", ".git/b/c", ".well-known/security.txt", "b/.well-known/x", ".well-known/.x"} {
		write(t, dir+"/"+path, path)
	}
	shown := map[string]bool{"a": true, ".well-known/security.txt": true, "b/.well-known/x": true}
	for _, hidden := range []bool{false, true} {
		opt := options(dir)
		opt.Hidden = hidden
		tree := load(t, new(Loader), dir, opt, nil)
		for _, path := range []string{"a", ".a", "b/.git/config", ".git/b/c", ".well-known/security.txt", "b/.well-known/x", ".well-known/.x"} {
			if got := find(tree, path) != nil; got != (hidden || shown[path]) {
				t.Errorf("hidden: %v: %s is served: %v", hidden, path, got)
			}
		}
	}
}

// A name may have 255 bytes, any but '/' and NUL.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	names := []string{strings.Repeat("n", 255), "\xff\xfe", " ", "new\nline", "日本語.html", "%2e%2e", "a\\b", "?", "CON", "\x01"}
	for _, name := range names {
		write(t, dir+"/"+name, name)
	}
	tree := load(t, new(Loader), dir, options(dir), nil)
	for _, name := range names {
		wantBody(t, tree, name, name)
	}
	if find(tree, strings.Repeat("n", 254)) != nil || find(tree, strings.ToUpper("con ")) != nil {
		t.Error("a name is found that is not there")
	}
	if tree.Files() != len(names) {
		t.Errorf("%d files, want %d", tree.Files(), len(names))
	}
}

// What is no regular file is left out and said once, as long as it stays so.
func TestSpecialFiles(t *testing.T) {
	dir := real(t, t.TempDir())
	must(t, unix.Mkfifo(dir+"/pipe", 0o644))
	must(t, unix.Mknod(dir+"/sock", unix.S_IFSOCK|0o644, 0))
	must(t, os.Symlink("pipe", dir+"/link"))
	var said notes
	l := &Loader{Problem: said.problem}
	tree := load(t, l, dir, options(dir), nil)
	tree, _ = refresh(t, l, tree, dir+"/pipe")
	tree = load(t, l, dir, options(dir), tree)
	for _, name := range []string{"pipe", "sock", "link"} {
		if find(tree, name) != nil || said.count(name+" ") != 1 {
			t.Errorf("%s: %v, said %d times in %q", name, find(tree, name), said.count(name+" "), said)
		}
	}
	must(t, os.Remove(dir+"/pipe"))
	tree, _ = refresh(t, l, tree, dir+"/pipe")
	must(t, unix.Mkfifo(dir+"/pipe", 0o644))
	refresh(t, l, tree, dir+"/pipe")
	if said.count("pipe is a FIFO") != 2 {
		t.Errorf("a FIFO that came back: %q", said)
	}
}

// asNobody runs f without the rights of root, where it has them.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	must(t, unix.Setfsuid(65534))
	defer func() { must(t, unix.Setfsuid(0)) }()
	f()
}

// Permission taken away and given back, of a file, a directory, and the root.
func TestForbidden(t *testing.T) {
	dir := real(t, t.TempDir())
	write(t, dir+"/a", "a")
	write(t, dir+"/d/b", "b")
	must(t, os.Chmod(dir, 0o755))
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	var said notes
	l := &Loader{Problem: said.problem}
	tree := load(t, l, dir, options(dir), nil)
	again := func() { asNobody(t, func() { tree, _ = refresh(t, l, tree, dir+"/a", dir+"/d", dir) }) }
	must(t, os.Chmod(dir+"/a", 0))
	must(t, os.Chmod(dir+"/d", 0))
	again()
	wantBody(t, tree, "a", "forbidden")
	if d := tree.Root().Dir([]byte("d")); d == nil || !d.Forbidden() {
		t.Errorf("d is %+v, want it forbidden", d)
	}
	asNobody(t, func() { tree = load(t, l, dir, options(dir), tree) })
	if said.count("a cannot be read") != 1 || said.count("d cannot be read") != 1 {
		t.Errorf("said %q", said)
	}
	must(t, os.Chmod(dir+"/a", 0o644))
	must(t, os.Chmod(dir+"/d", 0o755))
	again()
	wantBody(t, tree, "a", "a")
	wantBody(t, tree, "d/b", "b")
	must(t, os.Chmod(dir, 0))
	again()
	if !tree.Root().Forbidden() || find(tree, "a") != nil {
		t.Error("the root is not forbidden")
	}
	must(t, os.Chmod(dir, 0o755))
	again()
	wantBody(t, tree, "d/b", "b")
	must(t, os.Chmod(dir+"/a", 0))
	again()
	if f := find(tree, "a"); f.ETag() != "" || f.Size() != 0 || f.HasCoded() || f.Tail() != "Content-Length: 0\r\n\r\n" {
		t.Errorf("a forbidden file says %q", f.Tail())
	}
	// It may be read again, and somebody is writing it: it is there meanwhile.
	must(t, os.Chown(dir+"/a", 65534, -1))
	again()
	f, err := os.OpenFile(dir+"/a", os.O_WRONLY|os.O_TRUNC, 0)
	must(t, err)
	defer f.Close()
	must(t, os.Chmod(dir+"/a", 0o644))
	again()
	wantBody(t, tree, "a", "forbidden")
	_, err = f.WriteString("new")
	must(t, err)
	must(t, f.Close())
	again()
	wantBody(t, tree, "a", "new")
}

func TestTooManyFiles(t *testing.T) {
	dir := real(t, t.TempDir())
	for i := range 10 {
		write(t, fmt.Sprintf("%s/%d", dir, i), "")
	}
	l := &Loader{MaxFiles: 9}
	if _, err := l.Load(dir, options(dir), nil); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "limits.files") {
		t.Errorf("the error is %v", err)
	}
	l.MaxFiles = 10
	tree := load(t, l, dir, options(dir), nil)
	for range 3 { // what is looked at again is not counted twice
		tree, _ = refresh(t, l, tree, dir+"/1", dir+"/2")
		next, _, err := l.Refresh(tree, Changes{dir: nil})
		must(t, err)
		tree = next
	}
	write(t, dir+"/more", "")
	same, _, err := l.Refresh(tree, Changes{dir: {"more": false}})
	if err == nil || same != tree {
		t.Errorf("one more file: %v", err)
	}
}
