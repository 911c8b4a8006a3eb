package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// slowly writes a text in two halves, with a pause between them, by one descriptor.
func slowly(t *testing.T, path, text string, flags int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|flags, 0o644)
	must(t, err)
	_, err = f.WriteString(text[:len(text)/2])
	must(t, err)
	time.Sleep(60 * time.Millisecond) // the writer's leisure; nothing is waited for
	_, err = f.WriteString(text[len(text)/2:])
	must(t, err)
	must(t, f.Close())
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
	half := strings.Index(config(0), "  - {")
	dir := folder(t, map[string]string{"config.yaml": config(0), "www/page.txt": text(0), "r.txt": text(0)})
	open(t, dir)
	s := run(t, dir)
	s.says("CAP_LEASE")
	whole := func(status int, body string) bool {
		return status == 200 && len(body) == len(text(0)) && body == strings.Repeat(body[:len(body)/200], 200)
	}
	page, body := witness(t, a, "/page.txt", whole), witness(t, b, "/", whole)
	for n := 1; n <= 6; n++ {
		flags := []int{os.O_TRUNC, 0, os.O_TRUNC}[n%3]
		for _, name := range []string{"www/page.txt", "r.txt"} {
			slowly(t, filepath.Join(dir, name), text(n), flags)
		}
		s.serves(a, "/page.txt", text(n))
		s.serves(b, "/", text(n))
		f, err := os.OpenFile(filepath.Join(dir, "config.yaml"), os.O_WRONLY|os.O_TRUNC, 0)
		must(t, err)
		_, err = f.WriteString(config(n)[:half])
		must(t, err)
		time.Sleep(60 * time.Millisecond) // the writer's leisure; nothing is waited for
		_, err = f.WriteString(config(n)[half:])
		must(t, err)
		must(t, f.Close())
		s.serves(a, "/n", fmt.Sprint("n ", n))
		// A new file in the place of the old one, written where it is.
		must(t, os.Remove(filepath.Join(dir, "r.txt")))
		slowly(t, filepath.Join(dir, "r.txt"), text(n+100), os.O_CREATE)
		s.serves(b, "/", text(n+100))
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
	if strings.Contains(said, "still serving") || strings.Contains(said, "− ") {
		t.Error("half of a config was looked at")
	}
	s.stop()
}
