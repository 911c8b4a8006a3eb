package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A log that cannot be written is said once, as is that it can again, and costs
// nobody an answer.
func TestLogDiskIsFull(t *testing.T) {
	t.Parallel()
	const complaint = "the access log cannot be written"
	t.Run("from the start", func(t *testing.T) {
		t.Parallel()
		a := freeAddress(t)
		dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + "', respond: ok}]\nlog: {access: /dev/full}"})
		s := run(t, dir)
		s.until("the log to fail", func() bool { fetch(a, "/"); return strings.Contains(s.err.String(), complaint) })
		c := connect(t, a)
		for range 1000 {
			if _, body := c.get("/"); body != "ok" {
				t.Fatalf("%q", body)
			}
		}
		s.stop()
		if said := s.err.String(); strings.Count(said, complaint) != 1 || !strings.Contains(said, "no space left on device") {
			t.Errorf("it says:\n%s", said)
		}
	})
	t.Run("and what it says of itself", func(t *testing.T) {
		t.Parallel()
		a := freeAddress(t)
		dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + "', respond: one}]"})
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		must(t, err)
		defer full.Close()
		cmd := command(dir, "run")
		cmd.Stdout, cmd.Stderr = full, full
		s := begin(t, cmd)
		s.serves(a, "/", "one")
		replace(t, filepath.Join(dir, "config.yaml"), "listeners: [{listen: '"+a+"', respond: two}]")
		s.serves(a, "/", "two")
		s.stop()
	})
	t.Run("and has room again", func(t *testing.T) {
		t.Parallel()
		a := freeAddress(t)
		dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + "', respond: ok}]\nlog: {access: log/access.log}", "log/": ""})
		log := filepath.Join(dir, "log")
		if err := syscall.Mount("tmpfs", log, "tmpfs", 0, "size=64k"); err != nil {
			t.Skip("a small filesystem cannot be mounted here: ", err)
		}
		t.Cleanup(func() { syscall.Unmount(log, syscall.MNT_DETACH) })
		ballast := filepath.Join(log, "ballast")
		must(t, os.WriteFile(ballast, make([]byte, 48<<10), 0o644))
		s := run(t, dir)
		c := connect(t, a)
		s.until("the log to fail", func() bool { c.get("/before"); return strings.Contains(s.err.String(), complaint) })
		must(t, os.Remove(ballast))
		s.until("a line in the log", func() bool {
			c.get("/after")
			text, _ := os.ReadFile(filepath.Join(log, "access.log"))
			return bytes.Contains(text, []byte("GET /after "))
		})
		s.until("that it works to be said", func() bool {
			c.get("/after")
			return strings.Contains(s.err.String(), "the access log is written again")
		})
		s.stop()
		text, err := os.ReadFile(filepath.Join(log, "access.log"))
		must(t, err)
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "GET /after ") && !strings.HasPrefix(line, "127.0.0.1 ") {
				t.Errorf("half a line is glued to the next: %q", line)
			}
		}
	})
}

// Five hundred SIGHUP come as fast as they can be sent, and requests between
// them: each is answered on its old connection, and nothing is left of the
// storm but the newest config. SIGPIPE and SIGTTIN mean nothing.
func TestHangupStorm(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	config := func(text string) string {
		return "listeners: [{listen: '" + a + "', respond: '" + text + "'}]\nlog: {access: off}"
	}
	dir := folder(t, map[string]string{"config.yaml": config("version 0")})
	s := launch(t, probed(t, command(dir, "run")))
	c := connect(t, a)
	c.get("/")
	before := s.probe().Goroutines
	for n := range 500 {
		if n%50 == 0 {
			replace(t, filepath.Join(dir, "config.yaml"), config(fmt.Sprint("version ", n)))
		}
		s.signal(syscall.SIGHUP)
		s.signal([]os.Signal{syscall.SIGPIPE, syscall.SIGTTIN}[n%2])
		if _, body := c.get("/"); !strings.HasPrefix(body, "version ") {
			t.Fatalf("%q", body)
		}
	}
	s.until("the last config", func() bool { _, body := c.get("/"); return body == "version 450" })
	s.until("the storm's goroutines to end", func() bool { return s.probe().Goroutines <= before })
	s.stop()
}

// GOMEMLIMIT below what the program itself needs makes it collect garbage more
// often; it serves all the same, from memory and from the disk.
func TestTinyMemoryLimit(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	big := strings.Repeat("0123456789abcdef", 2<<20/16)
	dir := folder(t, map[string]string{
		"config.yaml": "listeners: [{listen: '" + a + "', root: www}]\nlog: {access: off}\nlimits: {memory: 0}",
		"www/a.txt":   "small", "www/big.bin": big,
	})
	cmd := command(dir, "run")
	cmd.Env = append(cmd.Env, "GOMEMLIMIT=1MiB")
	s := launch(t, cmd)
	for range 20 {
		c := connect(t, a)
		if _, body := c.get("/a.txt"); body != "small" {
			t.Errorf("%q", body)
		}
		if _, body := c.get("/big.bin"); body != big {
			t.Errorf("%d bytes", len(body))
		}
	}
	replace(t, filepath.Join(dir, "www/a.txt"), "another")
	s.serves(a, "/a.txt", "another")
	s.stop()
}

// SIGTERM while 100 MB are on their way: they are sent to the last byte, and
// nobody new is let in meanwhile.
func TestDrainFinishesDownload(t *testing.T) {
	t.Parallel()
	const size = 100_000_000
	a := freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + "', root: www}]\nlog: {access: off}", "www/": ""})
	path := filepath.Join(dir, "www/big.bin")
	must(t, os.WriteFile(path, []byte("begin"), 0o644))
	must(t, os.Truncate(path, size))
	s := run(t, dir)
	c := downloads(t, a, "/big.bin", 1)[0]
	s.signal(syscall.SIGTERM)
	s.until("nobody to listen", func() bool { return !listens(a) })
	res, err := http.ReadResponse(c.r, nil)
	must(t, err)
	if n, err := io.Copy(io.Discard, res.Body); err != nil || n != size {
		t.Errorf("%d bytes, %v", n, err)
	}
	s.exits(exitFine)
}
