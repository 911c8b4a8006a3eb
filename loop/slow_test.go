package loop

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"monopoll/loop/sys"
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

// patient is a kernel that notes how often the loop has asked how far a client
// is: as it begins to wait for it, and each time that its time is over.
type patient struct {
	sys.Linux
	asked atomic.Int64
}

func (k *patient) Unacked(fd int) (int, sys.Errno) {
	k.asked.Add(1)
	return k.Linux.Unacked(fd)
}

// One that is slow, and yet worth waiting for, gets everything, although its time
// was over three times.
func TestAClientThatIsSlowEnoughIsServed(t *testing.T) {
	port, k := freePort(t), new(patient)
	body := strings.Repeat("b", 8<<20)
	startOn(t, k, fmt.Sprintf(slowConfig, port), map[string]string{"www/big.bin": body})
	c := newClient(t, port)
	fmt.Fprint(c, "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for ; k.asked.Load() < 4; time.Sleep(100 * time.Millisecond) {
		n, err := io.CopyN(io.Discard, res.Body, 20_000)
		if got += int(n); err != nil {
			t.Fatalf("it was left after %d bytes: %v", got, err)
		}
	}
	if n, err := io.Copy(io.Discard, res.Body); err != nil || n == 0 || got+int(n) != len(body) {
		t.Errorf("%d bytes more after %d, %v", n, got, err)
	}
}
