package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// large is a text that is too long to be held in memory.
func large(what string) string { return strings.Repeat(what+"\n", 6<<20/(len(what)+1)) }

// A connection whose listener a reload removed gets a last answer. The large file
// that it asks for has been replaced since, of which no table tells this listener.
func TestLargeFileOfARemovedListener(t *testing.T) {
	t.Parallel()
	a, b := freeAddress(t), freeAddress(t)
	text := "listeners:\n  - {listen: '" + a + "', root: www}\n"
	dir := folder(t, map[string]string{
		"config.yaml": text + "  - {listen: '" + b + "', root: www, headers: {X-From: b}}\n",
		"www/a.txt":   large("old"), "www/b.txt": large("old"), "www/c.txt": large("old")})
	s := run(t, dir)
	paths := []string{"/a.txt", "/b.txt", "/c.txt", "/a.txt"}
	clients := make([]*client, len(paths))
	for i := range clients {
		clients[i] = connect(t, b)
		clients[i].get("/nothing")
	}
	tag := fieldOf(b, "/a.txt", "ETag")
	replace(t, filepath.Join(dir, "config.yaml"), text)
	s.until("the listener to be gone", func() bool { return !listens(b) })
	replace(t, filepath.Join(dir, "www/a.txt"), large("a newer one"))
	must(t, os.Remove(filepath.Join(dir, "www/b.txt")))
	s.until("the new file", func() bool { return fetch(a, "/a.txt") == large("a newer one") })

	for i, want := range []struct {
		status int
		body   string
	}{{200, large("a newer one")}, {404, ""}, {200, large("old")}, {206, "newer"}} {
		c := clients[i]
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: test\r\n", paths[i])
		if want.status == 206 {
			fmt.Fprint(c, "Range: bytes=2-6\r\n")
		}
		fmt.Fprint(c, "\r\n")
		res, body, err := c.answer()
		if err != nil || res.StatusCode != want.status || !res.Close || want.status != 404 && body != want.body {
			t.Errorf("%s: %+v, %d bytes, %v", paths[i], res, len(body), err)
			continue
		}
		if want.status != 404 && (res.Header.Get("X-From") != "b" || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain")) {
			t.Errorf("%s: %v", paths[i], res.Header)
		}
		if got := res.Header.Get("ETag"); paths[i] == "/a.txt" && (got == "" || got == tag) {
			t.Errorf("the tag was %s and is %s", tag, got)
		}
	}
	s.stop()
}

// A log is answered while it is written, without rest or a line now and then, with
// what there is of it. Nothing that is said of it later is older than that.
func TestLogThatGrows(t *testing.T) {
	t.Parallel()
	for _, pause := range []time.Duration{time.Millisecond, 700 * time.Millisecond} {
		t.Run(pause.String(), func(t *testing.T) {
			t.Parallel()
			logThatGrows(t, pause)
		})
	}
}

func logThatGrows(t *testing.T, pause time.Duration) {
	a := freeAddress(t)
	dir := folder(t, map[string]string{
		"config.yaml": "listeners: [{listen: '" + a + "', root: www}]\nlog: {access: off}\n", "www/log.txt": large("line")})
	s := run(t, dir)
	var was string
	s.until("the strong tag", func() bool {
		was = fieldOf(a, "/log.txt", "ETag")
		return strings.HasPrefix(was, `"`)
	})
	f, err := os.OpenFile(filepath.Join(dir, "www/log.txt"), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	defer f.Close()
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for tick := time.Tick(pause); ; <-tick {
			select {
			case <-stop:
				return
			default:
				f.WriteString("line\n")
			}
		}
	}()
	c := connect(t, a)
	sizes := map[int]bool{}
	for most, version := 0, s.status().Version; s.status().Version < version+3; {
		res, body := c.get("/log.txt")
		if res.StatusCode != 200 || len(body) < most || strings.ReplaceAll(body, "line\n", "") != "" {
			t.Fatalf("%s, %d bytes after %d", res.Status, len(body), most)
		}
		most = len(body)
		sizes[most] = true
		fmt.Fprintf(c, "GET /log.txt HTTP/1.1\r\nHost: test\r\nRange: bytes=%d-%d\r\n\r\n", most-5, most-1)
		if part, body, err := c.answer(); err != nil || part.StatusCode != 206 || body != "line\n" {
			t.Fatalf("its end: %s, %q, %v", part.Status, body, err)
		}
		fmt.Fprintf(c, "GET /log.txt HTTP/1.1\r\nHost: test\r\nIf-Match: %s\r\n\r\n", was)
		if old, _, err := c.answer(); err != nil || most > len(large("line")) && old.StatusCode != 412 {
			t.Fatalf("if it is as at first: %s, %v", old.Status, err)
		}
		if length, err := strconv.Atoi(fieldOf(a, "/log.txt", "Content-Length")); err != nil || length < most {
			t.Fatalf("HEAD has %d bytes after %d, %v", length, most, err)
		}
	}
	close(stop)
	<-stopped
	if len(sizes) < 4 {
		t.Errorf("it had %d sizes only", len(sizes))
	}
	s.stop()
}

// A large file is rewritten where it is while the server has it open. Who asks
// meanwhile waits until that is over; nobody gets the one version under the head
// of the other, or half of each.
func TestLargeFileIsRewritten(t *testing.T) {
	t.Parallel()
	for name, halves := range map[string]func(path, text string) (first, second func()){
		"written": func(path, text string) (first, second func()) {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			must(t, err)
			write := func(text string) {
				_, err := f.WriteString(text)
				must(t, err)
			}
			return func() { write(text[:len(text)/2]) }, func() { write(text[len(text)/2:]); must(t, f.Close()) }
		},
		"mapped": func(path, text string) (first, second func()) {
			return func() { store(t, path, text[:3]) }, func() {}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, before, after := freeAddress(t), large("one"), large("two")
			if name == "mapped" {
				after = "two" + before[3:]
			}
			dir := folder(t, map[string]string{
				"config.yaml": "listeners: [{listen: '" + a + "', root: www}]\nlog: {access: off}\n", "www/a.txt": before})
			s := run(t, dir)
			s.until("the strong tag", func() bool { return strings.HasPrefix(fieldOf(a, "/a.txt", "ETag"), `"`) })
			c := connect(t, a)
			was, body := c.get("/a.txt")
			if body != before {
				t.Fatalf("%d bytes %.10q", len(body), body)
			}
			first, second := halves(filepath.Join(dir, "www/a.txt"), after)
			first()
			c.ask("/a.txt")
			second()
			res, body, err := c.answer()
			if err != nil || res.StatusCode != 200 || body != after || res.Header.Get("ETag") == was.Header.Get("ETag") {
				t.Errorf("%s, %d bytes %.10q, tag %s, %v", res.Status, len(body), body, res.Header.Get("ETag"), err)
			}
			s.stop()
		})
	}
}
