package main

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// knocking connects to an address without pause, asks once on each connection
// and keeps some connections to ask again. The answers must be among those of
// want; nothing may fail. It ends when the returned function is called, which
// gives how many were answered.
func knocking(t *testing.T, address string, want ...string) (stop func() int64) {
	t.Helper()
	var answered atomic.Int64
	var ending atomic.Bool
	var all sync.WaitGroup
	once := func(c *client) bool {
		c.ask("/")
		res, body, err := c.answer()
		if err != nil || !strings.Contains(" "+strings.Join(want, " ")+" ", " "+body+" ") {
			t.Errorf("%s after %d answers: %q, %v", address, answered.Load(), body, err)
			return false
		}
		answered.Add(1)
		return !res.Close
	}
	for range 4 {
		all.Go(func() {
			for !ending.Load() && !t.Failed() {
				conn, err := dial(address)
				if err != nil {
					t.Errorf("%s after %d answers: %v", address, answered.Load(), err)
					return
				}
				c := newClient(t, conn)
				for n := answered.Load() % 5; n >= 0 && once(c); n-- {
				}
				conn.Close()
			}
		})
	}
	stop = sync.OnceValue(func() int64 {
		ending.Store(true)
		all.Wait()
		return answered.Load()
	})
	t.Cleanup(func() { stop() })
	return stop
}

// onPort gives an address that nobody has, on all its hosts.
func onPort(t *testing.T) string {
	t.Helper()
	free, err := net.Listen("tcp", ":0")
	must(t, err)
	defer free.Close()
	_, port, _ := net.SplitHostPort(free.Addr().String())
	return port
}

// An address becomes a wildcard on its port, which takes it in: clients that
// connect to it meanwhile notice nothing, connections stay, and the other
// addresses of the machine are served too.
func TestAddressWidens(t *testing.T) {
	t.Parallel()
	for _, wide := range []string{"", "0.0.0.0:", "[::]:"} {
		port := onPort(t)
		narrow, other := "127.0.0.1:"+port, "127.0.0.2:"+port
		dir := folder(t, map[string]string{"config.yaml": respond(narrow, "narrow")})
		s := run(t, dir)
		kept := connect(t, narrow)
		kept.get("/")
		stop := knocking(t, narrow, "narrow", "wide", "last")
		replace(t, filepath.Join(dir, "config.yaml"), respond(wide+port, "wide"))
		s.serves(other, "/", "wide")
		if res, body := kept.get("/"); body != "wide" || res.Close {
			t.Errorf("a connection from before: %q, close %v", body, res.Close)
		}
		replace(t, filepath.Join(dir, "config.yaml"), respond(wide+port, "last"))
		s.serves(narrow, "/", "last")
		answered := stop()
		if _, body := kept.get("/"); body != "last" || fetch(other, "/") != "last" {
			t.Errorf("after another reload: %q, %q", body, fetch(other, "/"))
		}
		st := s.status()
		if len(st.Listeners) != 1 || st.Listeners[0].Requests <= answered || st.Listeners[0].Connections != 1 {
			t.Errorf("%d answers, and status counts %+v", answered, st.Listeners)
		}
		refusesJoining(t, other)
		s.stop()
	}
}

// refusesJoining says that a program that asks for an address finds it in use.
func refusesJoining(t *testing.T, address string) {
	t.Helper()
	if l, err := net.Listen("tcp", address); err == nil {
		t.Errorf("another program can listen on %s", address)
		l.Close()
	}
}

// A wildcard becomes one address of its port. Clients of that address notice
// nothing, those of others are refused after a while; connections from before
// get an answer more.
func TestAddressNarrows(t *testing.T) {
	t.Parallel()
	for _, wide := range []string{"", "0.0.0.0:", "[::]:"} {
		port := onPort(t)
		narrow, other := "127.0.0.1:"+port, "127.0.0.2:"+port
		dir := folder(t, map[string]string{"config.yaml": respond(wide+port, "wide")})
		s := run(t, dir)
		descriptors := s.descriptors()
		before := connect(t, narrow)
		before.get("/")
		stop := knocking(t, narrow, "wide", "narrow")
		replace(t, filepath.Join(dir, "config.yaml"), respond(narrow, "narrow"))
		s.serves(narrow, "/", "narrow")
		if res, body := before.get("/"); body != "wide" || !res.Close {
			t.Errorf("a connection of the former address: %q, close %v", body, res.Close)
		}
		if _, err := before.r.ReadByte(); err != io.EOF {
			t.Errorf("after Connection: close: %v", err)
		}
		s.until("the other address to be refused", func() bool { return !listens(other) })
		if stop() == 0 {
			t.Error("nobody knocked")
		}
		refusesJoining(t, narrow)
		if st := s.status(); len(st.Listeners) != 1 || st.Listeners[0].Address != narrow {
			t.Errorf("status has %+v", st.Listeners)
		}
		s.until("no descriptor to be left over", func() bool { return reflect.DeepEqual(descriptors, s.descriptors()) })
		s.stop()
	}
}

// The address goes to and fro faster than the former socket leaves.
func TestAddressBreathes(t *testing.T) {
	t.Parallel()
	port := onPort(t)
	narrow, other := "127.0.0.1:"+port, "127.0.0.2:"+port
	dir := folder(t, map[string]string{"config.yaml": respond(narrow, "0")})
	s := run(t, dir)
	descriptors := s.descriptors()
	var texts []string
	for n := range 21 {
		texts = append(texts, fmt.Sprint(n))
	}
	stop := knocking(t, narrow, texts...)
	for n := 1; n <= 20; n++ {
		address := []string{narrow, port, "0.0.0.0:" + port, "[::]:" + port}[n%4]
		replace(t, filepath.Join(dir, "config.yaml"), respond(address, texts[n]))
		if v := s.reload(); !v.OK {
			t.Fatalf("%s: %s", address, v.Text)
		}
		if got := fetch(narrow, "/"); got != texts[n] {
			t.Errorf("%s: %q instead of %s", address, got, texts[n])
		}
	}
	stop()
	s.until("the other address to be refused", func() bool { return !listens(other) })
	s.until("no descriptor to be left over", func() bool { return reflect.DeepEqual(descriptors, s.descriptors()) })
	s.stop()
}

// An address that another program has keeps a wildcard from being had, and
// nobody who comes meanwhile is lost.
func TestAddressCannotWiden(t *testing.T) {
	t.Parallel()
	port := onPort(t)
	narrow, other := "127.0.0.1:"+port, "127.0.0.2:"+port
	foreign, err := net.Listen("tcp", other)
	must(t, err)
	defer foreign.Close()
	dir := folder(t, map[string]string{"config.yaml": respond(narrow, "narrow")})
	s := run(t, dir)
	stop := knocking(t, narrow, "narrow", "wide")
	replace(t, filepath.Join(dir, "config.yaml"), respond(port, "wide"))
	s.says("cannot listen on :" + port)
	s.says("another program")
	s.says("still serving version 1")
	foreign.Close()
	s.serves(other, "/", "wide")
	stop()
	s.stop()
}
