package main

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"monopoll/loop"
)

// Whoever is told to end while it starts ends at once, however long the start
// takes, and leaves nothing behind.
func TestStoppedBeforeReady(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		a := freeAddress(t)
		dir := folder(t, map[string]string{
			"config.yaml": "listeners: [{listen: ['" + a + "', 'unix:run.sock'], root: www}]\nlog: {access: off}", "www/in/": ""})
		h := mountHanging(t, filepath.Join(dir, "www/in"), true)
		s := begin(t, command(dir, "run"))
		exists := func(name string) bool {
			_, err := os.Lstat(filepath.Join(dir, name))
			return err == nil
		}
		s.until("its unix socket", func() bool { return exists("run.sock") })
		s.signal(sig)
		s.says("stopped before it was ready")
		s.until("no unix socket", func() bool { return !exists("run.sock") })
		h.hung.Store(false) // the kernel lets no process go that waits for FUSE
		s.exits(exitFine)
		if strings.Contains(s.err.String(), ready) || exists(".monopoll.sock") {
			t.Errorf("it went on with its start:\n%s", s.err.String())
		}
		free, err := net.Listen("tcp", a)
		must(t, err)
		free.Close()
	}
}

// A server that cannot end, as its goroutine waits for a disk, does not keep the
// process.
func TestServerThatCannotEnd(t *testing.T) {
	server, err := loop.New(loop.Options{})
	must(t, err)
	failed := errors.New("failed")
	p := &process{server: server, ended: make(chan error)}
	if err := p.giveUp(failed); err != failed {
		t.Error(err)
	}
	go server.Run() // which has been told to stop
}

func TestUnlessStopped(t *testing.T) {
	never := make(chan error)
	block := func() error { return <-never }
	failed := errors.New("failed")
	for _, c := range []struct {
		name  string
		told  time.Duration // to end, that long before; 0: never
		sent  []os.Signal
		grace time.Duration
		do    func() error
		err   error
		left  []os.Signal // for whoever supervises
	}{
		{"nothing is sent", 0, nil, 0, func() error { return failed }, failed, nil},
		{"one is enough", 0, []os.Signal{syscall.SIGTERM}, 0, block, errStopped, nil},
		{"one that comes with the first says no more", -time.Hour, []os.Signal{syscall.SIGTERM}, 0, nil, nil, nil},
		{"a second cuts the grace short", time.Hour, []os.Signal{syscall.SIGTERM}, patience, block, errStopped, nil},
		{"the end cuts the grace short", 0, []os.Signal{syscall.SIGINT}, patience, nil, errStopped, nil},
		{"others come again", 0, []os.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGHUP}, 0, nil, nil, []os.Signal{syscall.SIGHUP, syscall.SIGUSR1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &process{log: slog.New(slog.DiscardHandler), signals: make(chan os.Signal, 8)}
			if c.told != 0 { // one that is to come seems to be of the same moment, however slow we are
				p.asked = time.Now().Add(-c.told)
			}
			for _, s := range c.sent {
				p.signal(s)
			}
			do := c.do
			if do == nil {
				do = func() error { // until all have been looked at
					for len(p.signals) > 0 {
						time.Sleep(time.Millisecond)
					}
					return nil
				}
			}
			if err := p.unlessStopped(c.grace, do, func() {}); !errors.Is(err, c.err) {
				t.Errorf("%v, want %v", err, c.err)
			}
			var left []os.Signal
			for len(p.signals) > 0 {
				left = append(left, <-p.signals)
			}
			if !slices.Equal(left, c.left) {
				t.Errorf("left are %v, want %v", left, c.left)
			}
		})
	}
}
