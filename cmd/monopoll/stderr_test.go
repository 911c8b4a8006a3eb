package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stalled gives the two ends of a pipe that is full, and how much is in it.
func stalled(t *testing.T) (r, w *os.File, filled int) {
	t.Helper()
	var fds [2]int
	must(t, syscall.Pipe2(fds[:], syscall.O_CLOEXEC))
	must(t, syscall.SetNonblock(fds[1], true))
	for err := error(nil); err == nil; {
		var n int
		if n, err = syscall.Write(fds[1], make([]byte, 4096)); err != nil && !errors.Is(err, syscall.EAGAIN) {
			t.Fatal(err)
		}
		filled += max(n, 0)
	}
	must(t, syscall.SetNonblock(fds[1], false))
	r, w = os.NewFile(uintptr(fds[0]), "reader"), os.NewFile(uintptr(fds[1]), "writer")
	t.Cleanup(func() { r.Close() }) // lets go of whoever still writes
	return r, w, filled
}

// Nobody reads standard error, and nobody has closed it: the server serves, takes
// edits, answers its control socket and ends as asked.
func TestStalledStandardError(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	config := func(text string) string {
		return "listeners: [{listen: '" + a + "', respond: " + text + "}]\ntimeouts: {drain: 1s}\nlog: {access: off}"
	}
	for _, format := range []string{"text", "json"} {
		dir := folder(t, map[string]string{"config.yaml": config("one")})
		_, w, _ := stalled(t)
		cmd := command(dir, "run", "--debug", "--log-format", format)
		cmd.Stderr = w
		s := begin(t, cmd)
		w.Close()
		s.serves(a, "/", "one")
		replace(t, filepath.Join(dir, "config.yaml"), config("two"))
		s.serves(a, "/", "two")
		if out, errs, code := monopoll(t, dir, "reload"); code != exitFine {
			t.Errorf("reload: %d\n%s%s", code, out, errs)
		}
		s.signal(syscall.SIGHUP)
		s.stop()
	}
}

// One that is asked twice ends at once, with clients that are being answered.
func TestStalledTwice(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + "', root: www}]\ntimeouts: {drain: 1h}", "www/a": "a", "www/big.bin": ""})
	must(t, os.Truncate(filepath.Join(dir, "www/big.bin"), 100_000_000))
	_, w, _ := stalled(t)
	cmd := command(dir, "run")
	cmd.Stderr = w
	s := begin(t, cmd)
	w.Close()
	s.serves(a, "/a", "a")
	downloads(t, a, "/big.bin", 1)
	for over := time.Now().Add(patience); time.Now().Before(over); { // two that come together are one
		_ = s.cmd.Process.Signal(syscall.SIGTERM) // which may have ended by now
		select {
		case <-s.done:
			s.exits(exitFailed)
			return
		case <-time.After(2 * doubled):
		}
	}
	t.Error("it does not end")
}

// What is written is read in order, whole, and where it was too much, with one
// line that says how much is missing, in its place.
func TestSpool(t *testing.T) {
	r, w, filled := stalled(t)
	s := &spool{to: w}
	s.reports(func(lines int) { fmt.Fprintf(s, "%d are lost\n", lines) })
	line := func(n int) string { return fmt.Sprintf("%d %s\n", n, strings.Repeat("x", 100)) }
	const written = 3 * spoolMost / 100
	for n := range written {
		fmt.Fprint(s, line(n))
	}
	_, err := io.CopyN(io.Discard, r, int64(filled))
	must(t, err)
	var got strings.Builder
	read := make(chan error)
	go func() {
		_, err := io.Copy(&got, r)
		read <- err
	}()
	for !s.flush() {
	}
	fmt.Fprint(s, "the last\n")
	for !s.flush() {
	}
	w.Close()
	must(t, <-read)
	var want strings.Builder
	n := 0
	for ; want.Len()+len(line(n)) <= spoolMost; n++ {
		want.WriteString(line(n))
	}
	fmt.Fprintf(&want, "%d are lost\nthe last\n", written-n)
	if got.String() != want.String() {
		t.Errorf("read %d bytes, want %d; the end is\n%s", got.Len(), want.Len(), tail(got.String()))
	}
}
