package loop

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Two hundred connections ask without pause while the table changes fifty
// times. Each of them lives to see the last.
func TestReloadClosesNothing(t *testing.T) {
	port := freePort(t)
	text := func(n int) string {
		return fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: 'version %d'}]", port, n)
	}
	s := start(t, text(0), nil)
	const clients, reloads = 200, 50
	var newest atomic.Int64
	var done sync.WaitGroup
	for range clients {
		c := newClient(t, port)
		done.Go(func() {
			for seen := int64(-1); seen < reloads; {
				atLeast := newest.Load()
				fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				_, body := c.read("GET")
				var n int64
				if _, err := fmt.Sscanf(body, "version %d", &n); err != nil || n < seen || n < atLeast {
					t.Errorf("%q after version %d, while %d was published", body, seen, atLeast)
					return
				}
				seen = n
			}
		})
	}
	for n := 1; n <= reloads; n++ {
		if _, err := s.publish(text(n)); err != nil {
			t.Fatal(err)
		}
		newest.Store(int64(n))
	}
	done.Wait()
	if n := s.open(); n != clients {
		t.Errorf("%d of %d connections are open", n, clients)
	}
}

// A listener is removed while a download runs on it: the download is finished,
// new connections are refused.
func TestRemovedListenerFinishesItsDownload(t *testing.T) {
	stays, goes := freePort(t), freePort(t)
	body := strings.Repeat("0123456789", 10<<20)
	s := start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: ok}, {listen: '127.0.0.1:%d', root: www}]", stays, goes),
		map[string]string{"www/big.bin": body})
	download, idle := newClient(t, goes), newClient(t, goes)
	idle.get("/")
	fmt.Fprint(download, "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
	download.r.Peek(1)
	out, err := s.publish(fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: ok}]", stays))
	if err != nil || out.Draining != 2 {
		t.Errorf("%+v, %v", out, err)
	}
	if _, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", goes)); err == nil {
		t.Error("the removed listener takes a new connection")
	}
	if res, _ := idle.get("/"); res.StatusCode != 404 || !res.Close {
		t.Errorf("next answer on an idle connection: %s, close %v", res.Status, res.Close)
	}
	idle.closed()
	if res, got := download.read("GET"); got != body {
		t.Errorf("the download: %s, %d of %d bytes", res.Status, len(got), len(body))
	}
}

// What cannot be bound refuses the whole reload.
func TestRefusedReloadChangesNothing(t *testing.T) {
	port, other := freePort(t), freePort(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: before}]", port), nil)
	before := descriptors(t)
	_, err = s.publish(fmt.Sprintf("listeners: [{listen: ['127.0.0.1:%d', '127.0.0.1:%d', '%s'], respond: after}]", port, other, taken.Addr()))
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("the error does not name the address: %v", err)
	}
	if _, body := newClient(t, port).get("/"); body != "before" {
		t.Errorf("%q is served", body)
	}
	if _, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", other)); err == nil {
		t.Error("the other new address is listening")
	}
	until(t, "no descriptor to be left", func() bool { return descriptors(t) <= before+2 })
}

// Two listeners swap their addresses: sockets and connections stay, each
// connection hears what its address says now.
func TestListenersSwapAddresses(t *testing.T) {
	a, b := freePort(t), freePort(t)
	text := "listeners: [{listen: '127.0.0.1:%d', respond: first}, {listen: '127.0.0.1:%d', respond: second}]"
	s := start(t, fmt.Sprintf(text, a, b), nil)
	c, d := newClient(t, a), newClient(t, b)
	for i := range 4 {
		if i > 0 {
			a, b = b, a
			if _, err := s.publish(fmt.Sprintf(text, a, b)); err != nil {
				t.Fatal(err)
			}
		}
		want := [2]string{"first", "second"}
		if _, body := c.get("/"); body != want[i%2] {
			t.Errorf("turn %d: %q", i, body)
		}
		if _, body := d.get("/"); body != want[1-i%2] {
			t.Errorf("turn %d: %q", i, body)
		}
	}
}

// A listener becomes an echo: connections that speak HTTP get an answer from
// what was served before, and are closed; new ones are echoed.
func TestListenerBecomesEcho(t *testing.T) {
	port := freePort(t)
	s := start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: http}]", port), nil)
	old := newClient(t, port)
	old.get("/")
	if _, err := s.publish(fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', echo: true}]", port)); err != nil {
		t.Fatal(err)
	}
	fresh := dial(t, port)
	fmt.Fprint(fresh, "GET /")
	if got := make([]byte, 5); !readFull(fresh, got) || string(got) != "GET /" {
		t.Errorf("%q came back", got)
	}
	if res, body := old.get("/"); body != "http" || !res.Close {
		t.Errorf("%q, close %v", body, res.Close)
	}
	old.closed()
	if _, err := s.publish(fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: again}]", port)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(fresh, "!")
	if got := make([]byte, 1); !readFull(fresh, got) || got[0] != '!' {
		t.Errorf("the echo connection: %q", got)
	}
	if _, body := newClient(t, port).get("/"); body != "again" {
		t.Errorf("%q", body)
	}
}

func TestUnixSockets(t *testing.T) {
	s := start(t, "listeners: [{listen: 'unix:a.sock', respond: a}]", nil)
	path := filepath.Join(s.dir, "a.sock")
	ask := func(path string) string {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET / HTTP/1.0\r\n\r\n")
		text, _ := io.ReadAll(c)
		_, body, _ := strings.Cut(string(text), "\r\n\r\n")
		return body
	}
	if got := ask(path); got != "a" {
		t.Errorf("%q", got)
	}
	// one that a dead process left behind is replaced
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(s.dir, "b.sock")})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	if _, err := s.publish("listeners: [{listen: 'unix:b.sock', respond: b}]"); err != nil {
		t.Fatal(err)
	}
	if got := ask(filepath.Join(s.dir, "b.sock")); got != "b" {
		t.Errorf("%q", got)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket of the removed listener is still there")
	}
	// one that somebody answers on is not
	alive, err := net.Listen("unix", filepath.Join(s.dir, "c.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	if _, err := s.publish("listeners: [{listen: 'unix:c.sock', respond: c}]"); err == nil {
		t.Error("a socket in use was replaced")
	}
}

// What waits at a removed listener, not accepted yet, is still answered.
func TestDrainFinishesAnswers(t *testing.T) {
	port := freePort(t)
	body := strings.Repeat("0123456789", 1<<20)
	s := start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', root: www}]", port), map[string]string{"www/big.bin": body})
	var clients []*client
	for range 40 {
		c := newClient(t, port)
		fmt.Fprint(c, "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
		clients = append(clients, c)
	}
	for _, c := range clients {
		c.r.Peek(1)
	}
	s.loop.Drain()
	for _, c := range clients {
		if res, got := c.read("GET"); got != body {
			t.Errorf("%s, %d bytes", res.Status, len(got))
		}
	}
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	s.ended <- nil // for the end of the test
	if _, err := s.loop.Publish(s.table); err != ErrStopped {
		t.Errorf("Publish after the end: %v", err)
	}
}
