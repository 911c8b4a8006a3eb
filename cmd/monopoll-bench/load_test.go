package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// serve answers every connection with a function until the test ends, and gives
// the port.
func serve(t *testing.T, answer func(net.Conn)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); answer(c) }()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// until reads n requests without content.
func until(r *bufio.Reader, n int) error {
	for range n {
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return err
			}
			if line == "\r\n" {
				break
			}
		}
	}
	return nil
}

func testOrder(port int, a ask) *order {
	return &order{Port: port, PID: os.Getpid(), Conns: 8, Warm: 0.02, Secs: 0.2, Patience: 5, Asks: []ask{a}}
}

// known is a server that counts its requests, and those that are the last of a
// connection.
func known(t *testing.T) (port int, requests, closes *atomic.Int64) {
	requests, closes = new(atomic.Int64), new(atomic.Int64)
	large := strings.Repeat("x", 700_000) // more than is read at once
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Close {
			closes.Add(1)
		}
		switch {
		case r.URL.Path == "/nope":
			http.NotFound(w, r)
		case r.Header.Get("If-None-Match") != "":
			w.WriteHeader(304)
		case r.URL.Path == "/large":
			w.Header().Set("Content-Length", "700000")
			io.WriteString(w, large)
		default:
			io.WriteString(w, "hello")
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().(*net.TCPAddr).Port, requests, closes
}

// TestLoad: each mode against a server that is known to be right.
func TestLoad(t *testing.T) {
	for _, c := range []struct {
		name   string
		ask    ask
		change func(*order)
	}{
		{"keep-alive", ask{Path: "/", Status: 200, Length: 5}, func(*order) {}},
		{"large", ask{Path: "/large", Status: 200, Length: 700_000}, func(*order) {}},
		{"pipelined", ask{Path: "/", Status: 200, Length: 5}, func(o *order) { o.Batch = 16 }},
		{"close", ask{Path: "/", Fields: "Connection: close\r\n", Status: 200, Length: 5}, func(o *order) { o.Close = true }},
		{"304", ask{Path: "/", Fields: "If-None-Match: \"x\"\r\n", Status: 304, Length: -1}, func(*order) {}},
		{"404", ask{Path: "/nope", Status: 404, Length: -1}, func(*order) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			port, requests, closes := known(t)
			o := testOrder(port, c.ask)
			c.change(o)
			f, err := measure(o)
			if err != nil {
				t.Fatal(err)
			}
			if f.Answers == 0 || f.Bad != 0 || f.Lost != 0 || f.Reopened != 0 || f.Problem != "" {
				t.Errorf("%+v", f)
			}
			if f.Rate <= 0 || f.P50 <= 0 || f.P99 < f.P50 || f.Bytes <= 0 || f.PSS <= 0 {
				t.Errorf("a figure is missing: %+v", f)
			}
			if requests.Load() < f.Answers || (closes.Load() > 0) != o.Close {
				t.Errorf("%d answers to %d requests, %d of them the last", f.Answers, requests.Load(), closes.Load())
			}
		})
	}
}

// TestLoadTells: what a server does wrong is counted and said.
func TestLoadTells(t *testing.T) {
	right := ask{Path: "/", Status: 200, Length: 2}
	one := func(c net.Conn) error { return until(bufio.NewReader(c), 1) }
	t.Run("wrong answers", func(t *testing.T) {
		port := serve(t, func(c net.Conn) {
			for r := bufio.NewReader(c); until(r, 1) == nil; {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
			}
		})
		f, err := measure(testOrder(port, right))
		if err != nil || f.Bad != f.Answers || f.Problem != "an answer says that it has 3 bytes, not 2" {
			t.Errorf("%+v, %v", f, err)
		}
	})
	t.Run("a server that closes", func(t *testing.T) {
		port := serve(t, func(c net.Conn) {
			one(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
			if n, _ := c.Read(make([]byte, 1)); n > 0 {
				t.Error("a request came after the last answer")
			}
		})
		f, err := measure(testOrder(port, right))
		if err != nil || f.Reopened == 0 || f.Lost+f.Bad != 0 {
			t.Errorf("%+v, %v", f, err)
		}
	})
	t.Run("content until the end", func(t *testing.T) {
		port := serve(t, func(c net.Conn) {
			one(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nok")
		})
		f, err := measure(testOrder(port, ask{Path: "/", Status: 200, Length: -1}))
		if err != nil || f.Answers == 0 || f.Lost+f.Bad != 0 {
			t.Errorf("%+v, %v", f, err)
		}
	})
	t.Run("half an answer", func(t *testing.T) {
		port := serve(t, func(c net.Conn) {
			one(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
		})
		o := testOrder(port, right)
		o.Secs = 60 // it ends before
		_, err := measure(o)
		if !errors.Is(err, errLost) {
			t.Errorf("%v", err)
		}
	})
	t.Run("no HTTP", func(t *testing.T) {
		port := serve(t, func(c net.Conn) { io.WriteString(c, "220 mail\r\n\r\n"); one(c) })
		if _, err := measure(testOrder(port, right)); !errors.Is(err, errHead) {
			t.Errorf("%v", err)
		}
	})
	t.Run("silence", func(t *testing.T) {
		port := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
		o := testOrder(port, right)
		o.Patience = 0
		if _, err := measure(o); err == nil || err.Error() != "not one answer came" {
			t.Errorf("%v", err)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := measure(testOrder(port, right)); err == nil || !strings.Contains(err.Error(), "connect: connection refused") {
			t.Errorf("%v", err)
		}
	})
}

// TestLoadAllocatesNothing: the collector would take its time from the client.
func TestLoadAllocatesNothing(t *testing.T) {
	port := serve(t, func(c net.Conn) {
		r, answer := bufio.NewReader(c), []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		for {
			for range len("GET / HTTP/1.1") { // any allocation here would be counted too
				if _, err := r.ReadByte(); err != nil {
					return
				}
			}
			for last := byte(0); ; {
				b, err := r.ReadByte()
				if err != nil {
					return
				}
				if b == '\n' && last == '\n' {
					break
				}
				if b != '\r' {
					last = b
				}
			}
			c.Write(answer)
		}
	})
	l, err := newLoad(testOrder(port, ask{Path: "/", Status: 200, Length: 2}))
	if err != nil {
		t.Fatal(err)
	}
	defer l.shut()
	if err := l.run(seconds(0.05), seconds(5)); err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(5, func() {
		if err := l.run(seconds(0.02), 0); err != nil {
			t.Fatal(err)
		}
	})
	if n > 0 || l.tally.answers == 0 {
		t.Errorf("%v allocations, %d answers", n, l.tally.answers)
	}
}
