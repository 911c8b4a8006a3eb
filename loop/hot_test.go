package loop

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"monopoll/loop/sys"
	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// hotKernel is a kernel with one client, which always has the same bytes to
// send and takes everything: what is left is the loop's own work.
type hotKernel struct {
	sys.Linux
	request []byte
	client  int // descriptor
	tag     uint64
	calls   int
	sent    int
}

const hotListener, hotClient = 1000, 1001

func (k *hotKernel) EpollCreate() (int, sys.Errno) { return 998, 0 }
func (k *hotKernel) Eventfd() (int, sys.Errno)     { return 999, 0 }
func (k *hotKernel) OpenSpare() (int, sys.Errno)   { return 997, 0 }
func (k *hotKernel) Wake(int) sys.Errno            { return 0 }
func (k *hotKernel) Drain(int) sys.Errno           { return 0 }
func (k *hotKernel) Close(int) sys.Errno           { return 0 }
func (k *hotKernel) EpollAdd(_, fd int, _ uint32, tag uint64) sys.Errno {
	if fd == hotClient {
		k.tag = tag
	}
	return 0
}
func (k *hotKernel) EpollMod(_, _ int, _ uint32, _ uint64) sys.Errno { k.calls++; return 0 }
func (k *hotKernel) EpollDel(_, _ int) sys.Errno                     { return 0 }

func (k *hotKernel) EpollWait(_ int, events []sys.Event, _ int) (int, sys.Errno) {
	k.calls++
	if k.tag == 0 {
		events[0] = sys.Event{Events: sys.In, Tag: tagSocket | hotListener}
	} else {
		events[0] = sys.Event{Events: sys.In, Tag: k.tag}
	}
	return 1, 0
}

func (k *hotKernel) Accept(int, *sys.Peer) (int, sys.Errno) {
	if k.client == 0 {
		k.client = hotClient
		return hotClient, 0
	}
	return -1, sys.EAGAIN
}

func (k *hotKernel) Read(_ int, p []byte) (int, sys.Errno) {
	k.calls++
	if k.tag == 0 {
		return 0, sys.EAGAIN
	}
	return copy(p, k.request), 0
}

func (k *hotKernel) Write(_ int, p []byte) (int, sys.Errno) {
	k.calls++
	k.sent += len(p)
	return len(p), 0
}

func (k *hotKernel) Writev(_ int, pieces [][]byte) (int, sys.Errno) {
	k.calls++
	n := 0
	for _, p := range pieces {
		n += len(p)
	}
	k.sent += n
	return n, 0
}

// hotLoop is a loop on a hotKernel, with one client that asks for a target.
func hotLoop(t testing.TB, fields, target string) (*Loop, *hotKernel) {
	t.Helper()
	dir := t.TempDir()
	for name, size := range map[string]int{"1k.html": 1 << 10, "10k.html": 10 << 10, "100k.bin": 100 << 10} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat("x", size)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Parse("config.yaml", dir, []byte(`
listeners:
  - listen: 8080
    routes:
      /: {root: .}
      /fixed: {respond: "Hello, world!"}
      /old/{page...}: {redirect: "/new/{page}"}
log: {access: "off"}
`))
	if err != nil {
		t.Fatal(err)
	}
	table, err := routes.Build(cfg, nil, &site.Loader{})
	if err != nil {
		t.Fatal(err)
	}
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: localhost:8080\r\n%s\r\n", target, fields)
	k := &hotKernel{request: []byte(request)}
	l, err := New(Options{Kernel: k, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.desk.close)
	l.bind = func(a config.Address) (*socket, error) { return &socket{fd: hotListener, key: a.String()}, nil }
	l.listen = func(*socket) error { return nil }
	p, err := l.prepare(table)
	if err != nil {
		t.Fatal(err)
	}
	l.commit(p)
	for range 3 { // accept, and warm up what grows once
		l.turn()
	}
	return l, k
}

// hot are the answers that must cost nothing but the system calls.
var hot = []struct{ name, fields, target string }{
	{"1k", "", "/1k.html"},
	{"10k", "", "/10k.html"},
	{"100k", "", "/100k.bin"},
	{"browser", "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\nReferer: http://localhost:8080/\r\nConnection: keep-alive\r\n" +
		"Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nPriority: u=0, i\r\n", "/10k.html"},
	{"fixed", "", "/fixed"},
	{"redirect", "", "/old/a/b?c=d"},
	{"404", "", "/nope"},
	{"range", "Range: bytes=100-199\r\n", "/10k.html"},
	{"304", "If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT\r\nIf-None-Match: *\r\n", "/1k.html"},
}

// A whole turn, from the wait to the write, allocates nothing and makes three
// system calls: wait, read, write.
func TestHotTurn(t *testing.T) {
	for _, h := range hot {
		t.Run(h.name, func(t *testing.T) {
			l, k := hotLoop(t, h.fields, h.target)
			k.sent, k.calls = 0, 0
			const turns = 200
			if n := testing.AllocsPerRun(turns-1, func() { l.turn() }); n != 0 {
				t.Errorf("%v allocations a turn", n)
			}
			if k.sent == 0 || l.stats.Requests < turns {
				t.Errorf("%d bytes sent, %d requests", k.sent, l.stats.Requests)
			}
			if k.calls != 3*turns {
				t.Errorf("%v system calls a request", float64(k.calls)/turns)
			}
		})
	}
}

// logged has the loop write an access log, of which nothing is taken.
func (l *Loop) logged(json bool) {
	l.access.sink = &sink{full: make(chan []byte)}
	l.access.json = json
}

// The line of a request in the access log allocates nothing either.
func TestHotTurnWithLog(t *testing.T) {
	for _, h := range hot {
		for _, json := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s json %v", h.name, json), func(t *testing.T) {
				l, k := hotLoop(t, h.fields, h.target)
				l.logged(json)
				for range 2 * accessBatch / 50 { // what grows once
					l.turn()
				}
				k.calls = 0
				const turns = 200
				before := l.stats.Requests
				if n := testing.AllocsPerRun(turns-1, func() { l.turn() }); n != 0 || k.calls != 3*turns {
					t.Errorf("%v allocations and %v system calls a turn", n, float64(k.calls)/turns)
				}
				if len(l.access.buf) == 0 && l.access.dropped == 0 || l.stats.Requests != before+turns {
					t.Error("nothing is logged")
				}
			})
		}
	}
}

func BenchmarkTurn(b *testing.B) {
	for _, h := range hot {
		b.Run(h.name, func(b *testing.B) {
			l, _ := hotLoop(b, h.fields, h.target)
			b.ReportAllocs()
			for b.Loop() {
				l.turn()
			}
		})
		b.Run(h.name+"/logged", func(b *testing.B) {
			l, _ := hotLoop(b, h.fields, h.target)
			l.logged(false)
			b.ReportAllocs()
			for b.Loop() {
				l.turn()
			}
		})
	}
}

// TestIdlePrice holds the price of an idle connection: its struct, its place in
// the slab, and nothing else.
func TestIdlePrice(t *testing.T) {
	if size := unsafe.Sizeof(conn{}); size > 192 {
		t.Errorf("a connection has %d bytes", size)
	}
	l, k := hotLoop(t, "", "/1k.html")
	l.turn()
	c := l.conns.byFD[k.client]
	if c.state != stateIdle || c.in != nil || c.out != nil || c.http.body != nil {
		t.Errorf("after an answer it holds %d bytes of input, %v of output", len(c.in), c.out)
	}
}
