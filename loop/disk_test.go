package loop

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"monopoll/loop/sys"
)

const diskConfig = "listeners: [{listen: '127.0.0.1:%d', root: www}]\ntimeouts: {desk: %s, send: 10m}\n"

// brokenOff reads an answer that cannot come to its end, and gives how much of
// its content came. What comes has to be what the file had.
func brokenOff(t *testing.T, c *client, content byte) (n int64) {
	t.Helper()
	res, err := http.ReadResponse(c.r, nil)
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	body, err := io.ReadAll(res.Body)
	if err == nil {
		t.Errorf("all of %d bytes came", len(body))
	}
	if rest := strings.Trim(string(body), string(content)); rest != "" {
		t.Errorf("%d bytes were never in the file", len(rest))
	}
	return int64(len(body))
}

// A file is cut while three clients are being sent it: each connection is
// closed where the file ends, nothing takes the place of what is missing, and
// the log has a single line about it. It is cut to nothing, because of a page
// that is cut in two the kernel clears the rest, also where it is on its way
// from the page cache to a client.
func TestFileIsCutWhileItIsSent(t *testing.T) {
	const size = 32 << 20 // more than the buffers of a connection hold
	port := freePort(t)
	s := start(t, fmt.Sprintf(diskConfig, port, "10s"), map[string]string{"www/big.bin": strings.Repeat("b", size), "www/a.txt": "small"})
	var clients []*client
	for range 3 {
		c := newClient(t, port)
		fmt.Fprint(c, "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := c.r.Peek(1); err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	if err := os.Truncate(filepath.Join(s.dir, "www/big.bin"), 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		if n := brokenOff(t, c, 'b'); n >= size {
			t.Errorf("%d bytes", n)
		}
	}
	if n := strings.Count(s.log.String(), "a large file could not be sent"); n != 1 {
		t.Errorf("%d lines:\n%s", n, s.log.String())
	}
	if _, body := newClient(t, port).get("/a.txt"); body != "small" {
		t.Errorf("a small file: %q", body)
	}
}

// failingDisk is a kernel whose disk fails under sendfile(2) while bad is set.
type failingDisk struct {
	sys.Linux
	bad atomic.Bool
}

func (k *failingDisk) Sendfile(fd, file int, offset int64, n int) (int, sys.Errno) {
	if k.bad.Load() && offset > 0 {
		return 0, sys.EIO
	}
	return k.Linux.Sendfile(fd, file, offset, n)
}

// A disk that fails breaks off what is sent from it, and that alone. When it
// works again, so does the server.
func TestDiskFails(t *testing.T) {
	const size = 4 << 20
	port, kernel := freePort(t), new(failingDisk)
	kernel.bad.Store(true)
	s := startOn(t, kernel, fmt.Sprintf(diskConfig, port, "10s"), map[string]string{"www/big.bin": strings.Repeat("b", size), "www/a.txt": "small"})
	beside := newClient(t, port)
	for range 3 {
		c := newClient(t, port)
		fmt.Fprint(c, "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
		if n := brokenOff(t, c, 'b'); n == 0 || n > pieceSize {
			t.Errorf("%d bytes came before the disk failed", n)
		}
		if _, body := beside.get("/a.txt"); body != "small" {
			t.Errorf("a small file: %q", body)
		}
	}
	if said := s.log.String(); !strings.Contains(said, "input/output error") {
		t.Errorf("it says %q", said)
	}
	kernel.bad.Store(false)
	if _, body := beside.get("/big.bin"); len(body) != size {
		t.Errorf("%d bytes", len(body))
	}
}

// hang gives every goroutine of the desk something to wait for, as a disk or a
// network that does not answer would.
func (s *server) hang() (release func()) {
	begun, stuck := make(chan struct{}), make(chan struct{})
	for range deskWorkers {
		if !s.loop.desk.(*desk).ask(func() { begun <- struct{}{}; <-stuck }) {
			s.t.Fatal("the desk is full")
		}
	}
	for range deskWorkers {
		<-begun
	}
	return func() { close(stuck) }
}

// A filesystem hangs: what is in memory is served on, on the same connections;
// a large file is answered with 503 after timeouts.desk. Nobody waits for ever.
func TestHungFilesystem(t *testing.T) {
	const size = 1 << 20
	port := freePort(t)
	s := start(t, fmt.Sprintf(diskConfig, port, "300ms"), map[string]string{"www/big.bin": strings.Repeat("b", size), "www/a.txt": "small"})
	release := s.hang()
	beside := newClient(t, port)
	var waiting []*client
	for range 20 {
		c := newClient(t, port)
		fmt.Fprint(c, "GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\nGET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
		waiting = append(waiting, c)
		if _, body := beside.get("/a.txt"); body != "small" {
			t.Errorf("a small file: %q", body)
		}
	}
	for _, c := range waiting {
		if _, body := c.read("GET"); body != "small" {
			t.Errorf("before the large file: %q", body)
		}
		if res, body := c.read("GET"); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || !strings.Contains(body, "disk") {
			t.Errorf("%s, %q", res.Status, body)
		}
		if _, body := beside.get("/a.txt"); body != "small" {
			t.Errorf("a small file: %q", body)
		}
	}
	release()
	until(t, "the large file", func() bool {
		res, body := newClient(t, port).get("/big.bin")
		return res.StatusCode == 200 && len(body) == size
	})
}

// coldDisk is a kernel that says, while cold is set, that nothing of a file is in
// memory. It notes what the loop itself closes of files.
type coldDisk struct {
	sys.Linux
	cold   atomic.Bool
	closed atomic.Int32
}

func (k *coldDisk) Cached(file int, at int64, n int) (bool, sys.Errno) {
	if k.cold.Load() {
		return false, 0
	}
	return k.Linux.Cached(file, at, n)
}

func (k *coldDisk) Close(fd int) sys.Errno {
	if strings.HasSuffix(linkOf(fd), ".bin") {
		k.closed.Add(1)
	}
	return k.Linux.Close(fd)
}

func linkOf(fd int) string {
	name, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	return name
}

// A filesystem hangs under a file that is open already: it is answered like one
// that is not, with 503, and not begun and broken off.
func TestHungUnderAnOpenFile(t *testing.T) {
	const size = 4 << 20
	port, kernel := freePort(t), new(coldDisk)
	s := startOn(t, kernel, fmt.Sprintf(diskConfig, port, "300ms"), map[string]string{"www/big.bin": strings.Repeat("b", size)})
	c := newClient(t, port)
	if _, body := c.get("/big.bin"); len(body) != size {
		t.Fatalf("%d bytes", len(body))
	}
	kernel.cold.Store(true)
	release := s.hang()
	for _, ask := range []string{"", "Range: bytes=3000000-\r\n", "Range: bytes=1-2,3000000-3000001\r\n"} {
		c := newClient(t, port)
		fmt.Fprintf(c, "GET /big.bin HTTP/1.1\r\nHost: x\r\n%s\r\n", ask)
		if res, _ := c.read("GET"); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
			t.Errorf("%q: %s", ask, res.Status)
		}
	}
	release()
	if res, body := c.get("/big.bin"); res.StatusCode != 200 || len(body) != size {
		t.Errorf("after it: %s, %d bytes", res.Status, len(body))
	}
}

// To close a file may take as long as its filesystem likes, so the loop has it
// done by others.
func TestLoopClosesNoFile(t *testing.T) {
	port, kernel := freePort(t), new(coldDisk)
	config := fmt.Sprintf(diskConfig, port, "10s")
	s := startOn(t, kernel, config, map[string]string{"www/big.bin": strings.Repeat("b", 1<<20)})
	open := func() (n int) {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if fd, err := strconv.Atoi(e.Name()); err == nil && linkOf(fd) == filepath.Join(s.dir, "www/big.bin") {
				n++
			}
		}
		return n
	}
	newClient(t, port).get("/big.bin")
	if n := open(); n != 1 {
		t.Errorf("the file is open %d times, not once", n)
	}
	if _, err := s.publish(config); err != nil { // no answer uses it from now on
		t.Fatal(err)
	}
	until(t, "the file closed", func() bool { return open() == 0 })
	if n := kernel.closed.Load(); n != 0 {
		t.Errorf("the loop itself closed %d files", n)
	}
}

// When more wait for the disk than the desk has room for, the next is told so
// at once and not after its time.
func TestDeskIsFull(t *testing.T) {
	const size = 1 << 20
	port := freePort(t)
	s := start(t, fmt.Sprintf(diskConfig, port, "10m"), map[string]string{"www/big.bin": strings.Repeat("b", size)})
	release := s.hang()
	for s.loop.desk.(*desk).ask(func() {}) {
	}
	c := newClient(t, port)
	if res, _ := c.get("/big.bin"); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("%s", res.Status)
	}
	release()
	until(t, "the large file", func() bool {
		res, body := c.get("/big.bin")
		return res.StatusCode == 200 && len(body) == size
	})
}

// There is no room for a single body in memory, and so not for an empty one.
func TestEmptyFileOnDisk(t *testing.T) {
	port := freePort(t)
	files := map[string]string{"www/a.txt": "a", "www/empty.txt": "", "www/404.html": ""}
	for i := range 20 {
		files[fmt.Sprintf("www/%d.txt", i)] = "taking room"
	}
	start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', root: www}]\nlimits: {memory: 1KiB}\n", port), files)
	c := newClient(t, port)
	for range 2 {
		for target, want := range map[string]string{"/empty.txt": "200 OK ", "/a.txt": "200 OK a", "/none": "404 Not Found "} {
			if res, body := c.get(target); res.Status+" "+body != want {
				t.Errorf("%s: %s %q, want %q", target, res.Status, body, want)
			}
		}
	}
}

// An empty line that old clients send behind a request does not cost them the
// rest of a large answer, although nobody reads it.
func TestStrayLineBehindTheLastRequest(t *testing.T) {
	const size = 32 << 20 // more than the buffers of a connection hold
	port := freePort(t)
	start(t, fmt.Sprintf(diskConfig, port, "10s"), map[string]string{"www/big.bin": strings.Repeat("b", size)})
	c := newClient(t, port)
	if err := c.SetReadBuffer(64 << 10); err != nil { // the end is in the server's buffer when it closes
		t.Fatal(err)
	}
	fmt.Fprint(c, "GET /big.bin HTTP/1.0\r\n\r\n")
	if _, err := c.r.Peek(1); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, "\r\n")
	if res, body := c.read("GET"); res.StatusCode != 200 || len(body) != size {
		t.Errorf("%s, %d bytes", res.Status, len(body))
	}
}

// brokenDisk fails to fetch one file, and says so when it is told to.
type brokenDisk struct {
	clerk
	name    string
	err     error
	letters chan func(*Loop)
}

func (d *brokenDisk) fetch(l *Loop, c *conn, what errand) {
	if !strings.HasSuffix(what.what.Path(), d.name) {
		d.clerk.fetch(l, c, what)
		return
	}
	fd, gen := int(c.fd), c.gen
	d.letters <- func(l *Loop) { l.fetched(fd, gen, what, found{now: what.what, err: d.err}) }
}

// A file cannot be read, and a reload has no use for it meanwhile: the request
// behind it does not pay for that.
func TestFailureIsOfOneRequest(t *testing.T) {
	port := freePort(t)
	s := start(t, fmt.Sprintf(diskConfig, port, "10s"), map[string]string{
		"www/a.bin": strings.Repeat("a", 1<<20), "www/b.bin": strings.Repeat("b", 1<<20)})
	d, ready := &brokenDisk{name: "a.bin", err: sys.EIO, letters: make(chan func(*Loop), 1)}, make(chan bool)
	s.loop.mail.post(func(l *Loop) {
		d.clerk, l.desk = l.desk, d
		close(ready)
	})
	<-ready
	c := newClient(t, port)
	fmt.Fprint(c, "GET /a.bin HTTP/1.1\r\nHost: x\r\n\r\nGET /b.bin HTTP/1.1\r\nHost: x\r\n\r\n")
	letter := <-d.letters
	if _, err := s.publish(fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', routes: {/a.bin: {respond: gone}, /: {root: www}}}]", port)); err != nil {
		t.Fatal(err)
	}
	s.loop.mail.post(letter)
	if res, body := c.read("GET"); res.StatusCode != 200 || body != "gone" {
		t.Errorf("a.bin: %s, %d bytes", res.Status, len(body))
	}
	if res, body := c.read("GET"); res.StatusCode != 200 || len(body) != 1<<20 {
		t.Errorf("b.bin: %s, %d bytes", res.Status, len(body))
	}
}
