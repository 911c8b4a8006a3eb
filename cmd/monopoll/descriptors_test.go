package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// launchIn starts monopoll run from a shell that has done something before, such
// as to lower a limit.
func launchIn(t testing.TB, dir, before string) *server {
	t.Helper()
	cmd := command(dir)
	cmd.Args = []string{"sh", "-c", before + ` && exec "$0" run`, cmd.Path}
	var err error
	if cmd.Path, err = exec.LookPath("sh"); err != nil {
		t.Fatal(err)
	}
	return launch(t, cmd)
}

// asleep says that no thread of the program runs, or wants to (proc_pid_stat(5)).
func (s *server) asleep() bool {
	s.t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.cmd.Process.Pid))
	must(s.t, err)
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if _, state, _ := strings.Cut(string(text), ") "); err == nil && !strings.HasPrefix(state, "S") {
			return false
		}
	}
	return len(threads) > 0
}

// A process that may open 64 descriptors meets clients that take them all.
func TestDescriptorsExhausted(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{
		"config.yaml": "listeners: [{listen: '" + a + "', root: www}]\nlog: {access: off}\ntimeouts: {head: 10m, idle: 10m}",
		"www/a.txt":   "small", "www/big.bin": strings.Repeat("0123456789abcdef", 2<<20/16),
	})
	s := launchIn(t, dir, "ulimit -n 64")
	before := s.descriptors()
	// Each is answered once, and has sent the beginning of a second request by
	// then, so that it is not idle.
	hold := func() (c *client, status int) {
		c = connect(t, a)
		fmt.Fprint(c, "GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\nGET ")
		res, _, err := c.answer()
		if err != nil {
			t.Fatal("neither served nor told: ", err)
		}
		if res.StatusCode == 503 && res.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		return c, res.StatusCode
	}
	var holders []*client
	for {
		c, status := hold()
		if status == 503 {
			break
		}
		if holders = append(holders, c); len(holders) > 64 {
			t.Fatal("more clients than descriptors, and none is told")
		}
	}
	good := holders[0]
	t.Run("it does not spin", func(t *testing.T) {
		seen := 0
		s.until("it to sleep, seen ten times in a row", func() bool {
			if seen++; !s.asleep() {
				seen = 0
			}
			return seen == 10
		})
	})
	t.Run("large files are as ever", func(t *testing.T) {
		fmt.Fprint(good, "/big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
		if res, body, err := good.answer(); err != nil || res.StatusCode != 200 || len(body) != 2<<20 {
			t.Errorf("%v, %v", res, err)
		}
	})
	t.Run("edits are as ever", func(t *testing.T) {
		replace(t, dir+"/www/new.txt", "new")
		s.until("the new file", func() bool { res, body := good.get("/new.txt"); return res.StatusCode == 200 && body == "new" })
	})
	t.Run("small files are as ever", func(t *testing.T) {
		if res, body := good.get("/a.txt"); res.StatusCode != 200 || body != "small" {
			t.Errorf("%s, %q", res.Status, body)
		}
	})
	if n := strings.Count(s.err.String(), "no file descriptor is left"); n != 1 {
		t.Errorf("it was said %d times", n)
	}
	// Who is idle now makes room for the next.
	next, status := hold()
	if status != 200 {
		t.Errorf("where one is idle, the next is told %d", status)
	}
	holders = append(holders, next)
	for _, c := range holders {
		c.Close()
	}
	s.until("all descriptors to be closed", func() bool { return s.descriptors()["socket"] == before["socket"] })
	s.serves(a, "/big.bin", strings.Repeat("0123456789abcdef", 2<<20/16))
	s.stop()
}

// Five hundred clients come at once to a server that can hold fifty: each is
// served in the end, and told so until then.
func TestMoreClientsThanDescriptors(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + "', respond: ok}]\nlog: {access: off}"})
	s := launchIn(t, dir, "ulimit -n 64")
	results := make(chan error, 500)
	for range cap(results) {
		go func() { results <- servedInTheEnd(a) }()
	}
	for range cap(results) {
		if err := <-results; err != nil {
			t.Fatal(err)
		}
	}
	s.stop()
}

// servedInTheEnd asks until it is answered with 200, and holds the connection
// for a moment. Anything but that and 503 is an error.
func servedInTheEnd(address string) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		c, err := dial(address)
		if err != nil {
			return err
		}
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		text := make([]byte, len("HTTP/1.1 200"))
		_, err = io.ReadFull(c, text)
		time.Sleep(20 * time.Millisecond)
		c.Close()
		switch {
		case err != nil:
			return fmt.Errorf("neither served nor told: %w", err)
		case string(text) == "HTTP/1.1 200":
			return nil
		case string(text) != "HTTP/1.1 503":
			return fmt.Errorf("it was told %s", text)
		}
	}
	return fmt.Errorf("%s: never served", http.StatusText(http.StatusServiceUnavailable))
}

// Where listeners take nearly all descriptors, there is a place for a client still.
func TestMoreListenersThanDescriptors(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	listen := "'" + a + "'"
	for i := range 50 {
		listen += fmt.Sprintf(", 'unix:%d.sock'", i)
	}
	dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: [" + listen + "], respond: ok}]\nlog: {access: off}"})
	s := launchIn(t, dir, "ulimit -n 68")
	s.serves(a, "/", "ok")
	s.stop()
}
