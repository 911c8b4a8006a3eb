package loop

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"monopoll/loop/sys"
)

func newUnix(t *testing.T, path string) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// unixClient asks by a unix socket, and is answered on the same connection.
func unixClient(t *testing.T, path string) (ask func() (body string, closes bool)) {
	t.Helper()
	c := newUnix(t, path)
	r := bufio.NewReader(c)
	return func() (string, bool) {
		t.Helper()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, res.ContentLength)
		if !readFull(r, b) {
			t.Fatal("half an answer")
		}
		return string(b), res.Close
	}
}

// The file of a unix socket is removed, or another's comes into its place: who
// asks for a reload, or edits the config, has clients find the server again, and
// the connections of before are answered.
func TestLostSocketIsBoundAnew(t *testing.T) {
	text := func(n int) string {
		return fmt.Sprintf("listeners: [{listen: ['unix:a.sock', 'unix:b.sock'], respond: 'version %d'}]", n)
	}
	s := start(t, text(0), nil)
	path := filepath.Join(s.dir, "a.sock")
	remove := func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := s.loop.Rebind(); again != nil || err != nil {
		t.Errorf("nothing is lost: %v, %v", again, err)
	}
	before := unixClient(t, path)
	before()
	remove()
	if again, err := s.loop.Rebind(); err != nil || !slices.Equal(again, []Rebound{{Address: "unix:" + path}}) {
		t.Errorf("%v, %v", again, err)
	}
	after := unixClient(t, path)
	if body, closes := after(); body != "version 0" || closes {
		t.Errorf("a new client: %q, closes: %v", body, closes)
	}
	if body, closes := before(); body != "version 0" || !closes {
		t.Errorf("a client of before: %q, closes: %v", body, closes)
	}
	remove()
	if _, err := s.publish(text(1)); err != nil {
		t.Fatal(err)
	}
	if body, _ := unixClient(t, path)(); body != "version 1" {
		t.Errorf("after an edit of the config: %q", body)
	}
	// Where it cannot be had, that is said, and everything else goes on.
	remove()
	other, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.loop.Rebind(); len(again) > 0 || !errors.Is(err, sys.EADDRINUSE) || !strings.Contains(err.Error(), path) {
		t.Errorf("somebody else listens there: %v, %v", again, err)
	}
	if _, err := s.publish(text(2)); err != nil {
		t.Fatal(err)
	}
	if body, _ := unixClient(t, filepath.Join(s.dir, "b.sock"))(); body != "version 2" {
		t.Errorf("the other socket: %q", body)
	}
	other.Close()
	if again, err := s.loop.Rebind(); len(again) != 1 || err != nil {
		t.Errorf("after the other has ended: %v, %v", again, err)
	}
	if body, _ := unixClient(t, path)(); body != "version 2" {
		t.Errorf("after the other has ended: %q", body)
	}
	fmt.Fprint(newUnix(t, path), "GET / HTTP/1.1\r\n") // keeps it from its end
	s.loop.Drain()
	if again, err := s.loop.Rebind(); len(again) > 0 || err != nil {
		t.Errorf("at the end: %v, %v", again, err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("at the end it was bound anew")
	}
}

// A socket by another name for its folder is the same socket.
func TestSocketByAnotherName(t *testing.T) {
	text := func(names ...string) string {
		return "listeners: [{listen: ['unix:" + strings.Join(names, "', 'unix:") + "'], respond: hi}]"
	}
	s := start(t, text("own.sock"), map[string]string{"real/x": ""})
	if err := os.Symlink("real", filepath.Join(s.dir, "link")); err != nil {
		t.Fatal(err)
	}
	both := func() {
		t.Helper()
		_, err := s.publish(text("own.sock", "link/z.sock", "real/z.sock"))
		if err == nil || !strings.Contains(err.Error(), "is the same file as unix:") || strings.Contains(err.Error(), "another program") {
			t.Errorf("both names: %v", err)
		}
	}
	both()
	if _, err := s.publish(text("real/z.sock")); err != nil {
		t.Fatal(err)
	}
	both()
	path := filepath.Join(s.dir, "real/z.sock")
	client := unixClient(t, path)
	client()
	if _, err := s.publish(text("link/z.sock")); err != nil {
		t.Fatal(err)
	}
	both()
	for _, ask := range []func() (string, bool){client, unixClient(t, path)} {
		if body, closes := ask(); body != "hi" || closes {
			t.Errorf("%q, closes: %v", body, closes)
		}
	}
	if stats, _ := s.loop.Stats(); len(stats.Listeners) != 1 || !strings.HasSuffix(stats.Listeners[0].Address, "link/z.sock") {
		t.Errorf("%+v", stats.Listeners)
	}
	if _, err := s.publish(text("own.sock")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("the file of a socket that was given up is still there")
	}
}

// A link that led to the folder of a socket is pointed elsewhere, or removed, and
// the config names the socket by another way to its file: it is there as before.
// Of two such ways one is too many.
func TestSocketWhoseLinkIsGone(t *testing.T) {
	config := func(listen, control string) string {
		return "listeners: [{listen: [" + listen + "], respond: hi}]\ncontrol: " + control
	}
	for name, c := range map[string]struct {
		link     string // leads there afterwards; empty: is removed
		from, to string // configs
		refused  string
	}{
		"points elsewhere": {"other", config("'unix:link/s'", "off"), config("'unix:real/s'", "off"), ""},
		"removed":          {"", config("'unix:link/s'", "off"), config("'unix:real/s'", "off"), ""},
		"two names": {"", config("'unix:link/s'", "off"), config("'unix:two/s', 'unix:three/s'", "off"),
			"/three/s: it is the same file as unix:DIR/two/s, which"},
		"old name too":       {"other", config("'unix:link/s'", "off"), config("'unix:link/s', 'unix:real/s'", "off"), ""},
		"old name too, last": {"other", config("'unix:link/s'", "off"), config("'unix:real/s', 'unix:link/s'", "off"), ""},
		"old name, which cannot be had": {"busy", config("'unix:link/s'", "off"), config("'unix:real/s', 'unix:link/s'", "off"),
			"cannot listen on unix:DIR/link/s: address already in use"},
		"control": {"", config("'unix:real/s'", "link/ctl"), config("'unix:real/s'", "real/ctl"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, "listeners: [{listen: 'unix:first', respond: hi}]", map[string]string{"real/x": "", "other/x": "", "busy/x": ""})
			foreign, err := net.Listen("unix", filepath.Join(s.dir, "busy/s"))
			if err != nil {
				t.Fatal(err)
			}
			defer foreign.Close()
			link := func(name, target string) {
				if err := os.Symlink(target, filepath.Join(s.dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range []string{"link", "two", "three"} {
				link(name, "real")
			}
			s.loop.controller = func(_ string, reply func([]byte)) { reply([]byte("yes")) }
			if _, err := s.publish(c.from); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(filepath.Join(s.dir, "link")); err != nil {
				t.Fatal(err)
			}
			if c.link != "" {
				link("link", c.link)
			}
			_, err = s.publish(c.to)
			if want := strings.ReplaceAll(c.refused, "DIR", s.dir); (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("want %q: %v", want, err)
			}
			if said := s.log.String(); strings.Contains(said, "WARN") {
				t.Error(said)
			}
			if body, _ := unixClient(t, filepath.Join(s.dir, "real/s"))(); body != "hi" {
				t.Errorf("%q", body)
			}
			if !strings.Contains(c.to, "control: off") {
				ctl := newUnix(t, filepath.Join(s.dir, "real/ctl"))
				fmt.Fprintln(ctl, "there?")
				if answer, err := io.ReadAll(ctl); string(answer) != "yes" {
					t.Errorf("the control socket: %q, %v", answer, err)
				}
			}
			if !strings.Contains(c.to, "link/s") {
				if names, err := filepath.Glob(filepath.Join(s.dir, "other/s")); len(names) > 0 || err != nil {
					t.Errorf("made for nobody: %v, %v", names, err)
				}
			} else if c.refused == "" {
				if body, _ := unixClient(t, filepath.Join(s.dir, "other/s"))(); body != "hi" {
					t.Errorf("by the old name: %q", body)
				}
			}
		})
	}
}

// That nothing can be bound anew is in the log, whoever asked.
func TestRebindThatFails(t *testing.T) {
	s := start(t, "listeners: [{listen: 'unix:a.sock', respond: hi}]", nil)
	if err := os.Remove(filepath.Join(s.dir, "a.sock")); err != nil {
		t.Fatal(err)
	}
	s.loop.listen = func(*socket) error { return errors.New("no listener today") }
	if again, err := s.loop.Rebind(); len(again) > 0 || err == nil || !strings.Contains(s.log.String(), "no listener today") {
		t.Errorf("%v, %v, and the log has %q", again, err, s.log.String())
	}
}
