package site

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"monopoll/routes/config"
)

// codedAs gives the body of a variant; "-" for none.
func codedAs(t *testing.T, tree *Tree, path string, c Coding) string {
	t.Helper()
	v := find(tree, path).Coded(c)
	if v == nil {
		return "-"
	}
	b, _ := v.Body()
	return b
}

func TestSidecars(t *testing.T) {
	dir := real(t, t.TempDir())
	then := time.Now().Add(-time.Hour)
	put := func(name, text string, age time.Duration) {
		write(t, dir+"/"+name, text)
		must(t, os.Chtimes(dir+"/"+name, then, then.Add(-age)))
	}
	put("a.js", "plain", 0)
	put("a.js.br", "brotli", 0)
	put("a.js.zst", "zstd", -time.Minute)
	put("a.js.gz", "gzip", time.Second)
	var said notes
	l := &Loader{Problem: said.problem}
	tree := load(t, l, dir, options(dir), nil)
	for c, want := range []string{"plain", "-", "zstd", "brotli"} {
		if got := codedAs(t, tree, "a.js", Coding(c)); got != want {
			t.Errorf("%s is %q, want %q", Coding(c), got, want)
		}
	}
	if said.count("a.js.gz is older than a.js") != 1 {
		t.Errorf("said %q", said)
	}
	f := find(tree, "a.js")
	br := f.Coded(Brotli)
	if want := "Content-Type: text/javascript; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nContent-Encoding: br\r\nAccept-Ranges: bytes\r\n" +
		"Cache-Control: max-age=60, stale-while-revalidate=600\r\nVary: Accept-Encoding\r\n"; br.Shared().Lines != want {
		t.Errorf("the variant's lines are %q", br.Shared().Lines)
	}
	if want := "Cache-Control: max-age=60, stale-while-revalidate=600\r\nVary: Accept-Encoding\r\n"; f.Shared().Lines304 != want || br.Shared().Lines304 != want {
		t.Errorf("304 has %q and %q", f.Shared().Lines304, br.Shared().Lines304)
	}
	if br.ETag() == f.ETag() || br.ETag() == f.Coded(Zstd).ETag() {
		t.Error("two representations have one tag")
	}
	own := find(tree, "a.js.br")
	if own.Shared().Type != octetStream || strings.Contains(own.Shared().Lines, "Content-Encoding") || own.HasCoded() {
		t.Errorf("under its own name the sidecar has %q", own.Shared().Lines)
	}

	sidecarsLater(t, dir, tree, put)
}

// sidecarsLater goes on with what becomes of sidecars.
func sidecarsLater(t *testing.T, dir string, tree *Tree, put func(name, text string, age time.Duration)) {
	t.Helper()
	l := new(Loader)
	put("a.js.gz", "fresh", 0)
	tree, delta := refresh(t, l, tree, dir+"/a.js.gz")
	if got := codedAs(t, tree, "a.js", Gzip); got != "fresh" || delta.Changed != 1 {
		t.Errorf("gzip is %q, delta %+v", got, delta)
	}
	put("a.js.gz", "", 0)
	if tree, _ = refresh(t, l, tree, dir+"/a.js.gz"); find(tree, "a.js").Coded(Gzip) != nil {
		t.Error("an empty sidecar is used")
	}
	put("a.js", "new", -2*time.Minute)
	tree, _ = refresh(t, l, tree, dir+"/a.js")
	if find(tree, "a.js").HasCoded() {
		t.Error("older sidecars are used")
	}
	must(t, os.Remove(dir+"/a.js"))
	tree, _ = refresh(t, l, tree, dir+"/a.js")
	wantBody(t, tree, "a.js.br", "brotli")

	opt := options(dir)
	opt.Precompressed = false
	put("a.js", "plain", time.Hour)
	if tree = load(t, l, dir, opt, tree); find(tree, "a.js").HasCoded() {
		t.Error("precompressed: false, and sidecars are used")
	}
	if tree = load(t, l, dir, options(dir), tree); codedAs(t, tree, "a.js", Brotli) != "brotli" {
		t.Error("precompressed: true again, and sidecars are not used")
	}
}

// encodeAll does all the work of a tree.
func encodeAll(t *testing.T, tree *Tree, e *Encoder) *Tree {
	t.Helper()
	var done []Variant
	for _, w := range tree.Plan() {
		v, err := e.Do(context.Background(), w)
		must(t, err)
		done = append(done, v)
	}
	return tree.With(done, 1<<30)
}

// noise is text that does not compress.
func noise(n int) string {
	b := make([]byte, n)
	x := uint64(88172645463325252)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x >> 32)
	}
	return string(b)
}

func TestEncode(t *testing.T) {
	dir := real(t, t.TempDir())
	text := strings.Repeat("compress me. ", 100)
	write(t, dir+"/d/a.html", text)
	write(t, dir+"/copy.html", text)
	write(t, dir+"/small.html", text[:minEncode])
	write(t, dir+"/noise.txt", noise(2000))
	write(t, dir+"/picture.png", text)
	write(t, dir+"/side.css", text[1:])
	write(t, dir+"/side.css.br", "sidecar")
	write(t, dir+"/side.css.gz", text+"x") // its bytes would compress again
	l, e := new(Loader), &Encoder{Cache: new(Cache)}
	plain := load(t, l, dir, options(dir), nil)
	if got := len(plain.Plan()); got != 3+3+1 {
		t.Errorf("%d variants are planned", got)
	}
	tree := encodeAll(t, plain, e)
	if find(plain, "d/a.html").HasCoded() {
		t.Fatal("the tree before has changed")
	}
	if n := len(tree.Plan()); n != 0 {
		t.Errorf("%d variants are planned again", n)
	}
	for _, path := range []string{"d/a.html", "copy.html"} {
		for c := Gzip; c < codings; c++ {
			if f := find(tree, path); f.Coded(c) == nil || f.Coded(c).Size()*100 > f.Size()*(100-worth) || f.Coded(c).ETag() == f.ETag() {
				t.Errorf("%s as %s is %v", path, c, f.Coded(c))
			}
		}
	}
	for _, path := range []string{"small.html", "noise.txt", "picture.png", "side.css.gz"} {
		if find(tree, path).HasCoded() {
			t.Errorf("%s has variants", path)
		}
	}
	if codedAs(t, tree, "side.css", Brotli) != "sidecar" || codedAs(t, tree, "side.css", Gzip) != text+"x" || find(tree, "side.css").Coded(Zstd) == nil {
		t.Error("sidecars do not win, or nothing stands beside them")
	}
	gz := find(tree, "d/a.html").Coded(Gzip)
	r, err := gzip.NewReader(bytes.NewReader([]byte(codedAs(t, tree, "d/a.html", Gzip))))
	must(t, err)
	if back, err := io.ReadAll(r); err != nil || string(back) != text {
		t.Errorf("gzip unpacks to %q, %v", back, err)
	}
	if !strings.Contains(gz.Shared().Lines, "Content-Encoding: gzip\r\n") || !strings.HasPrefix(gz.Tail(), find(tree, "d/a.html").Tail()[:46]) {
		t.Errorf("a variant says %q %q", gz.Shared().Lines, gz.ETag())
	}
	if !strings.Contains(find(plain, "copy.html").Shared().Lines, "Vary: Accept-Encoding\r\n") {
		t.Error("what may get variants does not say Vary before it has them")
	}
	if got := tree.Memory(); got <= plain.Memory() || tree.plain.sum != deepTotal(tree.plain) {
		t.Errorf("memory %d, without variants %d; %+v", got, plain.Memory(), tree.plain.sum)
	}
}

// deepTotal sums a directory up anew.
func deepTotal(d *Dir) totals {
	sum := totals{links: int32(len(d.links()))}
	for _, f := range d.files.list {
		sum.add(f.total())
	}
	for _, e := range d.dirs.list {
		sum.add(deepTotal(e))
		sum.dirs++
	}
	return sum
}

// Variants outlive what does not change the body.
func TestVariantsStay(t *testing.T) {
	dir := real(t, t.TempDir())
	text := strings.Repeat("compress me. ", 100)
	write(t, dir+"/a.html", text)
	write(t, dir+"/b/l.html", text+"2")
	symlink(t, "b/l.html", dir+"/link.html")
	l, e := new(Loader), new(Encoder)
	tree := encodeAll(t, load(t, l, dir, options(dir), nil), e)
	has := func(what string) {
		t.Helper()
		for _, path := range []string{"a.html", "b/l.html", "link.html"} {
			if find(tree, path).Coded(Brotli) == nil {
				t.Errorf("%s: %s has lost its variants", what, path)
			}
		}
		if n := len(tree.Plan()); n != 0 {
			t.Errorf("%s: %d variants are planned", what, n)
		}
	}
	has("at first")
	write(t, dir+"/other", "")
	tree, _ = refresh(t, l, tree, dir+"/other")
	has("another file")
	write(t, dir+"/.new", text)
	then := time.Unix(1e9, 0)
	must(t, os.Chtimes(dir+"/.new", then, then))
	must(t, os.Rename(dir+"/.new", dir+"/a.html"))
	tree, _ = refresh(t, l, tree, dir+"/a.html")
	has("the same body again")
	if sec, _ := find(tree, "a.html").Coded(Brotli).Modified(); sec != 1e9 {
		t.Errorf("the variant is of %d", sec)
	}
	opt := options(dir)
	opt.Headers = append(opt.Headers, header("X-A", "b"))
	tree = load(t, l, dir, opt, tree)
	has("other headers")
	if !strings.Contains(find(tree, "link.html").Coded(Brotli).Shared().Lines, "X-A: b\r\n") {
		t.Error("variants keep the old headers")
	}
	opt = options(dir)
	opt.Compress = false
	tree = load(t, l, dir, opt, tree)
	if find(tree, "a.html").HasCoded() || find(tree, "link.html").HasCoded() || len(tree.Plan()) != 0 ||
		strings.Contains(find(tree, "a.html").Shared().Lines, "Vary") {
		t.Error("compress: false, and there are variants")
	}
}

// What came back is not compressed again; what has no room is dropped for good.
func TestCacheAndRoom(t *testing.T) {
	dir := real(t, t.TempDir())
	texts := []string{strings.Repeat("first. ", 200), strings.Repeat("second. ", 200)}
	l, e := new(Loader), &Encoder{Cache: new(Cache)}
	var tree *Tree
	var first *File
	for i := range 3 {
		write(t, dir+"/a.html", texts[i%2])
		tree = load(t, l, dir, options(dir), tree)
		work := tree.Plan()
		if len(work) != 3 {
			t.Fatalf("%d variants are planned", len(work))
		}
		v, err := e.Do(context.Background(), work[0])
		must(t, err)
		if i == 0 {
			first = v.file
		} else if (v.file == first) != (i == 2) {
			t.Errorf("round %d: from the cache: %v", i, v.file == first)
		}
		none := tree.With([]Variant{v}, 100)
		if find(none, "a.html").HasCoded() || len(none.Plan()) != 2 {
			t.Error("a variant is taken without room for it, or planned again")
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Do(ctx, tree.Plan()[0]); err != context.Canceled {
		t.Errorf("Do with a cancelled context: %v", err)
	}
}

// A rule for a folder holds for the variants there too, when a symlink leads to
// the folder by another name.
func TestVariantsBehindLink(t *testing.T) {
	dir := real(t, t.TempDir())
	write(t, dir+"/real/a.txt", strings.Repeat("compress me. ", 100))
	symlink(t, "a.txt", dir+"/real/again.html")
	symlink(t, "real", dir+"/alias")
	opt := options(dir)
	opt.Cache = []config.CacheRule{{Glob: "real/*", Value: "max-age=5"}}
	plain := load(t, new(Loader), dir, opt, nil)
	v, err := new(Encoder).Do(context.Background(), plain.Plan()[0])
	must(t, err)
	for range 10 { // maps come in another order each time
		tree := plain.With([]Variant{v}, 1<<20)
		for _, path := range []string{"alias/a.txt", "real/a.txt", "alias/again.html"} {
			if v := find(tree, path).Coded(Brotli); v == nil || !strings.Contains(v.Shared().Lines, "Cache-Control: max-age=5\r\n") {
				t.Errorf("%s as br: %+v", path, v)
			}
		}
	}
}

// Two versions of one second: their date tells nobody which one it has, that of
// a later second does. The variants that are made of them know it, too.
func TestDatedTwice(t *testing.T) {
	dir, l := real(t, t.TempDir()), calm()
	second := time.Now().Add(-time.Hour).Truncate(time.Second)
	put := func(text string, when time.Time) {
		write(t, dir+"/next", strings.Repeat(text, 1000))
		must(t, os.Chtimes(dir+"/next", when, when))
		must(t, os.Rename(dir+"/next", dir+"/a.html"))
	}
	put("one", second)
	tree := load(t, l, dir, options(dir), nil)
	// A large file has a tag of its stamp at first, which is another one when only
	// its permissions have changed.
	l.Threshold = 10
	large := load(t, l, dir, options(dir), nil)
	must(t, os.Chmod(dir+"/a.html", 0o600))
	if large, _ = refresh(t, l, large, dir+"/a.html"); find(large, "a.html").DatedTwice() {
		t.Error("other permissions are taken for another version")
	}
	put("two", second.Add(1))
	if large, _ = refresh(t, l, large, dir+"/a.html"); !find(large, "a.html").DatedTwice() {
		t.Error("another version of a large file is taken for the same")
	}
	put("one", second)
	l.Threshold = 0
	for _, c := range []struct {
		text  string
		when  time.Duration
		twice bool
	}{{"one", 0, false}, {"two", 1, true}, {"two", 2, true}, {"three", time.Second, false}, {"three", 2 * time.Second, false}} {
		put(c.text, second.Add(c.when))
		tree, _ = refresh(t, l, tree, dir+"/a.html")
		tree = encodeAll(t, tree, &Encoder{})
		f := find(tree, "a.html")
		if f.DatedTwice() != c.twice || f.Coded(Gzip).DatedTwice() != c.twice {
			t.Errorf("%s at %s: %t, its variant %t", c.text, c.when, f.DatedTwice(), f.Coded(Gzip).DatedTwice())
		}
	}
}

// The text of a large file is compressed when its tag is known; its body stays
// where it is. What is larger still is left alone.
func TestLargeText(t *testing.T) {
	dir, l := real(t, t.TempDir()), calm()
	text := strings.Repeat("body { color: red }\n", Threshold/20+1)
	write(t, dir+"/large.css", text)
	write(t, dir+"/larger.css", strings.Repeat("x", maxEncode+1))
	write(t, dir+"/large.bin", text)
	tree := load(t, l, dir, options(dir), nil)
	if plan := tree.Plan(); len(plan) != 0 {
		t.Errorf("%d variants are planned of bodies whose tags are not known", len(plan))
	}
	tags := map[*File]string{}
	for _, f := range tree.Unhashed() {
		tag, err := l.Hash(f, nil)
		must(t, err)
		tags[f] = tag
	}
	tree = encodeAll(t, tree.Tagged(tags), &Encoder{})
	f := find(tree, "large.css")
	if _, inMemory := f.Body(); inMemory || f.Coded(Gzip).Size() > 10_000 || !strings.Contains(f.Shared().Lines, "Vary: Accept-Encoding") {
		t.Errorf("in memory: %t; %q", inMemory, f.Shared().Lines)
	}
	body, _ := f.Coded(Gzip).Body()
	r, err := gzip.NewReader(strings.NewReader(body))
	must(t, err)
	if got, err := io.ReadAll(r); string(got) != text {
		t.Errorf("%d bytes come back: %v", len(got), err)
	}
	for _, name := range []string{"larger.css", "large.bin"} {
		if f := find(tree, name); f.HasCoded() || strings.Contains(f.Shared().Lines, "Vary") {
			t.Errorf("%s: %q", name, f.Shared().Lines)
		}
	}
	if plan := tree.Plan(); len(plan) != 0 {
		t.Errorf("%d variants are planned once more", len(plan))
	}
	write(t, dir+"/large.css", text+"more") // before its event is heard of
	if _, err := (&Encoder{}).Do(t.Context(), Work{f, Brotli}); !errors.Is(err, ErrChanged) {
		t.Errorf("another version: %v", err)
	}
}
