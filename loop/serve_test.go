package loop

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestServesFilesFixedAnswersAndEcho(t *testing.T) {
	site, fixed, echo := freePort(t), freePort(t), freePort(t)
	big := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB: stays on disk
	start(t, fmt.Sprintf(`
listeners:
  - {listen: "127.0.0.1:%d", root: www}
  - {listen: "127.0.0.1:%d", respond: "Hello, world!\n"}
  - {listen: "127.0.0.1:%d", echo: true}
`, site, fixed, echo), map[string]string{"www/index.html": "home", "www/big.bin": big, "www/mid.txt": strings.Repeat("m", 100_000)})

	c := newClient(t, site)
	for range 3 {
		for target, want := range map[string]string{"/": "home", "/big.bin": big, "/mid.txt": strings.Repeat("m", 100_000)} {
			if res, body := c.get(target); res.StatusCode != 200 || body != want {
				t.Errorf("%s: %s, %d bytes", target, res.Status, len(body))
			}
		}
		if res, _ := c.get("/none"); res.StatusCode != 404 {
			t.Errorf("/none: %s", res.Status)
		}
	}
	c = newClient(t, fixed)
	if res, body := c.get("/anything"); body != "Hello, world!\n" || res.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("fixed: %q %v", body, res.Header)
	}
	e := dial(t, echo)
	fmt.Fprint(e, "ping")
	if got := make([]byte, 4); !readFull(e, got) || string(got) != "ping" {
		t.Errorf("echo: %q", got)
	}
}

func readFull(r io.Reader, b []byte) bool {
	_, err := io.ReadFull(r, b)
	return err == nil
}

func TestPipelinedAnswersComeInOrder(t *testing.T) {
	port := freePort(t)
	files := map[string]string{"www/big.bin": strings.Repeat("B", 600_000), "www/mid.bin": strings.Repeat("M", 70_000)}
	for i := range 10 {
		files[fmt.Sprintf("www/%d.txt", i)] = strings.Repeat(fmt.Sprint(i), 1000*i)
	}
	start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', root: www}]", port), files)
	c := newClient(t, port)
	var names []string
	var requests bytes.Buffer
	for range 300 {
		name := []string{"big.bin", "mid.bin", fmt.Sprintf("%d.txt", rand.IntN(10))}[min(2, rand.IntN(12))]
		names = append(names, name)
		fmt.Fprintf(&requests, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", name)
	}
	go c.Write(requests.Bytes())
	for i, name := range names {
		if res, body := c.read("GET"); res.StatusCode != 200 || body != files["www/"+name] {
			t.Fatalf("answer %d (%s): %s, %d bytes", i, name, res.Status, len(body))
		}
	}
}

// A megabyte goes through byte for byte; the end of what the client sends comes
// back as the end of what it gets.
func TestEchoHalfClose(t *testing.T) {
	port := freePort(t)
	s := start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', echo: true}]", port), nil)
	sent := make([]byte, 1<<20)
	for i := range sent {
		sent[i] = byte(rand.IntN(256))
	}
	c := dial(t, port)
	go func() {
		c.Write(sent)
		c.CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	until(t, "the connection to be gone", func() bool { return s.open() == 0 })
}

// The leak of many an example server: clients that vanish, by an end or by a
// reset, leave sockets in CLOSE_WAIT behind.
func TestClientsThatVanishLeaveNothing(t *testing.T) {
	echo, http := freePort(t), freePort(t)
	s := start(t, fmt.Sprintf(`
listeners:
  - {listen: "127.0.0.1:%d", echo: true}
  - {listen: "127.0.0.1:%d", root: www}
`, echo, http), map[string]string{"www/big.bin": strings.Repeat("B", 8<<20)})
	before := descriptors(t)
	for i := range 60 {
		c := dial(t, []int{echo, http}[i%2])
		switch i % 6 {
		case 0, 1: // says nothing
		case 2, 3:
			fmt.Fprint(c, "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
		case 4, 5:
			fmt.Fprint(c, "GET / HT")
		}
		if i%4 < 2 {
			c.SetLinger(0) // a reset
		}
		if i%12 == 3 {
			c.CloseWrite()
			io.ReadAll(io.LimitReader(c, 100_000))
		}
		c.Close()
	}
	until(t, "all connections to be gone", func() bool { return s.open() == 0 })
	until(t, "all descriptors to be closed", func() bool { return descriptors(t) <= before+1 }) // big.bin may stay open
}

func descriptors(t testing.TB) int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// A client that sends and does not read: the server stops reading.
func TestEchoBackPressure(t *testing.T) {
	port := freePort(t)
	s := start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', echo: true}]", port), nil)
	c := dial(t, port)
	chunk := bytes.Repeat([]byte("x"), 1<<20)
	sent := 0
	for {
		c.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		n, err := c.Write(chunk)
		sent += n
		if err != nil {
			break
		}
		if sent > 512<<20 {
			t.Fatal("the server takes everything and sends nothing")
		}
	}
	held := make(chan int, 1)
	s.loop.mail.post(func(l *Loop) {
		n := 0
		l.conns.each(func(c *conn) {
			n += cap(c.in)
			if c.out != nil {
				n += cap(c.out.own)
			}
		})
		held <- n
	})
	if n := <-held; n > 2*scratchSize {
		t.Errorf("%d bytes are held for one connection", n)
	}
	c.SetDeadline(time.Now().Add(testPatience))
	c.CloseWrite()
	if n, err := io.Copy(io.Discard, c); err != nil || n != int64(sent) {
		t.Errorf("%d of %d bytes came back, %v", n, sent, err)
	}
}

func TestABuggyStepEndsItsConnectionOnly(t *testing.T) {
	port := freePort(t)
	s := start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: ok}]", port), nil)
	victim, other := newClient(t, port), newClient(t, port)
	victim.get("/")
	other.get("/")
	done := make(chan bool)
	s.loop.mail.post(func(l *Loop) {
		for _, c := range l.conns.byFD {
			if c != nil && int(c.peer.Port()) == victim.LocalAddr().(*net.TCPAddr).Port {
				c.proto = panicking{}
			}
		}
		close(done)
	})
	<-done
	fmt.Fprint(victim, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	victim.closed()
	if res, _ := other.get("/"); res.StatusCode != 200 {
		t.Error("the other connection:", res.Status)
	}
	if n := strings.Count(s.log.String(), "because of a bug"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

type panicking struct{}

func (panicking) step([]byte, *output) (int, want) { panic("a bug") }
func (panicking) late(state, *output)              {}

func TestAccessLog(t *testing.T) {
	port := freePort(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "access.log")
	s := start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: ok}]\nlog: {access: %q}", port, path), nil)
	c := newClient(t, port)
	fmt.Fprint(c, "GET /a?b='c HTTP/1.1\r\nHost: x\r\nReferer: r\\\x80\r\nUser-Agent: test\r\n\r\n")
	c.read("GET")
	until(t, "the line", func() bool { b, _ := os.ReadFile(path); return bytes.HasSuffix(b, []byte("\n")) })
	line, _ := os.ReadFile(path)
	for _, part := range []string{"127.0.0.1 - - [", `] "GET /a?b='c HTTP/1.1" 200 2 "r\x5C\x80" "test"` + "\n"} {
		if !strings.Contains(string(line), part) {
			t.Errorf("%q is missing in %q", part, line)
		}
	}
	os.Rename(path, path+".1")
	s.loop.ReopenLog()
	until(t, "a new file", func() bool { _, err := os.Stat(path); return err == nil })
	if _, err := s.publish(fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: ok}]\nlog: {access: %q, format: json}", port, path+".json")); err != nil {
		t.Fatal(err)
	}
	c.get("/json")
	until(t, "a JSON line", func() bool {
		b, _ := os.ReadFile(path + ".json")
		return bytes.Contains(b, []byte(`"target":"/json","protocol":"HTTP/1.1","status":200,"bytes":2`))
	})
}

// What is logged of a request that is refused is of itself, and not of the one
// before it; of its head the first line; and of a body, nothing.
func TestLogOfTheRefused(t *testing.T) {
	const login = "POST /login HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, c := range []struct {
		name       string
		head, body string // the body is sent when the head has been answered with 100
		want       string
	}{
		{"no request", "\r\nnonsense\r\n\r\n", "", `"method":"","target":"","protocol":"","line":"nonsense","status":400,`},
		{"a bad field", "GET /a HTTP/1.0\r\nA : b\r\n\r\n", "", `"method":"","target":"","protocol":"","line":"GET /a HTTP/1.0","status":400,`},
		{"half a line", "GET /ha", "", `"method":"","target":"","protocol":"","line":"GET /ha","status":408,`},
		{"half a head", "GET /half HTTP/1.1\r\nHost: a", "", `"method":"","target":"","protocol":"","line":"GET /half HTTP/1.1","status":408,`},
		{"a bad chunk", login, "password=secret\r\n", `"method":"POST","target":"/login","protocol":"HTTP/1.1","status":400,`},
		{"a long body", login, "7fffffff\r\npassword=secret", `"method":"POST","target":"/login","protocol":"HTTP/1.1","status":413,`},
		{"half a body", login, "f\r\npassword=", `"method":"POST","target":"/login","protocol":"HTTP/1.1","status":408,`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			port, path := freePort(t), filepath.Join(t.TempDir(), "access.log")
			start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', routes: {/ok: {respond: ok}, /login: {echo: true}}}]\n"+
				"log: {access: %q, format: json}\ntimeouts: {head: 50ms, send: 50ms}", port, path), nil)
			newClient(t, port).get("/ok")
			bad := newClient(t, port)
			fmt.Fprint(bad, c.head)
			if c.body != "" {
				bad.read("POST")
				fmt.Fprint(bad, c.body)
			}
			_, told := bad.read("GET")
			var line string
			until(t, "two lines", func() bool {
				b, _ := os.ReadFile(path)
				_, line, _ = strings.Cut(string(b), "\n")
				return strings.HasSuffix(line, "}\n")
			})
			if want := fmt.Sprintf(`%s"bytes":%d,"route":"",`, c.want, len(told)); !strings.Contains(line, want) || strings.Contains(line, "secret") {
				t.Errorf("logged %s\nwant   %s", line, want)
			}
		})
	}
}
