package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// exchange is a request, and what every client has to see for it.
type exchange struct {
	what   string
	method string // GET where there is none
	url    string // its host may be any name
	fields http.Header
	upload string
	status int
	body   string      // all of it, but for what stands for "…" at an end
	want   http.Header // fields of the answer; with no value: not there
	// unless is a client that cannot ask this, and why.
	unless map[string]string
}

// reply is what a client saw.
type reply struct {
	status int
	fields http.Header
	body   string
}

// exchanges are with the example sites. No client follows redirects here or
// undoes a content coding: what comes is looked at as it is.
func exchanges(x *example) []exchange {
	home, sites, fixed := "http://localhost:"+x.home, "localhost:"+x.sites+"/", "http://localhost:"+x.fixed+"/"
	index, large := x.file("home/index.html"), x.file("home/large.bin")
	tag := x.tag(home + "/")
	noExpect := map[string]string{"node": "fetch refuses to send Expect"}
	noRange := map[string]string{"wget": "takes a 206 for an answer to its own options only"}
	head := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	return []exchange{
		{what: "home", url: home + "/", status: 200, body: index, want: http.Header{
			"Content-Type": {"text/html; charset=utf-8"}, "Content-Length": {fmt.Sprint(len(index))}, "Etag": {tag},
			"Cache-Control": {"no-cache"}, "Accept-Ranges": {"bytes"}, "Vary": {"Accept-Encoding"},
			"X-Content-Type-Options": {"nosniff"}, "Content-Encoding": nil, "Transfer-Encoding": nil, "X-Frame-Options": nil}},
		{what: "blog by host", url: "http://blog." + sites, status: 200, body: x.file("blog/index.html"),
			want: head("X-Frame-Options", "DENY", "Content-Type", "text/html; charset=utf-8")},
		{what: "docs by host", url: "http://docs." + sites + "config", status: 200, body: x.file("docs/config.html"), want: head("X-Frame-Options", "DENY")},
		{what: "a host without a site", url: "http://nobody.test:" + x.sites + "/", status: 200, body: index, want: head("X-Frame-Options", "DENY")},
		{what: "a fixed response", url: fixed, status: 200, body: "Hello, world!\n",
			want: head("Content-Type", "text/plain; charset=utf-8", "Content-Length", "14")},
		{what: "a head", method: "HEAD", url: home + "/board.woff2", status: 200,
			want: head("Content-Type", "font/woff2", "Content-Length", fmt.Sprint(len(x.file("home/board.woff2"))))},
		{what: "a large file", url: home + "/large.bin", status: 200, body: large, want: head("Content-Type", "application/octet-stream")},
		{what: "a range", url: home + "/large.bin", fields: head("Range", "bytes=2000000-2000009"), unless: noRange, status: 206, body: large[2000000:2000010],
			want: head("Content-Range", fmt.Sprintf("bytes 2000000-2000009/%d", len(large)), "Content-Length", "10")},
		{what: "the last bytes", url: home + "/", fields: head("Range", "bytes=-9"), unless: noRange, status: 206, body: index[len(index)-9:],
			want: head("Content-Range", fmt.Sprintf("bytes %d-%d/%d", len(index)-9, len(index)-1, len(index)))},
		{what: "a range behind the end", url: home + "/", fields: head("Range", "bytes=9999999-"), unless: noRange, status: 416, body: "416 Range Not Satisfiable\n…",
			want: head("Content-Range", fmt.Sprintf("bytes */%d", len(index)))},
		{what: "the same tag", url: home + "/", fields: head("If-None-Match", `"other", `+tag), status: 304,
			want: http.Header{"Etag": {tag}, "Cache-Control": {"no-cache"}, "Vary": {"Accept-Encoding"}, "Content-Type": nil}},
		{what: "another tag", url: home + "/", fields: head("If-None-Match", `"other"`), status: 200, body: index},
		{what: "a range of another version", url: home + "/", fields: head("Range", "bytes=0-3", "If-Range", `"other"`), status: 200, body: index},
		{what: "a tag that has to match", url: home + "/", fields: head("If-Match", `"other"`), status: 412, body: "412 Precondition Failed\n…"},
		{what: "a folder without its slash", url: home + "/sub?a=b", status: 301, want: head("Location", "/sub/?a=b")},
		{what: "a name with escapes", url: home + "/gr%C3%BCn%20+%20blau%201.txt", status: 200, body: "UTF-8\n"},
		{what: "a page that is not there", url: home + "/nothing", fields: head("Accept", "text/html"), status: 404, body: x.file("home/404.html"),
			want: head("Content-Type", "text/html; charset=utf-8", "Cache-Control", "no-store")},
		{what: "an upload to a file", method: "POST", url: home + "/", upload: "a=b", fields: head("Accept", "*/*"), status: 405, want: head("Allow", "GET, HEAD, OPTIONS"),
			body: "405 Method Not Allowed\n…"},
		{what: "options", method: "OPTIONS", url: home + "/", status: 204, want: head("Allow", "GET, HEAD, OPTIONS")},
		{what: "an upload to the echo", method: "POST", url: "http://localhost:" + x.request + "/request", upload: "a=b&" + strings.Repeat("c", 5000),
			status: 200, body: "…\r\n\r\na=b&" + strings.Repeat("c", 5000), want: head("Content-Type", "text/plain; charset=utf-8", "Cache-Control", "no-store")},
		{what: "an upload after 100-continue", method: "POST", url: "http://localhost:" + x.request + "/request", upload: "a=b", fields: head("Expect", "100-continue"),
			status: 200, body: "…\r\n\r\na=b", unless: noExpect},
	}
}

// tag asks for the ETag of a page, without any coding.
func (x *example) tag(url string) string {
	x.t.Helper()
	got, err := goClient(x, nil).ask(exchange{url: url})
	must(x.t, err)
	tag := got.fields.Get("Etag")
	if len(tag) < 10 || tag[0] != '"' {
		x.t.Fatalf("the ETag of %s is %q", url, tag)
	}
	return tag
}

// check compares what a client saw with what there was to see.
func (e *exchange) check(t testing.TB, got reply) {
	t.Helper()
	if got.status != e.status {
		t.Errorf("%s: status %d, want %d", e.what, got.status, e.status)
	}
	begin, end, part := strings.Cut(e.body, "…")
	if !part && got.body != e.body || !strings.HasPrefix(got.body, begin) || !strings.HasSuffix(got.body, end) {
		t.Errorf("%s: %d bytes %.200q, want %d bytes %.200q", e.what, len(got.body), got.body, len(e.body), e.body)
	}
	for name, want := range e.want {
		if values := got.fields[name]; strings.Join(values, "|") != strings.Join(want, "|") {
			t.Errorf("%s: %s is %q, want %q", e.what, name, values, want)
		}
	}
	if got.fields.Get("Date") == "" {
		t.Errorf("%s: no Date", e.what)
	}
}

func TestClients(t *testing.T) {
	t.Parallel()
	x := runExample(t)
	list := exchanges(x)
	t.Run("go", func(t *testing.T) { testGo(t, x, list) })
	t.Run("coded", func(t *testing.T) { testCoded(t, x) })
	t.Run("echo", func(t *testing.T) { testEcho(t, x) })
	for name, test := range map[string]func(testing.TB, *example, string, []exchange){
		"curl": testCurl, "wget": testWget, "node": testNode, "h2load": testH2load,
	} {
		t.Run(name, func(t *testing.T) {
			if path := installed(t, name); path != "" {
				test(t, x, path, list)
			}
		})
	}
	x.stop()
}

// goVisitor is Go's own client. It takes what comes: redirects and codings are
// the caller's.
type goVisitor struct {
	http.Client
	dials atomic.Int32
}

func goClient(x *example, transport *http.Transport) *goVisitor {
	v := new(goVisitor)
	if transport == nil {
		transport = &http.Transport{DisableCompression: true, ExpectContinueTimeout: patience}
	}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		v.dials.Add(1)
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(x.ip, port))
	}
	v.Client = http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	x.t.Cleanup(v.CloseIdleConnections)
	return v
}

func (v *goVisitor) ask(e exchange) (reply, error) {
	return v.do(context.Background(), e)
}

func (v *goVisitor) do(ctx context.Context, e exchange) (got reply, err error) {
	var upload io.Reader
	if e.upload != "" {
		upload = strings.NewReader(e.upload)
	}
	req, err := http.NewRequestWithContext(ctx, e.method, e.url, upload)
	if err != nil {
		return got, err
	}
	for name, values := range e.fields {
		req.Header[name] = values
	}
	res, err := v.Do(req)
	if err != nil {
		return got, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(body)}, err
}

// Go's client, twice over all exchanges: with one connection for each listener
// and name, and with bodies of unknown length, which go in chunks.
func testGo(t testing.TB, x *example, list []exchange) {
	v := goClient(x, nil)
	hosts := map[string]bool{}
	for range 2 {
		for _, e := range list {
			continued := false
			trace := &httptrace.ClientTrace{Got100Continue: func() { continued = true }}
			got, err := v.do(httptrace.WithClientTrace(t.Context(), trace), e)
			if err != nil {
				t.Errorf("%s: %v", e.what, err)
				continue
			}
			e.check(t, got)
			if expects := e.fields.Get("Expect") != ""; continued != expects {
				t.Errorf("%s: 100 Continue %t, want %t", e.what, continued, expects)
			}
			hosts[strings.SplitN(e.url, "/", 4)[2]] = true
		}
	}
	if n := int(v.dials.Load()); n != len(hosts) {
		t.Errorf("%d connections for %d listeners and names", n, len(hosts))
	}
	for _, e := range list {
		if e.upload == "" {
			continue
		}
		body := io.MultiReader(strings.NewReader(e.upload)) // of a type whose length is not known
		req, err := http.NewRequest(e.method, e.url, body)
		must(t, err)
		req.Header = e.fields
		res, err := v.Do(req)
		must(t, err)
		answer, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != e.status {
			t.Errorf("%s, in chunks: %d, %v", e.what, res.StatusCode, err)
		}
		if e.status == 200 && !(strings.Contains(string(answer), "Transfer-Encoding: chunked\r\n") && strings.Contains(string(answer), e.upload)) {
			t.Errorf("%s, in chunks: %.500q", e.what, answer)
		}
	}
	follow := goClient(x, &http.Transport{}) // as programs use it: it asks for gzip and undoes it, unseen
	follow.CheckRedirect = nil
	if got, err := follow.ask(exchange{url: "http://localhost:" + x.home + "/sub"}); err != nil || got.body != x.file("home/sub/index.html") {
		t.Errorf("a redirect: %v, %d %q", err, got.status, got.body)
	}
}

// Each coding is negotiated, undone, and treated as a representation of its
// own: with a tag, with ranges of its coded bytes.
func testCoded(t testing.TB, x *example) {
	decode := map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"br":   func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) },
	}
	v := goClient(x, nil)
	url := "http://localhost:" + x.home + "/site.css" // small ones are coded first
	ask := func(pairs ...string) reply {
		t.Helper()
		e := exchange{url: url, fields: http.Header{}}
		for i := 0; i < len(pairs); i += 2 {
			e.fields.Set(pairs[i], pairs[i+1])
		}
		got, err := v.ask(e)
		must(t, err)
		return got
	}
	tags := map[string]string{x.tag(url): "identity"}
	for coding, decoder := range decode {
		accept := coding + ", identity;q=0.5"
		var got reply
		x.until(coding+" of a style sheet", func() bool { // coded in the background, once
			got = ask("Accept-Encoding", accept)
			return got.fields.Get("Content-Encoding") == coding
		})
		r, err := decoder(strings.NewReader(got.body))
		must(t, err)
		if plain, err := io.ReadAll(r); err != nil || string(plain) != x.file("home/site.css") {
			t.Errorf("%s gives %d bytes %.200q, %v", coding, len(plain), plain, err)
		}
		tag := got.fields.Get("Etag")
		if other := tags[tag]; other != "" || tag == "" {
			t.Errorf("%s has the tag %s of %s", coding, tag, other)
		}
		tags[tag] = coding
		if vary := got.fields.Get("Vary"); vary != "Accept-Encoding" {
			t.Errorf("%s: Vary %q", coding, vary)
		}
		if again := ask("Accept-Encoding", accept, "If-None-Match", tag); again.status != 304 || again.fields.Get("Etag") != tag {
			t.Errorf("%s again: %d %v", coding, again.status, again.fields)
		}
		part := ask("Accept-Encoding", accept, "Range", "bytes=100-199", "If-Range", tag)
		if part.status != 206 || part.body != got.body[100:200] || part.fields.Get("Content-Encoding") != coding ||
			part.fields.Get("Content-Range") != fmt.Sprintf("bytes 100-199/%d", len(got.body)) {
			t.Errorf("a range of %s: %d %v", coding, part.status, part.fields)
		}
	}
	if got := ask("Accept-Encoding", "gzip;q=0, br;q=0, *;q=0.1, identity;q=0"); got.fields.Get("Content-Encoding") != "zstd" {
		t.Errorf("of all codings but gzip, br and identity: %d %v", got.status, got.fields)
	}
}

// What nc does with port 8083: a megabyte goes there and comes back, while it
// is still being sent, and the end follows the end.
func testEcho(t testing.TB, x *example) {
	sent := make([]byte, 1<<20)
	rand.Read(sent)
	c := connect(t, net.JoinHostPort(x.ip, x.echo))
	wrote := make(chan error, 1)
	go func() {
		_, err := c.Write(sent)
		if err == nil {
			err = c.Conn.(*net.TCPConn).CloseWrite()
		}
		wrote <- err
	}()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back of %d, %v", len(got), len(sent), err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}
