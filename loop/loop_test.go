package loop

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"monopoll/loop/sys"
	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// server is a real loop on real sockets, with the config that a test changes.
type server struct {
	t      testing.TB
	dir    string
	loop   *Loop
	table  *routes.Table
	loader *site.Loader
	log    *lockedBuffer
	ended  chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// testPatience is how long a test waits for what must happen.
const testPatience = 20 * time.Second

// start serves a config. Its text may name %[1]d, %[2]d …: ports that are free.
func start(t testing.TB, text string, files map[string]string) *server {
	t.Helper()
	return startOn(t, nil, text, files)
}

// startOn is start on a kernel of the test's own.
func startOn(t testing.TB, kernel sys.Kernel, text string, files map[string]string) *server {
	t.Helper()
	return startWith(t, Options{Kernel: kernel}, text, files)
}

// startWith is start with options, to which the log is added.
func startWith(t testing.TB, options Options, text string, files map[string]string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), loader: &site.Loader{}, log: new(lockedBuffer), ended: make(chan error, 1)}
	for name, body := range files {
		s.write(name, body)
	}
	var err error
	options.Log = slog.New(slog.NewTextHandler(s.log, nil))
	s.loop, err = New(options)
	if err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.loop.Run() }()
	t.Cleanup(func() {
		s.loop.Stop()
		select {
		case err := <-s.ended:
			if err != nil {
				t.Error("Run:", err)
			}
		case <-time.After(testPatience):
			t.Error("the loop does not end")
		}
	})
	if _, err := s.publish(text); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) write(name, body string) {
	path := filepath.Join(s.dir, name)
	os.MkdirAll(filepath.Dir(path), 0o755)
	if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) publish(text string) (Outcome, error) {
	s.t.Helper()
	if !strings.Contains(text, "log:") {
		text += "\nlog: {access: \"off\"}\n"
	}
	if !strings.Contains(text, "control:") {
		text += "\ncontrol: \"off\"\n"
	}
	cfg, err := config.Parse("config.yaml", s.dir, []byte(text))
	if err != nil {
		s.t.Fatal(err)
	}
	table, err := routes.Build(cfg, s.table, s.loader)
	if err != nil {
		s.t.Fatal(err)
	}
	out, err := s.loop.Publish(table)
	if err == nil {
		s.table = table
	}
	return out, err
}

// freePort gives a port that nothing listens on.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func dial(t testing.TB, port int) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(testPatience))
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// client is a connection on which one request follows another.
type client struct {
	t testing.TB
	*net.TCPConn
	r *bufio.Reader
}

func newClient(t testing.TB, port int) *client {
	c := dial(t, port)
	return &client{t, c, bufio.NewReader(c)}
}

// get asks for a target and gives the answer with its body.
func (c *client) get(target string) (*http.Response, string) {
	c.t.Helper()
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target)
	return c.read("GET")
}

func (c *client) read(method string) (*http.Response, string) {
	c.t.Helper()
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, string(body)
}

// closed waits until the server closes the connection, with nothing more sent.
func (c *client) closed() {
	c.t.Helper()
	rest, err := io.ReadAll(c.r)
	if err != nil || len(rest) > 0 {
		c.t.Fatalf("expected a close, got %q, %v", rest, err)
	}
}

// until waits for something that must become true.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(testPatience); !f(); {
		if time.Now().After(end) {
			t.Fatal("waited in vain for: ", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func (s *server) open() int {
	stats, _ := s.loop.Stats()
	return stats.Open
}
