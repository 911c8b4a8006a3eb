package loop

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
)

func refused(c *client) bool {
	text, _ := io.ReadAll(c.r)
	return strings.HasPrefix(string(text), "HTTP/1.1 503 ") && strings.Contains(string(text), "Connection: close")
}

// says holds how many lines of what the server says have all of these.
func (s *server) says(times int, parts ...string) {
	s.t.Helper()
	n := 0
	for line := range strings.Lines(s.log.String()) {
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
			n++
		}
	}
	if n != times {
		s.t.Errorf("%q is said %d times, not %d:\n%s", parts, n, times, s.log)
	}
}

// When all places are taken, the connection that has been idle longest goes.
func TestTheLongestIdleMakesRoom(t *testing.T) {
	port := freePort(t)
	s := start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: ok}]\nlimits: {connections: 3}", port), nil)
	var clients []*client
	for range 3 {
		c := newClient(t, port)
		c.get("/")
		clients = append(clients, c)
	}
	fresh := newClient(t, port)
	if res, _ := fresh.get("/"); res.StatusCode != 200 {
		t.Error("the fourth:", res.Status)
	}
	clients[0].closed()
	if res, _ := clients[1].get("/"); res.StatusCode != 200 {
		t.Error("the second:", res.Status)
	}
	s.says(1, "limits.connections allows")
}

// A connection whose first request may be on its way does not make room: one
// that was answered already does, though it has been idle for less.
func TestTheNewestDoNotMakeRoom(t *testing.T) {
	port := freePort(t)
	s := startOn(t, new(movedClock), fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: ok}]\nlimits: {connections: 2}", port), nil)
	fresh := newClient(t, port)
	until(t, "the first", func() bool { return s.open() == 1 })
	kept := newClient(t, port)
	kept.get("/")
	third := newClient(t, port)
	kept.closed()
	if fourth := newClient(t, port); !refused(fourth) {
		t.Error("a fourth is served, where nobody is idle")
	}
	for _, c := range []*client{fresh, third} {
		if res, _ := c.get("/"); res.StatusCode != 200 {
			t.Error(res.Status)
		}
	}
}

// When nobody is idle, the new one is told to come back.
func TestNoRoomWhereNobodyIsIdle(t *testing.T) {
	port := freePort(t)
	s := start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: ok}]\nlimits: {connections: 2}", port), nil)
	var clients []*client
	for range 2 {
		c := newClient(t, port)
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT") // half a request more: not idle
		c.read("GET")
		clients = append(clients, c)
	}
	until(t, "a refusal", func() bool {
		c := newClient(t, port)
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		return refused(c)
	})
	s.says(1, "limit=2", "limits.connections allows", "raise limits.connections")
	s.says(0, "limits.per_address")
	clients[0].Close()
	until(t, "a place", func() bool {
		c := newClient(t, port)
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		text, _ := io.ReadAll(c.r)
		return strings.HasPrefix(string(text), "HTTP/1.1 200 ")
	})
}

// With limits.full, who finds no place is told nothing: no byte, and an end.
func TestFullMayCloseAtOnce(t *testing.T) {
	port := freePort(t)
	text := "listeners: [{listen: '127.0.0.1:%d', respond: ok}]\nlimits: {per_address: 1, full: %s}"
	s := start(t, fmt.Sprintf(text, port, "close"), nil)
	first := newClient(t, port)
	first.get("/")
	second := newClient(t, port)
	fmt.Fprint(second, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if text, _ := io.ReadAll(second.r); len(text) > 0 { // an end or a reset: its request was not read
		t.Errorf("it is told %q", text)
	}
	if stats, _ := s.loop.Stats(); stats.Refused != 1 {
		t.Errorf("%d are refused", stats.Refused)
	}
	if _, err := s.publish(fmt.Sprintf(text, port, "respond")); err != nil {
		t.Fatal(err)
	}
	third := newClient(t, port)
	fmt.Fprint(third, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if !refused(third) {
		t.Error("after the reload it is not told 503")
	}
	first.get("/")
}

func TestLimitPerAddress(t *testing.T) {
	port := freePort(t)
	text := "listeners: [{listen: '127.0.0.1:%d', respond: ok}]\nlimits: {per_address: %d}"
	s := start(t, fmt.Sprintf(text, port, 2), nil)
	first, second := newClient(t, port), newClient(t, port)
	first.get("/")
	second.get("/")
	if third := newClient(t, port); !refused(third) {
		t.Error("a third connection of one address is served")
	}
	if fourth := newClient(t, port); !refused(fourth) {
		t.Error("a fourth connection of one address is served")
	}
	s.says(1, "limit=2", "address=127.0.0.1", "limits.per_address allows", "raise limits.per_address")
	s.says(0, "limits.connections")
	other, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}).Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	fmt.Fprint(other, "GET / HTTP/1.0\r\n\r\n")
	if text, _ := io.ReadAll(other); !strings.Contains(string(text), " 200 ") {
		t.Errorf("another address: %q", text)
	}
	second.Close()
	until(t, "the place of the second", func() bool { return s.open() == 1 })
	newClient(t, port).get("/")
	if _, err := s.publish(fmt.Sprintf(text, port, 0)); err != nil {
		t.Fatal(err)
	}
	newClient(t, port).get("/")
	if _, err := s.publish(fmt.Sprintf(text, port, 3)); err != nil {
		t.Fatal(err)
	}
	if fifth := newClient(t, port); !refused(fifth) {
		t.Error("connections from before the limit do not count")
	}
}
