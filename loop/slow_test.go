package loop

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"
)

const slowConfig = `
listeners: [{listen: '127.0.0.1:%d', routes: {/: {root: www}, /echo: {echo: true}}}]
timeouts: {head: 1s, send: 1s, idle: 60s}
`

// Each of these clients wants to hold its connection for ever. The server ends
// them all; what they are told is in says.
func TestClientsThatAreTooSlowAreLeft(t *testing.T) {
	port := freePort(t)
	s := start(t, fmt.Sprintf(slowConfig, port), map[string]string{"www/big.bin": strings.Repeat("b", 32<<20)})
	for _, c := range []struct{ name, first, drip, says string }{
		{"head", "GET / HTTP/1.1\r\nHost: x\r\n", "X: y\r\n", "408"},
		{"body", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", "z", "408"},
		{"chunks", "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nz\r\n", "408"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, port)
			fmt.Fprint(conn, c.first)
			go func() {
				for _, err := io.WriteString(conn, c.drip); err == nil; _, err = io.WriteString(conn, c.drip) {
					time.Sleep(50 * time.Millisecond)
				}
			}()
			text, err := io.ReadAll(conn)
			if !strings.Contains(string(text), " "+c.says+" ") {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	t.Run("read", func(t *testing.T) {
		t.Parallel()
		conn := dial(t, port)
		conn.SetReadBuffer(4096)
		fmt.Fprint(conn, "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
		n := 0
		for b := make([]byte, 1); ; time.Sleep(20 * time.Millisecond) {
			if _, err := conn.Read(b); err != nil {
				break
			}
			if n++; s.open() == 0 {
				break
			}
		}
		if n >= 32<<20 {
			t.Error("a byte at a time, the whole file was sent")
		}
		// The kernel keeps nothing for it.
		if _, err := io.Copy(io.Discard, conn); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("it ends with %v, not with a reset", err)
		}
	})
}

// One that is slow, and yet worth waiting for, gets everything.
func TestAClientThatIsSlowEnoughIsServed(t *testing.T) {
	port := freePort(t)
	body := strings.Repeat("b", 8<<20)
	start(t, fmt.Sprintf(slowConfig, port), map[string]string{"www/big.bin": body})
	c := newClient(t, port)
	fmt.Fprint(c, "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
	c.r.Peek(1)
	for end := time.Now().Add(3500 * time.Millisecond); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		io.CopyN(io.Discard, c.r, 20_000)
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(c.r, int64(len(body))-35*20_000-4096)); err != nil || n == 0 {
		t.Errorf("%d bytes more, %v", n, err)
	}
}
