package loop

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Lines that a full disk costs are counted, and told of at the first of them and at
// the end, whatever comes between.
func TestLogIntoFullDisk(t *testing.T) {
	var said lockedBuffer
	var lost atomic.Int64
	s, err := openSink("/dev/full", slog.New(slog.NewTextHandler(&said, nil)), &lost)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		s.full <- []byte("one\ntwo\n")
	}
	s.close()
	if lost.Load() != 20 {
		t.Errorf("%d lines are lost", lost.Load())
	}
	for _, want := range []string{"cannot be written", "lines_lost=2\n", "ends", "lines_lost=20\n"} {
		if strings.Count(said.String(), want) != 1 {
			t.Errorf("not once %q in\n%s", want, said.String())
		}
	}
}

// The server's own counts have what the writer could not write.
func TestLostLinesAreCounted(t *testing.T) {
	port := freePort(t)
	s := start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: ok}]\nlog: {access: /dev/full}", port), nil)
	c := newClient(t, port)
	c.get("/")
	until(t, "a line to be counted", func() bool { stats, _ := s.loop.Stats(); return stats.Dropped == 1 })
}

// Where a write ends within a line, that line is ended: the next one is whole. The
// reader of a full FIFO leaves in the middle of one, and another comes.
func TestHalfLineIsEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	read := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := read()
	fd := int(first.Fd())
	holds := func() int {
		n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var said lockedBuffer
	var lost atomic.Int64
	s, err := openSink(path, slog.New(slog.NewTextHandler(&said, nil)), &lost)
	if err != nil {
		t.Fatal(err)
	}
	const line = "a line of nineteen\n"
	size, err := unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		t.Fatal(err)
	}
	lines := size/len(line) + 100
	s.full <- bytes.Repeat([]byte(line), lines)
	until(t, "the FIFO to be full", func() bool { return holds() == size })
	first.Close()
	until(t, "the loss", func() bool { return lost.Load() > 0 })
	second := read()
	defer second.Close()
	rest := make([]byte, size)
	if !readFull(second, rest) || size%len(line) == 0 {
		t.Fatal("what the FIFO held is gone, or ends with a line")
	}
	s.full <- []byte("whole\n")
	s.full <- []byte("and this\n")
	s.close()
	after := make([]byte, 100)
	n, _ := second.Read(after)
	if got := string(after[:n]); got != "\nwhole\nand this\n" {
		t.Errorf("behind half a line follows %q", got)
	}
	if want := int64(lines - size/len(line)); lost.Load() != want {
		t.Errorf("%d lines are lost, not %d", lost.Load(), want)
	}
	if !strings.Contains(said.String(), "is written again") {
		t.Errorf("it says\n%s", said.String())
	}
}

// What is said of a log that cannot be written, time by time.
func TestWhatIsSaidOfAnOutage(t *testing.T) {
	begin := time.Now()
	for _, c := range []struct {
		name  string
		steps string // f: fails with one line lost, w: works, m: a minute passes, e: the log ends
		want  string // f3: it fails, three lines are lost; w: it works; e: it ends
	}{
		{"nothing", "wwwe", ""},
		{"once", "wfwwe", "f1 w1"},
		{"a minute", "fffmffwwe", "f1 f4 w5"},
		{"to the end", "ffe", "f1 e2"},
		{"by turns", "fwfwfwfwmfwe", "f1 w1 f4 w4"},
		{"by turns, and then it works", "fwfwfwwmwwe", "f1 w1 w2"},
		{"by turns to the end", "fwfwe", "f1 w1 e1"},
		{"an outage that is told of late has had its turn", "fwfwmwfwe", "f1 w1 w1 e1"},
	} {
		var said bytes.Buffer
		o := outage{log: slog.New(slog.NewTextHandler(&said, nil))}
		now := begin
		for _, step := range c.steps {
			switch step {
			case 'f':
				o.fails(syscall.ENOSPC, 1, now)
			case 'w':
				o.works(now)
			case 'm':
				now = now.Add(complainSeldom)
			case 'e':
				o.ends()
			}
		}
		var got []string
		for line := range strings.Lines(said.String()) {
			_, n, _ := strings.Cut(strings.TrimSpace(line), "lines_lost=")
			switch {
			case strings.Contains(line, "cannot"):
				got = append(got, "f"+n)
			case strings.Contains(line, "again"):
				got = append(got, "w"+n)
			default:
				got = append(got, "e"+n)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s says %v, not %s", c.name, c.steps, got, c.want)
		}
	}
}
