package loop

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"monopoll/loop/sys"
	"monopoll/routes/config"
)

// A FIFO as the access log holds nobody: not the reload that names it before it
// is read, nor the clients when its reader stops reading or leaves.
func TestLogIntoFIFO(t *testing.T) {
	port := freePort(t)
	text := fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: ok}]\n", port)
	s := start(t, text, nil)
	path := filepath.Join(s.dir, "access.fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	logged := text + "log: {access: access.fifo}\n"
	if _, err := s.publish(logged); !errors.Is(err, sys.ErrNoReader) || !strings.Contains(err.Error(), path) {
		t.Fatalf("a FIFO that nobody reads: %v", err)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := s.publish(logged); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, port)
	c.get("/first")
	if line, err := bufio.NewReader(reader).ReadString('\n'); err != nil || !strings.Contains(line, "GET /first ") {
		t.Errorf("it reads %q, %v", line, err)
	}
	// Now it reads no more.
	dropped := func() bool {
		stats, _ := s.loop.Stats()
		return stats.Dropped > 0
	}
	long := "/" + strings.Repeat("x", 4000)
	until(t, "a line to be dropped", func() bool { c.get(long); return dropped() })
	reader.Close()
	until(t, "the reader to be missed", func() bool {
		c.get(long)
		return strings.Contains(s.log.String(), "the access log cannot be written")
	})
	c.get("/last")
}

// A format that a reload changes is that of whole lines, also where the last line
// in the other is of the same second.
func TestLogFormatChangesWithItsTime(t *testing.T) {
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.end()
	line := func(json bool) string {
		cfg, err := config.RespondText("hello", 200, "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		cfg.Log.JSON = json
		l.configure(cfg)
		l.access.buf = l.access.buf[:0]
		l.access.add(&entry{peer: new(sys.Peer), now: 1_700_000_000}, 0)
		return string(l.access.buf)
	}
	for _, json := range []bool{false, true, false} {
		if got := line(json); strings.Contains(got, "/Nov/2023:") == json || strings.Contains(got, `"time":"2023-11-1`) != json {
			t.Errorf("json %v: %s", json, got)
		}
	}
}

// A rotation waits for no request: the new file is there, or the error is told,
// also while nobody asks for anything.
func TestLogIsReopenedWhileIdle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	s := start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: ok}]\nlog: {access: %q}", freePort(t), path), nil)
	moveAway := func() {
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
	}
	moveAway()
	s.loop.ReopenLog()
	until(t, "a new file", func() bool { _, err := os.Stat(path); return err == nil })
	moveAway()
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	s.loop.ReopenLog()
	until(t, "the error", func() bool {
		return strings.Contains(s.log.String(), "the access log stays with the file that is open")
	})
}
