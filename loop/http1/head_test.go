package http1

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// testTime is what the clock says in these tests.
const testTime = 1_000_000_000 // Sun, 09 Sep 2001 01:46:40 GMT

const (
	begin200 = "HTTP/1.1 200 OK\r\nServer: monopoll\r\nDate: Sun, 09 Sep 2001 01:46:40 GMT\r\n"
	begin    = "Server: monopoll\r\nDate: Sun, 09 Sep 2001 01:46:40 GMT\r\n"
)

func testClock() *Clock {
	c := new(Clock)
	c.Set(testTime)
	return c
}

// testFile gives a file of a document root, in memory or left on disk.
func testFile(t testing.TB, name, body string, inMemory bool) *site.File {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(testTime-3600, 0)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
	loader := site.Loader{}
	if !inMemory {
		loader.Threshold = -1
	}
	tree, err := loader.Load(dir, site.NewOptions(&config.Root{}, []config.Header{{Name: "X-Route", Value: "r"}, {Name: "Vary", Value: "Origin"}}), nil)
	if err != nil {
		t.Fatal(err)
	}
	f := tree.Root().File([]byte(name))
	if f == nil {
		t.Fatal("no file")
	}
	return f
}

func TestAppendAnswer(t *testing.T) {
	memory := testFile(t, "a.txt", "0123456789", true)
	disk := testFile(t, "a.txt", "0123456789", false)
	fixed := site.Fixed("text/plain", nil, []byte("fixed\n"))
	tag, diskTag := memory.ETagLine(), disk.ETagLine()
	const modified = "Last-Modified: Sun, 09 Sep 2001 00:46:40 GMT\r\n"
	lines := memory.Shared().Lines
	const typ = "Content-Type: text/plain; charset=utf-8\r\n"
	if !strings.HasPrefix(lines, typ) || !strings.Contains(lines, "X-Route: r\r\n") {
		t.Fatalf("lines %q", lines)
	}
	const large = 5 // bytes: what does not go with the head
	for _, c := range []struct {
		name string
		res  routes.Response
		how  How
		room int
		want string
		rest string
	}{
		{"a file", routes.Response{Status: 200, File: memory, Send: routes.SendFile}, 0, 100,
			begin200 + lines + modified + tag + "Content-Length: 10\r\n\r\n0123456789", ""},
		{"a large file in memory", routes.Response{Status: 200, File: memory, Send: routes.SendFile}, 0, large,
			begin200 + lines + modified + tag + "Content-Length: 10\r\n\r\n", "0123456789"},
		{"a file on disk", routes.Response{Status: 200, File: disk, Send: routes.SendFile}, 0, 100,
			begin200 + lines + modified + diskTag + "Content-Length: 10\r\n\r\n", ""},
		{"HEAD", routes.Response{Status: 200, File: memory, Send: routes.SendFile}, HeadOnly, 100,
			begin200 + lines + modified + tag + "Content-Length: 10\r\n\r\n", ""},
		{"HEAD of a large file", routes.Response{Status: 200, File: memory, Send: routes.SendFile}, HeadOnly, large,
			begin200 + lines + modified + tag + "Content-Length: 10\r\n\r\n", ""},
		{"close", routes.Response{Status: 200, File: fixed, Send: routes.SendFile}, Close, 100,
			begin200 + "Connection: close\r\n" + fixed.Shared().Lines + fixed.Tail(), ""},
		{"1.0 that persists", routes.Response{Status: 200, File: fixed, Send: routes.SendFile}, Old, 100,
			begin200 + "Connection: keep-alive\r\n" + fixed.Shared().Lines + fixed.Tail(), ""},
		{"1.0 that closes", routes.Response{Status: 200, File: fixed, Send: routes.SendFile}, Old | Close, 100,
			begin200 + "Connection: close\r\n" + fixed.Shared().Lines + fixed.Tail(), ""},
		{"a fixed response with another status", routes.Response{Status: 418, File: fixed, Send: routes.SendFile}, 0, 100,
			"HTTP/1.1 418 I'm a teapot\r\n" + begin + fixed.Shared().Lines + fixed.Tail(), ""},
		{"a status without a phrase", routes.Response{Status: 299, File: fixed, Send: routes.SendFile}, 0, 100,
			"HTTP/1.1 299 \r\n" + begin + fixed.Shared().Lines + fixed.Tail(), ""},
		{"lines of the route are not sent twice", routes.Response{Status: 200, File: fixed, Send: routes.SendFile, Lines: "X-Route: r\r\n"}, 0, 100,
			begin200 + fixed.Shared().Lines + fixed.Tail(), ""},
		{"a part", routes.Response{Status: 206, File: memory, Send: routes.SendPart, Parts: []routes.Part{{From: 2, Length: 3}}, Own: []byte("Content-Range: bytes 2-4/10\r\n")}, 0, 100,
			"HTTP/1.1 206 Partial Content\r\n" + begin + lines + modified + tag + "Content-Range: bytes 2-4/10\r\nContent-Length: 3\r\n\r\n234", ""},
		{"a large part", routes.Response{Status: 206, File: memory, Send: routes.SendPart, Parts: []routes.Part{{From: 2, Length: 6}}}, 0, large,
			"HTTP/1.1 206 Partial Content\r\n" + begin + lines + modified + tag + "Content-Length: 6\r\n\r\n", "234567"},
		{"a part of a file on disk", routes.Response{Status: 206, File: disk, Send: routes.SendPart, Parts: []routes.Part{{From: 2, Length: 3}}}, 0, 100,
			"HTTP/1.1 206 Partial Content\r\n" + begin + lines + modified + diskTag + "Content-Length: 3\r\n\r\n", ""},
		{"304", routes.Response{Status: 304, File: memory, Send: routes.SendNone, Lines: "X-Route: r\r\n"}, 0, 100,
			"HTTP/1.1 304 Not Modified\r\n" + begin + memory.Shared().Lines304 + tag + "\r\n", ""},
		{"204", routes.Response{Status: 204, Own: []byte("Allow: GET\r\n"), Lines: "X-Route: r\r\n"}, 0, 100,
			"HTTP/1.1 204 No Content\r\n" + begin + "Allow: GET\r\nX-Route: r\r\n\r\n", ""},
		{"304 of the config", routes.Response{Status: 304}, 0, 100,
			"HTTP/1.1 304 Not Modified\r\n" + begin + "\r\n", ""},
		{"no content with another status", routes.Response{Status: 301, Own: []byte("Location: /a/\r\n")}, 0, 100,
			"HTTP/1.1 301 Moved Permanently\r\n" + begin + "Location: /a/\r\nContent-Length: 0\r\n\r\n", ""},
		{"made on the spot", routes.Response{Status: 404, Send: routes.SendBody, Own: []byte("Content-Type: text/plain\r\n"), Body: []byte("no\n"), Lines: "X-Route: r\r\n"}, 0, 1,
			"HTTP/1.1 404 Not Found\r\n" + begin + "Content-Type: text/plain\r\nX-Route: r\r\nContent-Length: 3\r\n\r\nno\n", ""},
		{"made on the spot, to HEAD", routes.Response{Status: 404, Send: routes.SendBody, Own: []byte("Content-Type: text/plain\r\n"), Body: []byte("no\n")}, HeadOnly, 1,
			"HTTP/1.1 404 Not Found\r\n" + begin + "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\n", ""},
		{"a page for an error", routes.Response{Status: 404, File: memory, Send: routes.SendPage, Own: []byte("Cache-Control: no-store\r\n"), Lines: "X-Route: r\r\n"}, 0, 100,
			"HTTP/1.1 404 Not Found\r\n" + begin + typ + "Cache-Control: no-store\r\nX-Route: r\r\nContent-Length: 10\r\n\r\n0123456789", ""},
		{"a large page for an error", routes.Response{Status: 404, File: memory, Send: routes.SendPage}, 0, large,
			"HTTP/1.1 404 Not Found\r\n" + begin + typ + "Content-Length: 10\r\n\r\n", "0123456789"},
		{"a status that no answer has", routes.Response{Status: 42, Send: routes.SendBody}, 0, 1,
			"HTTP/1.1 500 Internal Server Error\r\n" + begin + "Content-Length: 0\r\n\r\n", ""},
	} {
		got, rest := AppendAnswer([]byte("before"), testClock(), &c.res, c.how, c.room)
		if string(got) != "before"+c.want || rest != c.rest {
			t.Errorf("%s:\ngot  %q, then %q\nwant %q, then %q", c.name, got, rest, "before"+c.want, c.rest)
		}
	}
}

// Several parts: the head announces all of what the caller then sends.
func TestAppendAnswerParts(t *testing.T) {
	f := testFile(t, "a.txt", "0123456789", true)
	res := routes.Response{Status: 206, File: f, Send: routes.SendParts, Parts: []routes.Part{{From: 0, Length: 2}, {From: 8, Length: 2}}}
	copy(res.Boundary[:], "abcdefghijklmnopqrstuvwx")
	got, rest := AppendAnswer(nil, testClock(), &res, 0, 100)
	length := len(res.PartHead(nil, 0)) + 2 + len(res.PartHead(nil, 1)) + 2 + len(res.PartHead(nil, 2))
	want := "HTTP/1.1 206 Partial Content\r\n" + begin +
		"Content-Type: multipart/byteranges; boundary=abcdefghijklmnopqrstuvwx\r\n" +
		f.Shared().Lines[f.Shared().TypeLen:] + f.Validators() +
		string(appendLength(nil, int64(length))) + "\r\n"
	if string(got) != want || rest != "" {
		t.Errorf("got %q, then %q\nwant %q", got, rest, want)
	}
}

func TestAppendRefusal(t *testing.T) {
	got := string(AppendRefusal(nil, testClock(), refuseHostAbsent, 0))
	head, body, _ := strings.Cut(got, "\r\n\r\n")
	for _, line := range []string{"HTTP/1.1 400 Bad Request", "Connection: close", "Cache-Control: no-store", "Content-Length: 49"} {
		if !strings.Contains(head+"\r\n", line+"\r\n") {
			t.Errorf("no line %q in %q", line, head)
		}
	}
	if body != "400 Bad Request: an HTTP/1.1 request has no Host\n" {
		t.Errorf("body %q", body)
	}
	if got := string(AppendRefusal(nil, testClock(), refuseHostAbsent, HeadOnly)); got != head+"\r\n\r\n" {
		t.Errorf("to HEAD %q", got)
	}
}

func TestClock(t *testing.T) {
	var c Clock
	for _, step := range []struct {
		now  int64
		want string
	}{
		{0, "Thu, 01 Jan 1970 00:00:00 GMT"},
		{784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
		{784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
		{784111778, "Sun, 06 Nov 1994 08:49:38 GMT"},
		{1709210096, "Thu, 29 Feb 2024 12:34:56 GMT"},
		{4102444799, "Thu, 31 Dec 2099 23:59:59 GMT"},
	} {
		c.Set(step.now)
		if string(c.Date()) != step.want {
			t.Errorf("at %d: %s, want %s", step.now, c.Date(), step.want)
		}
		if want := strings.Replace(clockLines, "Sun, 06 Nov 1994 08:49:37 GMT", step.want, 1); string(c.lines) != want {
			t.Errorf("at %d: lines %q", step.now, c.lines)
		}
	}
}

func TestMessageHow(t *testing.T) {
	for _, c := range []struct {
		msg    Message
		method routes.Method
		want   How
	}{
		{Message{Minor: 1, KeepAlive: true}, routes.MethodGet, 0},
		{Message{Minor: 1, KeepAlive: true}, routes.MethodHead, HeadOnly},
		{Message{Minor: 1}, routes.MethodGet, Close},
		{Message{Minor: 0, KeepAlive: true}, routes.MethodGet, Old},
		{Message{Minor: 0}, routes.MethodGet, Old | Close},
		{Message{Minor: 2, KeepAlive: true}, routes.MethodPost, 0},
	} {
		if got := c.msg.How(c.method); got != c.want {
			t.Errorf("%+v, %v: %v, want %v", c.msg, c.method, got, c.want)
		}
	}
}

func TestReasonPhrases(t *testing.T) {
	for status, want := range map[int]string{200: "HTTP/1.1 200 OK\r\n", 413: "HTTP/1.1 413 Content Too Large\r\n", 299: "HTTP/1.1 299 \r\n", 599: "HTTP/1.1 599 \r\n", 600: "HTTP/1.1 500 Internal Server Error\r\n", 100: "HTTP/1.1 500 Internal Server Error\r\n"} {
		if got := statusLine(status); got != want {
			t.Errorf("%d: %q, want %q", status, got, want)
		}
	}
}

func TestAppendAnswerAllocatesNothing(t *testing.T) {
	clock := testClock()
	f := testFile(t, "a.txt", "0123456789", true)
	dst := make([]byte, 0, 4096)
	for name, res := range map[string]*routes.Response{
		"file":  {Status: 200, File: f, Send: routes.SendFile},
		"part":  {Status: 206, File: f, Send: routes.SendPart, Parts: []routes.Part{{From: 2, Length: 3}}},
		"parts": {Status: 206, File: f, Send: routes.SendParts, Parts: []routes.Part{{From: 2, Length: 3}, {From: 6, Length: 1}}},
		"304":   {Status: 304, File: f},
		"404":   {Status: 404, Send: routes.SendBody, Body: []byte("no\n")},
	} {
		if allocs := testing.AllocsPerRun(100, func() { AppendAnswer(dst, clock, res, Close, 100) }); allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
	now := int64(testTime)
	if allocs := testing.AllocsPerRun(100, func() { now++; clock.Set(now) }); allocs != 0 {
		t.Errorf("clock: %v allocations", allocs)
	}
}

func BenchmarkAppendAnswer(b *testing.B) {
	clock := testClock()
	f := testFile(b, "a.txt", strings.Repeat("x", 1024), true)
	dst := make([]byte, 0, 4096)
	for _, c := range []struct {
		name string
		res  routes.Response
	}{
		{"file of 1 KiB", routes.Response{Status: 200, File: f, Send: routes.SendFile}},
		{"304", routes.Response{Status: 304, File: f}},
		{"404", routes.Response{Status: 404, Send: routes.SendBody, Own: []byte("Content-Type: text/plain\r\n"), Body: []byte("no\n")}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				AppendAnswer(dst, clock, &c.res, 0, 24<<10)
			}
		})
	}
}
