package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// hanging is a read-only filesystem with two files, which answers nothing while
// hung is set: what a network file server does that is gone. With slow set it
// answers everything but reads of the large file from there on, unless that is 0;
// asked says that there was one. See fuse(4), and linux/fuse.h for the numbers.
type hanging struct {
	fd          int
	slow        atomic.Int64
	hung, asked atomic.Bool
}

var hangingFiles = []struct {
	name string
	mode uint32
	text []byte
}{1: {"", syscall.S_IFDIR | 0o755, nil}, 2: {"a.txt", syscall.S_IFREG | 0o644, []byte("small")},
	3: {"big.bin", syscall.S_IFREG | 0o644, bytes.Repeat([]byte("b"), 4<<20)}}

// mountHanging mounts one, where that is allowed; it may hang from the first
// moment on, before anybody has seen it.
func mountHanging(t *testing.T, at string, hung bool) *hanging {
	fd, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no FUSE here: ", err)
	}
	how := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd)
	if err := syscall.Mount("hanging", at, "fuse.hanging", 0, how); err != nil {
		syscall.Close(fd)
		t.Skip("nothing can be mounted here: ", err)
	}
	h := &hanging{fd: fd}
	h.hung.Store(hung)
	go func() {
		for b := make([]byte, 1<<20); ; {
			switch n, err := syscall.Read(fd, b); err {
			case nil:
				go h.serve(bytes.Clone(b[:n]))
			case syscall.EINTR, syscall.ENOENT:
			default:
				return // it is mounted no more
			}
		}
	}()
	t.Cleanup(func() {
		h.hung.Store(false)
		h.slow.Store(0)
		syscall.Unmount(at, syscall.MNT_DETACH)
	})
	return h
}

func (h *hanging) serve(request []byte) {
	le := binary.LittleEndian
	op, unique, id := le.Uint32(request[4:]), le.Uint64(request[8:]), le.Uint64(request[16:])
	offset := func() uint64 { return le.Uint64(request[48:]) }
	large := op == 15 && id == 3
	waits := func() bool {
		from := uint64(h.slow.Load())
		return h.hung.Load() || large && from > 0 && offset()+uint64(le.Uint32(request[56:])) > from
	}
	if large && waits() {
		h.asked.Store(true)
	}
	for waits() {
		time.Sleep(10 * time.Millisecond)
	}
	var errno syscall.Errno
	var out []byte
	switch op {
	case 26: // INIT: version 7.31, and how much may be written at a time
		out = make([]byte, 64)
		le.PutUint32(out, 7)
		le.PutUint32(out[4:], 31)
		le.PutUint32(out[8:], 128<<10) // read ahead, without waiting for it
		le.PutUint32(out[12:], 1)
		le.PutUint32(out[20:], 4096)
	case 1: // LOOKUP
		errno = syscall.ENOENT
		for id := 2; id < len(hangingFiles); id++ {
			if hangingFiles[id].name == string(bytes.TrimRight(request[40:], "\x00")) {
				errno, out = 0, append(le.AppendUint64(nil, uint64(id)), make([]byte, 32)...)
				out = append(out, hangingStat(uint64(id))...)
			}
		}
	case 3: // GETATTR
		out = append(make([]byte, 16), hangingStat(id)...)
	case 14, 27: // OPEN, OPENDIR
		out = make([]byte, 16)
	case 15: // READ
		text := hangingFiles[id].text
		from := min(offset(), uint64(len(text)))
		out = text[from:min(from+uint64(le.Uint32(request[56:])), uint64(len(text)))]
	case 28: // READDIR
		for id := 2; id < len(hangingFiles) && offset() == 0; id++ {
			out = le.AppendUint64(le.AppendUint64(out, uint64(id)), uint64(id))
			out = le.AppendUint32(le.AppendUint32(out, uint32(len(hangingFiles[id].name))), 8)
			out = append(out, hangingFiles[id].name...)
			out = append(out, make([]byte, -len(out)&7)...)
		}
	case 2, 36, 42: // FORGET, INTERRUPT: no answer
		return
	case 18, 25, 29: // RELEASE, FLUSH, RELEASEDIR
	default:
		errno = syscall.ENOSYS
	}
	head := le.AppendUint32(le.AppendUint32(nil, uint32(16+len(out))), uint32(-int32(errno)))
	syscall.Write(h.fd, append(le.AppendUint64(head, unique), out...))
}

// hangingStat is struct fuse_attr.
func hangingStat(id uint64) []byte {
	le, f := binary.LittleEndian, hangingFiles[id]
	b := make([]byte, 88)
	le.PutUint64(b, id)
	le.PutUint64(b[8:], uint64(len(f.text)))
	le.PutUint64(b[32:], 1_700_000_000) // modified
	le.PutUint32(b[60:], f.mode)
	le.PutUint32(b[64:], 1)
	return b
}

// evict takes a file out of the page cache; see posix_fadvise(2). It is for a
// filesystem that does not hang yet: while one does, nothing of it may be open in
// this process. The child of another test that is about to run a program closes
// what it has of it, for which it waits, and Go stops as a whole until that
// program runs: so nobody would be there to end the hanging.
func evict(t *testing.T, path string) {
	t.Helper()
	file, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	must(t, err)
	defer syscall.Close(file)
	const dontNeed = 4
	if _, _, errno := syscall.Syscall6(syscall.SYS_FADVISE64, uintptr(file), 0, 0, dontNeed, 0, 0); errno != 0 {
		t.Fatal(errno)
	}
}

// The filesystem of a root hangs: what is in memory is served, what is not is
// answered with 503 after timeouts.desk, whether it was open or not, and even if
// the page cache has it, since nobody knows whether it is still the same; and a
// signal is obeyed.
func TestHungRoot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ open, cached bool }{{}, {open: true}, {open: true, cached: true}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			t.Parallel()
			hungRoot(t, c.open, c.cached)
		})
	}
}

func hungRoot(t *testing.T, open, cached bool) {
	a := freeAddress(t)
	dir := folder(t, map[string]string{
		"config.yaml": "listeners: [{listen: '" + a + "', root: www}]\nlog: {access: off}\ntimeouts: {desk: 300ms}", "www/": ""})
	h := mountHanging(t, filepath.Join(dir, "www"), false)
	cmd := command(dir, "run")
	cmd.Env = append(cmd.Env, "GOMAXPROCS=1") // so that who holds the only processor holds everybody
	s := launch(t, cmd)
	s.serves(a, "/a.txt", "small")
	s.until("the large file to be hashed", func() bool { return strings.HasPrefix(fieldOf(a, "/big.bin", "ETag"), `"`) })
	c := connect(t, a)
	if open { // no other table comes after this
		if res, body := c.get("/big.bin"); res.StatusCode != 200 || len(body) != len(hangingFiles[3].text) {
			t.Fatalf("%s, %d bytes", res.Status, len(body))
		}
	}
	if !cached {
		evict(t, filepath.Join(dir, "www/big.bin"))
	}
	h.hung.Store(true)
	for range 20 {
		if _, body := c.get("/a.txt"); body != "small" {
			t.Errorf("%q", body)
		}
	}
	if res, _ := c.get("/big.bin"); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("a large file: %s", res.Status)
	}
	if got := fetch(a, "/a.txt"); got != "small" {
		t.Errorf("%q", got)
	}
	if st := s.status(); st.Requests < 20 {
		t.Errorf("%d requests", st.Requests)
	}
	s.signal(syscall.SIGTERM)
	s.until("nobody to listen", func() bool { return !listens(a) })
	h.hung.Store(false) // the kernel lets no process go that waits for FUSE
	s.exits(exitFine)
}

// While the filesystem of one root hangs, edits of another and of the config are
// live as ever, a reload that somebody asks for is answered, and the config that
// does without the root is served. What the filesystem missed is caught up with.
// The filesystem may be the root's own, or one that is mounted in it.
func TestEditsBesideAHungRoot(t *testing.T) {
	t.Parallel()
	for _, mount := range []string{"www", "www/in/it"} {
		t.Run(mount, func(t *testing.T) {
			t.Parallel()
			editsBesideAHungRoot(t, mount)
		})
	}
}

func editsBesideAHungRoot(t *testing.T, mount string) {
	a := freeAddress(t)
	config := func(routes string) string {
		return "listeners: [{listen: '" + a + "', routes: {" + routes + "}}]\nlog: {access: off}\n"
	}
	dir := folder(t, map[string]string{
		"config.yaml": config("/h/: {root: www}, /b/: {root: other}"), mount + "/": "", "other/b.txt": "one"})
	h := mountHanging(t, filepath.Join(dir, mount), false)
	page := "/h" + strings.TrimPrefix(mount, "www") + "/a.txt"
	s := run(t, dir)
	s.serves(a, page, "small")
	write := func(name, text string) { must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)) }
	write("other/b.txt", "two")
	s.serves(a, "/b/b.txt", "two") // so the first look at everything is over
	defer h.hung.Store(false)      // or nobody can end the server
	h.hung.Store(true)
	s.says("www does not answer")
	for i, began := 0, time.Now(); time.Since(began) < 6*time.Second; i++ { // more than a beat
		text := fmt.Sprint("text ", i)
		write("other/b.txt", text)
		s.serves(a, "/b/b.txt", text)
		write("config.yaml", config("/h/: {root: www}, /b/: {root: other}, /n: {respond: '"+text+"'}"))
		s.serves(a, "/n", text)
	}
	s.serves(a, page, "small")
	s.reload()
	write("config.yaml", config("/h/: {root: {dir: www, hidden: true}}, /b/: {root: other}"))
	s.says("root " + filepath.Join(dir, "www") + ": its filesystem does not answer")
	write("config.yaml", config("/h/: {root: www}, /c/: {root: www/in}, /b/: {root: other}"))
	s.until("a folder in the root to be refused", func() bool { return strings.Contains(s.status().Mistake, "www/in") })
	h.hung.Store(false)
	s.says("www answers again")
	write("config.yaml", config("/h/: {root: {dir: www, hidden: true}}, /b/: {root: other}"))
	s.until("what was refused to be served", func() bool { return s.status().Mistake == "" })
	s.serves(a, page, "small")
	h.hung.Store(true)
	s.until("it is said again", func() bool { return strings.Count(s.err.String(), "www does not answer") == 2 })
	write("config.yaml", config("/b/: {root: other}"))
	s.until("without the root", func() bool { return fetch(a, page) != "small" })
	h.hung.Store(false)
	s.signal(syscall.SIGTERM)
	s.exits(exitFine)
}

// A filesystem that hangs while a large file of it is read in the background holds
// up that file's entity tag, and no work for other roots.
func TestCompressedBesideAHungRoot(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{
		"config.yaml": "listeners: [{listen: '" + a + "', routes: {/h/: {root: www}, /b/: {root: other}}}]\nlog: {access: off}\n",
		"www/":        "", "other/b.html": "one"})
	h := mountHanging(t, filepath.Join(dir, "www"), false)
	h.slow.Store(1)
	defer h.slow.Store(0)
	s := run(t, dir)
	s.until("the large file to be read", h.asked.Load)
	defer h.hung.Store(false)
	h.hung.Store(true)
	s.says("www does not answer")
	text := strings.Repeat("a page that compresses well ", 100)
	must(t, os.WriteFile(filepath.Join(dir, "other/b.html"), []byte(text), 0o644))
	s.until("the other root's page to be compressed", func() bool {
		return fieldOf(a, "/b/b.html", "Content-Encoding") == "br"
	})
	h.hung.Store(false)
	h.slow.Store(0)
	s.says("www answers again")
	s.until("the large file to be hashed", func() bool {
		return strings.HasPrefix(fieldOf(a, "/h/big.bin", "ETag"), `"`)
	})
	s.signal(syscall.SIGTERM)
	s.exits(exitFine)
}

// What the kernel reads ahead of a large file counts as cached before it is there:
// a client that is sent that waits for it, and nobody else does.
func TestReadAheadHoldsNobody(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{
		"config.yaml": "listeners: [{listen: '" + a + "', root: www}]\nlog: {access: off}\n", "www/": ""})
	h := mountHanging(t, filepath.Join(dir, "www"), false)
	s := run(t, dir)
	s.until("the large file to be hashed", func() bool { return strings.HasPrefix(fieldOf(a, "/big.bin", "ETag"), `"`) })
	evict(t, filepath.Join(dir, "www/big.bin"))
	h.slow.Store(5 << 19)
	defer h.slow.Store(0)
	large := connect(t, a)
	large.ask("/big.bin")
	_, err := io.CopyN(io.Discard, large.r, 2<<20)
	must(t, err)
	s.until("more to be read", h.asked.Load)
	for range 20 {
		if got := fetch(a, "/a.txt"); got != "small" {
			t.Errorf("%q", got)
		}
	}
	h.slow.Store(0)
	if n, err := io.CopyN(io.Discard, large.r, 2<<20); err != nil {
		t.Errorf("%d bytes more: %v", n, err)
	}
	s.signal(syscall.SIGTERM)
	s.exits(exitFine)
}
