package routes

import (
	"bytes"
	"net/url"
	"os"
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

// shown gives a resolved path as the tests write it: segments in brackets, and
// a slash at the end if there is one.
func shown(p *Path) string {
	var b strings.Builder
	for i := range p.segs {
		b.WriteString("[" + string(p.seg(i)) + "]")
	}
	if p.slash {
		b.WriteString("/")
	}
	return b.String()
}

// TestPath reads testdata/paths.txt: a path as sent, "->", and what it is.
func TestPath(t *testing.T) {
	text, err := os.ReadFile("testdata/paths.txt")
	if err != nil {
		t.Fatal(err)
	}
	var p Path
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		sent, want, _ := strings.Cut(line, " -> ")
		got := "400"
		if p.Resolve([]byte(sent)) {
			got = shown(&p)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", sent, got, want)
		}
	}
}

// FuzzPath checks what everything behind a Path relies on, against a second
// way to the same result: net/url to decode, package path to resolve.
func FuzzPath(f *testing.F) {
	text, err := os.ReadFile("testdata/paths.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		sent, _, _ := strings.Cut(line, " -> ")
		f.Add([]byte(sent))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p, again Path
		if !p.Resolve(raw) {
			if want, ok := oracle(raw); ok {
				t.Fatalf("%q is refused, and is %s", raw, want)
			}
			return
		}
		for i := range p.segs {
			seg := p.seg(i)
			if len(seg) == 0 || string(seg) == "." || string(seg) == ".." || bytes.IndexByte(seg, 0) >= 0 || !utf8.Valid(seg) {
				t.Fatalf("%q has the segment %q", raw, seg)
			}
		}
		if want, ok := oracle(raw); !ok || want != shown(&p) {
			t.Fatalf("%q is %s, want %s %v", raw, shown(&p), want, ok)
		}
		before := shown(&p)
		sent := p.appendTo(nil)
		if len(sent) > 1 && (sent[1] == '/' || sent[1] == '\\') || sent[0] != '/' {
			t.Fatalf("%q would redirect to %q", raw, sent)
		}
		for _, c := range sent {
			if c <= ' ' || c >= 0x7f || c == '\\' || c == '?' || c == '#' {
				t.Fatalf("%q would redirect to %q", raw, sent)
			}
		}
		if !again.Resolve(sent) || shown(&again) != before {
			t.Fatalf("%q is %s, but sent back as %q it is %s", raw, before, sent, shown(&again))
		}
	})
}

// oracle resolves a path by the standard library.
func oracle(raw []byte) (string, bool) {
	text := string(raw)
	if text == "" || text[0] != '/' {
		return "", false
	}
	// what decodes to a slash is set aside as a byte that no UTF-8 has
	var segs []string
	for seg := range strings.SplitSeq(text, "/") {
		decoded, err := url.PathUnescape(seg)
		if err != nil || strings.Contains(decoded, "\x00") || !utf8.ValidString(decoded) {
			return "", false
		}
		segs = append(segs, strings.ReplaceAll(decoded, "/", "\xff"))
	}
	last := segs[len(segs)-1]
	clean := path.Clean(strings.Join(segs, "/"))
	out := ""
	for seg := range strings.SplitSeq(clean[1:], "/") {
		if seg != "" {
			out += "[" + strings.ReplaceAll(seg, "\xff", "/") + "]"
		}
	}
	if last == "" || last == "." || last == ".." || clean == "/" {
		out += "/"
	}
	return out, true
}
