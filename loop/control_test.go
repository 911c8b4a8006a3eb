package loop

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"monopoll/loop/sys"
)

// movedClock is the kernel with a clock that stands until a test moves it.
type movedClock struct {
	sys.Linux
	by atomic.Int64
}

func (k *movedClock) Now() (mono, wall int64) {
	now := int64(time.Hour) + k.by.Load()
	return now, now
}

// Connections to the control socket take no client's place. Those that rest are
// bounded by themselves: the oldest go, and every command is answered.
func TestControlConnectionsAreNoClients(t *testing.T) {
	kernel, port := new(movedClock), freePort(t)
	answer := func(command string, reply func([]byte)) { reply([]byte("did " + command)) }
	s := startWith(t, Options{Kernel: kernel, Control: answer},
		fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: ok}]\nlimits: {connections: 2}\ncontrol: control.sock", port), nil)
	connect := func() *net.UnixConn {
		c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(s.dir, "control.sock"), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(testPatience))
		return c
	}
	command := func(c net.Conn, what string) {
		t.Helper()
		fmt.Fprintln(c, what)
		if text, err := io.ReadAll(c); string(text) != "did "+what {
			t.Errorf("%s: %q, %v", what, text, err)
		}
		c.Close()
	}
	const more = 4
	var idle []*net.UnixConn
	for range controlPlaces + more {
		idle = append(idle, connect())
	}
	until(t, "them to be connected", func() bool { return s.open() == len(idle) }) // more than there are places, since all are new
	first, second := newClient(t, port), newClient(t, port)
	for _, c := range []*client{first, second, first, second} {
		if res, _ := c.get("/"); res.StatusCode != 200 {
			t.Errorf("beside idle connections to the control socket: %s", res.Status)
		}
	}
	kernel.by.Add(int64(arrivalTime))
	command(connect(), "one more")
	for i, c := range idle[:more+1] {
		if text, err := io.ReadAll(c); len(text) > 0 || err != nil {
			t.Errorf("the connection %d that rested longest: %q, %v", i, text, err)
		}
	}
	for i, c := range idle[more+1:] {
		command(c, fmt.Sprint("old ", i))
	}
	first.get("/")
}
