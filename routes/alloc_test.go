package routes

import (
	"strings"
	"testing"
)

const allocWorld = `
-- config --
listeners:
  - listen: 8080
    headers: {X-Frame-Options: DENY}
    routes:
      /: {root: {dir: site, fallback: /index.html}}
      GET /healthz: {respond: ok}
      /teapot: {respond: {status: 418, body: short}}
      /empty: {respond: 204}
      /old/{page...}: {redirect: "/new/{page}"}
      /request: {echo: true}
      /tree/: {respond: tree}
      "*.example.com/": {root: site}
      sites.test/: {root: site}
-- site/index.html --
home
-- site/about.html --
about
-- site/404.html --
lost
-- site/a/index.html --
a
-- site/page.html --
plain
-- site/page.html.br --
brotli
`

// TestAnswerAllocatesNothing: the garbage collector has nothing to do, whatever
// clients ask. (A directory listing is the one exception.)
func TestAnswerAllocatesNothing(t *testing.T) {
	w := newWorld(t, allocWorld)
	for _, request := range []string{
		"GET /",
		"HEAD /about.html",
		"GET /about",
		"GET /a",
		"GET /a/?q=1",
		"GET /a/../%61bout.html",
		"GET /nothing/at/all",
		"GET /nothing\nAccept: text/html",
		"GET /healthz",
		"GET /healthz/nothing\nHost: x.example.com",
		"GET /page.html\nHost: A.B.EXAMPLE.com:8080\nAccept-Encoding: gzip, deflate, br, zstd",
		"GET /page.html\nAccept-Encoding: zstd;q=1, br;q=0.9, *;q=0",
		"GET /page.html\nAccept-Encoding: identity;q=0",
		"GET /page.html\nIf-None-Match: \"x\", {etag /page.html}",
		"GET /page.html\nIf-None-Match: \"x\"",
		"GET /page.html\nIf-Match: \"x\"",
		"GET /page.html\nIf-Modified-Since: Fri, 20 Nov 2026 08:00:00 GMT",
		"GET /page.html\nIf-Modified-Since: Friday, 20-Nov-26 08:00:01 GMT",
		"GET /page.html\nIf-Unmodified-Since: Fri Nov 20 07:00:00 2026",
		"GET /page.html\nRange: bytes=0-1\nIf-Range: {etag /page.html}",
		"GET /page.html\nRange: bytes=4-4,0-0,2-2",
		"GET /page.html\nRange: bytes=99-",
		"POST /page.html",
		"OPTIONS /page.html",
		"OPTIONS *",
		"BREW /",
		"TRACE /",
		"GET /%zz",
		"GET /teapot",
		"DELETE /empty",
		"GET /old/a%20b/c/?x=1",
		"GET /request",
		"GET /tree",
		"PUT /tree/x",
	} {
		req := w.request(t, strings.Split(request, "\n"))
		l := w.table.Listeners[0]
		w.table.Answer(l, req, &w.res) // scratch grows once
		if n := testing.AllocsPerRun(100, func() { w.table.Answer(l, req, &w.res) }); n != 0 {
			t.Errorf("%s: %v allocations (status %d)", request, n, w.res.Status)
		}
		var room [1024]byte
		if w.res.Send == SendParts {
			if n := testing.AllocsPerRun(100, func() { w.res.PartHead(room[:0], 1); w.res.ContentLength() }); n != 0 {
				t.Errorf("%s: %v allocations for the parts", request, n)
			}
		}
	}
	res := &w.res
	accept := []byte("text/html,*/*;q=0.8")
	if n := testing.AllocsPerRun(100, func() { res.Refuse(431, accept); res.Refuse(400, nil) }); n != 0 {
		t.Errorf("Refuse: %v allocations", n)
	}
}

func BenchmarkAnswer(b *testing.B) {
	w := newWorld(b, allocWorld)
	for _, c := range []struct{ name, request string }{
		{"file", "GET /about.html"},
		{"index", "GET /"},
		{"fixed", "GET /healthz"},
		{"host", "GET /about.html\nHost: a.example.com"},
		{"coded", "GET /page.html\nAccept-Encoding: gzip, deflate, br, zstd"},
		{"304", "GET /page.html\nIf-None-Match: {etag /page.html}"},
		{"404", "GET /nothing/there"},
		{"range", "GET /page.html\nRange: bytes=0-1"},
		{"ranges", "GET /page.html\nRange: bytes=4-4,0-0,2-2"},
		{"redirect", "GET /old/a/b"},
		{"escaped", "GET /%61bout.html"},
	} {
		req := w.request(b, strings.Split(c.request, "\n"))
		l := w.table.Listeners[0]
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.table.Answer(l, req, &w.res)
			}
		})
	}
}
