package loop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"monopoll/routes/site"
)

// A large file has changed, and no table tells of it: after a while it is answered
// as it is. Its range is another than that of the file which the table has, and has
// to be read by the desk as well.
func TestChangedFileThatNoTableKnows(t *testing.T) {
	t.Parallel()
	port, kernel := freePort(t), new(coldDisk)
	kernel.cold.Store(true)
	s := startOn(t, kernel, fmt.Sprintf(diskConfig, port, "10s"), map[string]string{
		"www/a.bin": strings.Repeat("a", 4<<20), "www/b.bin": strings.Repeat("b", 4<<20)})
	for _, name := range []string{"a.bin", "b.bin"} {
		path := filepath.Join(s.dir, "www", name)
		if err := os.WriteFile(path+".new", []byte(strings.Repeat("new\n", 1<<19)), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	c, other := newClient(t, port), newClient(t, port)
	fmt.Fprint(c, "GET /a.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=-6\r\n\r\nGET /b.bin HTTP/1.1\r\nHost: x\r\n\r\n")
	fmt.Fprint(other, "GET /a.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=3000000-\r\n\r\n")
	if res, body := c.read("GET"); res.StatusCode != 206 || body != "w\nnew\n" {
		t.Errorf("the end of it: %s, %q", res.Status, body)
	}
	if res, body := c.read("GET"); res.StatusCode != 200 || body != strings.Repeat("new\n", 1<<19) || !strings.HasPrefix(res.Header.Get("ETag"), "W/") {
		t.Errorf("the other: %s, %d bytes", res.Status, len(body))
	}
	if res, _ := other.read("GET"); res.StatusCode != 416 || res.Header.Get("Content-Range") != fmt.Sprintf("bytes */%d", 4<<19) {
		t.Errorf("a part that it has not any more: %s, %v", res.Status, res.Header)
	}
}

// A table comes while somebody waits for it. The desk has no room for all who wait
// then: that is no reason to refuse one.
func TestTableThatIsWaitedFor(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	config := fmt.Sprintf(diskConfig, port, "10s")
	s := start(t, config, map[string]string{"www/a.bin": strings.Repeat("a", 1<<20)})
	d := &brokenDisk{name: "a.bin", letters: make(chan func(*Loop), 1)}
	on := func(do func(*Loop)) {
		done := make(chan bool)
		s.loop.mail.post(func(l *Loop) { do(l); close(done) })
		<-done
	}
	waits := func(l *Loop) {
		if l.lanes[laneStale].head == nil {
			t.Errorf("after %v nobody waits", d.err)
		}
	}
	on(func(l *Loop) { d.clerk, l.desk, d.err = l.desk, d, site.ErrChanged })
	c := newClient(t, port)
	fmt.Fprint(c, "GET /a.bin HTTP/1.1\r\nHost: x\r\n\r\n")
	changed := <-d.letters
	on(func(l *Loop) { changed(l); waits(l); d.err = errDeskFull })
	if _, err := s.publish(config); err != nil {
		t.Fatal(err)
	}
	full := <-d.letters // long before the next look
	on(func(l *Loop) { full(l); waits(l); l.desk = d.clerk })
	if res, body := c.read("GET"); res.StatusCode != 200 || len(body) != 1<<20 {
		t.Errorf("%s, %d bytes", res.Status, len(body))
	}
}
