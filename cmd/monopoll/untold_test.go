package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// slowly writes a text over the file at path in two parts, with a pause between
// them, by one descriptor. It says whether the pause was one that a server waits
// for that is not told who writes: this machine may be busy.
func slowly(t *testing.T, path, text string, half int, flags int) (short bool) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|flags, 0o644)
	must(t, err)
	_, err = f.WriteString(text[:half])
	must(t, err)
	began := time.Now()
	time.Sleep(60 * time.Millisecond) // the writer's leisure; nothing is waited for
	_, err = f.WriteString(text[half:])
	must(t, err)
	must(t, f.Close())
	return time.Since(began) < 250*time.Millisecond
}

// A server that runs as another user than the files belong to is not told by the
// kernel who writes to them. What is written in place is waited for all the same:
// a page, the config, and the body of a fixed response.
func TestFilesOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	a, b := freeAddress(t), freeAddress(t)
	text := func(n int) string { return strings.Repeat(fmt.Sprintf("#%06d is the number\n", n), 200) }
	config := func(n int) string {
		return fmt.Sprintf("listeners:\n  - listen: '%s'\n    routes: {/: {root: www}, /n: {respond: 'n %d'}}\n  - {listen: '%s', respond: {file: r.txt}}\n"+
			"log: {access: off}\nuser: '54321'\n", a, n, b)
	}
	dir := folder(t, map[string]string{"config.yaml": config(0), "www/page.txt": text(0), "r.txt": text(0)})
	open(t, dir)
	s := run(t, dir)
	s.says("belongs to another user")
	var torn atomic.Int64 // answers that are not whole
	whole := func(status int, body string) bool {
		if status != 200 || len(body) != len(text(0)) || body != strings.Repeat(body[:len(body)/200], 200) {
			torn.Add(1)
		}
		return true
	}
	page, body := witness(t, a, "/page.txt", whole), witness(t, b, "/", whole)
	removed := func() int { return strings.Count(s.err.String(), "− ") }
	for n := 1; n <= 6; n++ {
		flags := []int{os.O_TRUNC, 0}[n%2]
		before := removed()
		short := slowly(t, filepath.Join(dir, "www/page.txt"), text(n), len(text(n))/2, flags)
		short = slowly(t, filepath.Join(dir, "r.txt"), text(n), len(text(n))/2, flags) && short
		s.serves(a, "/page.txt", text(n))
		s.serves(b, "/", text(n))
		half := strings.Index(config(n), "  - {")
		short = slowly(t, filepath.Join(dir, "config.yaml"), config(n), half, os.O_TRUNC) && short
		s.serves(a, "/n", fmt.Sprint("n ", n))
		if halves := torn.Swap(0); short && (halves > 0 || removed() > before) {
			t.Errorf("round %d: %d answers are torn, and half of a config is taken: %t", n, halves, removed() > before)
		}
		replace(t, filepath.Join(dir, "r.txt"), text(n+200))
		replace(t, filepath.Join(dir, "www/page.txt"), text(n+200))
		s.serves(a, "/page.txt", text(n+200))
		s.serves(b, "/", text(n+200))
	}
	page()
	body()
	said := s.err.String()
	if n := strings.Count(said, "belongs to another user"); n != 1 {
		t.Errorf("it says %d times that it has not the right", n)
	}
	if torn.Load() > 0 || strings.Contains(said, "still serving") {
		t.Errorf("%d answers are torn after files were renamed into place, or half of a config was looked at", torn.Load())
	}
	s.stop()
}
