package site

import (
	"strings"
	"testing"

	"monopoll/routes/config"
)

func header(name, value string) config.Header { return config.Header{Name: name, Value: value} }

func TestFixed(t *testing.T) {
	f := Fixed("text/plain; charset=utf-8", []config.Header{header("X-Pot", "short")}, []byte("hello"))
	if want := "ETag: \"LPJNul-wow4m6Dsqxbning\"\r\nContent-Length: 5\r\n\r\nhello"; f.Tail() != want {
		t.Errorf("Tail is %q", f.Tail())
	}
	if want := "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nX-Pot: short\r\n"; f.Shared().Lines != want {
		t.Errorf("Lines is %q", f.Shared().Lines)
	}
	if _, ok := f.Modified(); ok || f.HasCoded() || f.Forbidden() || f.Coded(Identity) != f || f.Coded(Gzip) != nil {
		t.Error("a fixed response is more than it should be")
	}
	if f := Fixed("", nil, nil); f.Shared().TypeLen != 0 || f.Size() != 0 || strings.Contains(f.Shared().Lines, "Content-Type:") {
		t.Errorf("an empty one has %q", f.Shared().Lines)
	}
}

// Headers of the config against our own: theirs wins, each field stands once.
func TestHeaders(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a.css", strings.Repeat("a", 1000))
	for _, c := range []struct {
		name               string
		headers            []config.Header
		typ, lines, lines3 string
	}{
		{"none", nil, "text/css; charset=utf-8",
			"Content-Type: text/css; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nAccept-Ranges: bytes\r\nCache-Control: max-age=60, stale-while-revalidate=600\r\nVary: Accept-Encoding\r\n",
			"Cache-Control: max-age=60, stale-while-revalidate=600\r\nVary: Accept-Encoding\r\n"},
		{"more", []config.Header{header("X-Frame-Options", "DENY"), header("Link", "<a>"), header("Link", "<b>")}, "text/css; charset=utf-8",
			"Content-Type: text/css; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nAccept-Ranges: bytes\r\nCache-Control: max-age=60, stale-while-revalidate=600\r\nVary: Accept-Encoding\r\nX-Frame-Options: DENY\r\nLink: <a>\r\nLink: <b>\r\n",
			"Cache-Control: max-age=60, stale-while-revalidate=600\r\nVary: Accept-Encoding\r\nX-Frame-Options: DENY\r\nLink: <a>\r\nLink: <b>\r\n"},
		{"instead", []config.Header{header("cache-control", "no-store"), header("content-TYPE", "text/x"), header("Accept-Ranges", "none"), header("x-content-type-options", "sniff")}, "text/x",
			"Content-Type: text/x\r\nVary: Accept-Encoding\r\ncache-control: no-store\r\nAccept-Ranges: none\r\nx-content-type-options: sniff\r\n",
			"Vary: Accept-Encoding\r\ncache-control: no-store\r\n"},
		{"joined", []config.Header{header("vary", "Origin")}, "text/css; charset=utf-8",
			"Content-Type: text/css; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nAccept-Ranges: bytes\r\nCache-Control: max-age=60, stale-while-revalidate=600\r\nVary: Accept-Encoding, Origin\r\n",
			"Cache-Control: max-age=60, stale-while-revalidate=600\r\nVary: Accept-Encoding, Origin\r\n"},
		{"not theirs", []config.Header{header("ETag", `"x"`), header("Content-Length", "1"), header("last-modified", "x")}, "text/css; charset=utf-8",
			"Content-Type: text/css; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nAccept-Ranges: bytes\r\nCache-Control: max-age=60, stale-while-revalidate=600\r\nVary: Accept-Encoding\r\n",
			"Cache-Control: max-age=60, stale-while-revalidate=600\r\nVary: Accept-Encoding\r\n"},
	} {
		opt := NewOptions(&config.Root{Compress: true}, c.headers)
		s := find(load(t, new(Loader), dir, opt, nil), "a.css").Shared()
		if s.Type != c.typ || s.Lines != c.lines || s.Lines304 != c.lines3 {
			t.Errorf("%s: type %q\nlines %q\nwant  %q\n304   %q\nwant  %q", c.name, s.Type, s.Lines, c.lines, s.Lines304, c.lines3)
		}
		if !strings.HasPrefix(s.Lines, "Content-Type: "+c.typ+"\r\n") || s.TypeLen != len("Content-Type: "+c.typ+"\r\n") {
			t.Errorf("%s: the first line has %d bytes", c.name, s.TypeLen)
		}
	}
}

// Files of one kind have one Shared; other options make other ones of the same files.
func TestSharedOnce(t *testing.T) {
	dir := real(t, t.TempDir())
	write(t, dir+"/a.png", "a")
	write(t, dir+"/b/c.PNG", "c")
	opt := options(dir)
	l := calm()
	tree := load(t, l, dir, opt, nil)
	if find(tree, "a.png").Shared() != find(tree, "b/c.PNG").Shared() {
		t.Error("two pictures have two Shared")
	}
	if same := load(t, l, dir, options(dir), tree); same.Root() != tree.Root() || same.Options() != opt {
		t.Error("equal options make another tree")
	}
	other := options(dir)
	other.Headers = []config.Header{header("X-A", "1")}
	next := load(t, l, dir, other, tree)
	f, g := find(tree, "a.png"), find(next, "a.png")
	if !strings.HasSuffix(g.Shared().Lines, "X-A: 1\r\n") || strings.Contains(f.Shared().Lines, "X-A") {
		t.Errorf("lines %q, before %q", g.Shared().Lines, f.Shared().Lines)
	}
}

func TestKey(t *testing.T) {
	root := config.Root{Dir: "/a", Index: []string{"index.html"}, Cache: []config.CacheRule{{Glob: "*.a", Value: "b"}}}
	base := NewOptions(&root, nil).Key()
	if NewOptions(&root, nil).Key() != base {
		t.Error("equal options have two keys")
	}
	for i, change := range []func(*config.Root) []config.Header{
		func(r *config.Root) []config.Header { r.Index = []string{"a", "b"}; return nil },
		func(r *config.Root) []config.Header { r.Listing = true; return nil },
		func(r *config.Root) []config.Header { r.Fallback = "/x"; return nil },
		func(r *config.Root) []config.Header { r.Hidden = true; return nil },
		func(r *config.Root) []config.Header { r.Precompressed = true; return nil },
		func(r *config.Root) []config.Header { r.Compress = true; return nil },
		func(r *config.Root) []config.Header { r.Cache = nil; return nil },
		func(r *config.Root) []config.Header { r.TrailingSlash = config.SlashOff; return nil },
		func(*config.Root) []config.Header { return []config.Header{header("a", "b")} },
	} {
		other := root
		headers := change(&other)
		if NewOptions(&other, headers).Key() == base {
			t.Errorf("change %d does not show in the key", i)
		}
	}
}

func TestCacheControl(t *testing.T) {
	opt := &Options{Cache: []config.CacheRule{
		{Glob: "*.pdf", Value: "pdf"}, {Glob: "/assets/*", Value: "assets"}, {Glob: "docs/*.html", Value: "docs"},
	}}
	for _, c := range []struct{ dir, name, want string }{
		{"", "index.html", cachePage},
		{"", "a.XHTML", cachePage},
		{"", "index-3f2a9bc1.html", cachePage},
		{"deep/down", "a.pdf", "pdf"},
		{"assets", "x.png", "assets"},
		{"assets/sub", "x.png", cacheRest},
		{"docs", "a.html", "docs"},
		{"x/docs", "a.html", cachePage},
		{"", "app.3f2a9bc1.js", cacheHashed},
		{"", "app-3f2a9bc1d0e4f5.css", cacheHashed},
		{"", "app.3f2a9bc1.js.map", cacheHashed},
		{"", "app.3f2a9bc1.min.css", cacheHashed},
		{"", "chunk-4QKJ3W2A.js", cacheHashed},
		{"", "chunk-a7bc2d5e.js", cacheHashed},
		{"", "chunk-k3jm2p5q.js", cacheHashed},
		{"", "app.js", cacheRest},
		{"", "3f2a9bc1.js", cacheRest},
		{"", "app.3f2a9bc.js", cacheRest},
		{"", "app.3f2a9bcg.js", cacheRest},
		{"", "app-template.js", cacheRest},
		{"", "app-defaced.js", cacheRest},
		{"", "app-facadefade.js", cacheRest},
		{"", "report-20240131.png", cacheRest},
		{"", "photo-1920x1080.jpg", cacheRest},
		{"", "img-product2.jpg", cacheRest},
		{"", "Img-Product2.jpg", cacheRest},
		{"", "my-version22.jpg", cacheRest},
		{"", "app.3f2a9bc1", cacheRest},
		{"", ".3f2a9bc1.js", cacheRest},
		{"", "-.", cacheRest},
	} {
		if got := opt.cacheControl(c.dir, c.name, MediaType(c.name)); got != c.want {
			t.Errorf("%s/%s: %q, want %q", c.dir, c.name, got, c.want)
		}
	}
}

func TestMediaType(t *testing.T) {
	for name, want := range map[string]string{
		"a.html": "text/html; charset=utf-8", "A.HTML": "text/html; charset=utf-8", "a.js": "text/javascript; charset=utf-8",
		"a.mjs": "text/javascript; charset=utf-8", "a.json": "application/json; charset=utf-8", "a.svg": "image/svg+xml; charset=utf-8",
		"a.xml": "application/xml; charset=utf-8", "a.woff2": "font/woff2", "a.avif": "image/avif", "a.wasm": "application/wasm",
		"a.webmanifest": "application/manifest+json; charset=utf-8", "a.mp4": "video/mp4", "a.tar.gz": "application/gzip",
		"a.unknown": octetStream, "a": octetStream, "a.": octetStream, "": octetStream, ".html": "text/html; charset=utf-8",
		"a." + strings.Repeat("h", 100): octetStream, "a.html.br": octetStream, "a.png": "image/png", "a.ico": "image/vnd.microsoft.icon",
	} {
		if got := MediaType(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if len(mediaTypes) < 120 {
		t.Errorf("only %d extensions", len(mediaTypes))
	}
	for ext, typ := range mediaTypes {
		if ext != strings.ToLower(ext) || len(ext) > longestExt || strings.Count(typ, "/") != 1 || strings.ContainsAny(typ, "; \r\n") {
			t.Errorf("%q: %q", ext, typ)
		}
	}
	if n := testing.AllocsPerRun(100, func() { MediaType("some/File.HTML") }); n != 0 {
		t.Errorf("MediaType allocates %v times", n)
	}
}
