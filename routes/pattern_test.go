package routes

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestPatternMistakes reads testdata/patterns.txt: a pattern on one line, and
// after "->" what is said about it; "ok" for nothing. One with spaces at its ends
// stands in quotes.
func TestPatternMistakes(t *testing.T) {
	text, err := os.ReadFile("testdata/patterns.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		pattern, want, ok := strings.Cut(line, " -> ")
		if !ok {
			t.Fatalf("no -> in %q", line)
		}
		got := "ok"
		if quoted, err := strconv.Unquote(pattern); err == nil {
			pattern = quoted
		}
		if _, _, err := parsePattern(pattern); err != nil {
			got = err.Error()
		}
		if got != strings.TrimSpace(want) {
			t.Errorf("%s\n  want %s\n  got  %s", pattern, strings.TrimSpace(want), got)
		}
	}
}

// compiled makes a router of patterns, and gives the pairs that conflict. A
// pattern that is none, or that conflicts, is left out.
func compiled(patterns []string) (r *router, refused map[string]bool) {
	refused = make(map[string]bool)
	var kept []*route
	for _, text := range patterns {
		p, _, err := parsePattern(text)
		if err != nil {
			refused[text] = true
			continue
		}
		next := &route{pattern: p, index: len(kept), takes: allMethods}
		next.pos.Line = len(kept) + 1
		conflict := false
		compile(append(kept[:len(kept):len(kept)], next), func(*route, string) { conflict = true })
		if conflict {
			refused[text] = true
			continue
		}
		kept = append(kept, next)
	}
	made := compile(kept, func(r *route, text string) { panic(text) })
	return &made, refused
}

// muxOf registers patterns with a ServeMux, one after the other as they stand,
// and gives those that it refuses.
func muxOf(patterns []string) (mux *http.ServeMux, refused map[string]bool) {
	mux, refused = http.NewServeMux(), make(map[string]bool)
	for _, text := range patterns {
		func() {
			defer func() {
				if recover() != nil {
					refused[text] = true
				}
			}()
			mux.Handle(text, http.NotFoundHandler())
		}()
	}
	return mux, refused
}

// agree compares a router with net/http.ServeMux: which patterns are refused,
// and which one wins each request.
func agree(t *testing.T, patterns, paths []string) {
	t.Helper()
	ours, refused := compiled(patterns)
	mux, muxRefused := muxOf(patterns)
	for _, p := range patterns {
		if refused[p] != muxRefused[p] {
			t.Fatalf("of %q:\n%s: refused %v, by ServeMux %v", patterns, p, refused[p], muxRefused[p])
		}
	}
	var s search
	var path Path
	for _, target := range paths {
		for _, method := range []Method{MethodGet, MethodHead, MethodPost, MethodOptions} {
			for _, host := range []string{"h.test", "other.test"} {
				if !path.Resolve([]byte(target)) {
					t.Fatalf("cannot resolve %q", target)
				}
				s.path, s.method = &path, method
				ours.find(&s, []byte(host))
				got := ""
				switch {
				case s.slashed != nil && !s.exact:
					got = s.slashed.pattern.text
				case s.found != nil:
					got = s.found.pattern.text
				}
				u, err := url.ParseRequestURI(target)
				if err != nil {
					t.Fatal(err)
				}
				_, want := mux.Handler(&http.Request{Method: method.String(), Host: host, URL: u})
				if got != want {
					t.Fatalf("of %q:\n%s %s%s goes to %q, in ServeMux to %q", patterns, method, host, target, got, want)
				}
			}
		}
	}
}

// randomPatterns makes patterns of few segments, so that many of them overlap.
func randomPatterns(random *rand.Rand) []string {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	seen := make(map[string]bool)
	var out []string
	for range 2 + random.IntN(7) {
		var b strings.Builder
		b.WriteString(pick("", "", "", "GET ", "HEAD ", "POST ", "OPTIONS "))
		b.WriteString(pick("", "", "", "h.test"))
		for i := range random.IntN(4) {
			b.WriteString("/" + pick("a", "b", "%61", "c%2Fd", fmt.Sprintf("{x%d}", i), fmt.Sprintf("{y%d}", i)))
		}
		b.WriteString(pick("/", "/", "/{$}", "/{rest...}", ""))
		if text := b.String(); strings.Contains(text, "/") && !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	return out
}

func randomPaths(random *rand.Rand) []string {
	var out []string
	for range 12 {
		var b strings.Builder
		for range random.IntN(5) {
			b.WriteString("/" + []string{"a", "b", "c%2Fd", "c", "%62"}[random.IntN(5)])
		}
		if b.Len() == 0 || random.IntN(2) == 0 {
			b.WriteString("/")
		}
		out = append(out, b.String())
	}
	return out
}

// TestPatternsLikeServeMux compares random sets of patterns with ServeMux.
func TestPatternsLikeServeMux(t *testing.T) {
	for seed := range uint64(600) {
		random := rand.New(rand.NewPCG(seed, 1))
		agree(t, randomPatterns(random), randomPaths(random))
	}
}

// FuzzPatterns does it for sets that the fuzzer makes: one number is a seed.
func FuzzPatterns(f *testing.F) {
	f.Add(uint64(1), uint64(1))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		random := rand.New(rand.NewPCG(a, b))
		agree(t, randomPatterns(random), randomPaths(random))
	})
}

// FuzzParsePattern compares what is a pattern at all. Here ServeMux takes more;
// each difference has a reason.
func FuzzParsePattern(f *testing.F) {
	for _, s := range []string{"/", "GET /a/{b}/{c...}", "h.test/x/{$}", "POST  h/", "/{", "/a{b}", "*.h/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, _, err := parsePattern(text)
		_, refused := muxOf([]string{text})
		switch {
		case err == nil && refused[text] && !strings.Contains(text, "*."):
			t.Fatalf("%q is a pattern here and none in ServeMux", text)
		case err == nil:
			var path Path
			if at := example(&p, &p); !path.Resolve([]byte(at)) {
				t.Fatalf("%q has an example that is no path: %q", text, at)
			}
		}
	})
}

// TestConflicts: what is said names the other line, and a request that both match.
func TestConflicts(t *testing.T) {
	const none, same = "", "same"
	for _, c := range []struct{ a, b, want string }{
		{"/a/{x}", "/{y}/b", "/a/b"},
		{"GET /", "/a", "GET /a"},
		{"GET /a/{x}", "HEAD /{y}/b", "HEAD /a/b"},
		{"/a/{x}/", "/{y}/b/{z...}", "/a/b/"},
		{"/{x}/b", "/a/", "/a/b"},
		{"/{a}/{b}/c/", "/x/{rest...}", "/x/b/c/"},
		{"/{a}/{$}", "/x/", "/x/"},
		{"/{a}/y", "/x/{$}", none},
		{"/{a}/{$}", "/x/{rest...}", "/x/"},
		{"/x/{b}/c/", "/x/{rest...}", none},
		{"GET /{x}", "HEAD /{y}", none},
		{"/a", "/a/", none},
		{"/a/", "/a/{$}", none},
		{"/a/{x}", "/a/{$}", none},
		{"GET /a", "POST /a", none},
		{"GET /a/{x}", "POST /{y}/b", none},
		{"h.test/a/{x}", "/{y}/b", none},
		{"*.test/a/{x}", "h.test/{y}/b", none},
		{"*.test/a/{x}", "*.TEST./{y}/b", "/a/b"},
		{"/{x}", "/{y}", same},
		{"/%61", "/a", same},
		{"/a/", "/a/{x...}", same},
	} {
		for _, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			said := conflicts(t, pair[:])
			want := "both match " + c.want + ";"
			switch {
			case c.want == none && said != "", c.want != none && strings.Count(said, "in line ") != 1,
				c.want == same && !strings.Contains(said, "matches the same requests"),
				c.want != none && c.want != same && !strings.Contains(said, want):
				t.Errorf("%s and %s: want %q, got %q", pair[0], pair[1], c.want, said)
			}
		}
	}
}

// conflicts compiles patterns and gives what is said about them.
func conflicts(t *testing.T, patterns []string) string {
	t.Helper()
	var said strings.Builder
	routes := make([]*route, len(patterns))
	for i, text := range patterns {
		p, _, err := parsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		routes[i] = &route{pattern: p, index: i}
		routes[i].pos.Line = i + 1
	}
	compile(routes, func(r *route, text string) { said.WriteString(text + "\n") })
	return said.String()
}

// TestManyRoutesCompileFast bounds the work, not the time: comparing 10,000
// patterns in pairs would be 50,000,000 steps.
func TestManyRoutesCompileFast(t *testing.T) {
	shapes := map[string]func(i int) string{
		"flat":      func(i int) string { return fmt.Sprintf("/r%d", i) },
		"subtrees":  func(i int) string { return fmt.Sprintf("/a/r%d/", i) },
		"hosts":     func(i int) string { return fmt.Sprintf("h%d.test/", i) },
		"wildcards": func(i int) string { return fmt.Sprintf("/r%d/{id}/x/{rest...}", i) },
		"behind":    func(i int) string { return fmt.Sprintf("/{tenant}/r%d", i) },
		"methods":   func(i int) string { return fmt.Sprintf("%s/r%d", []string{"GET ", "POST "}[i%2], i/2) },
	}
	for name, shape := range shapes {
		var routes []*route
		for i := range 10_000 {
			p, _, err := parsePattern(shape(i))
			if err != nil {
				t.Fatal(err)
			}
			routes = append(routes, &route{pattern: p, index: i})
		}
		p, _, _ := parsePattern("/")
		routes = append(routes, &route{pattern: p, index: len(routes)})
		began := time.Now()
		r := compile(routes, func(r *route, text string) { t.Fatal(text) })
		t.Logf("%s: %v", name, time.Since(began))
		steps := 0
		for _, each := range routes {
			steps += countWalk(r.tree(&each.pattern), &each.pattern)
		}
		if steps > 40*len(routes) {
			t.Errorf("%s: %d steps for %d routes", name, steps, len(routes))
		}
	}
}

// countWalk counts the nodes that a conflictWalk visits.
func countWalk(n *node, p *pattern) int {
	w := conflictWalk{q: p}
	w.walk(n, 0, relEqual)
	return w.steps
}

func TestHosts(t *testing.T) {
	r, refused := compiled([]string{
		"/", "example.com/", "*.example.com/", "*.b.example.com/", "*.com/only", "[::1]/", "Case.Test./x",
	})
	if len(refused) > 0 {
		t.Fatal(refused)
	}
	for _, c := range []struct{ host, path, want string }{
		{"example.com", "/", "example.com/"},
		{"EXAMPLE.com:8080", "/", "example.com/"},
		{"example.com.", "/", "example.com/"},
		{"example.com.:80", "/", "example.com/"},
		{"a.example.com", "/", "*.example.com/"},
		{"a.a.example.com", "/", "*.example.com/"},
		{"b.example.com", "/", "*.example.com/"},
		{"a.b.example.com", "/", "*.b.example.com/"},
		{"x.y.a.b.example.com", "/", "*.b.example.com/"},
		{".example.com", "/", "/"},
		{"ample.com", "/", "/"},
		{"ample.com", "/only", "*.com/only"},
		{"a.example.com", "/only", "*.example.com/"},
		{"[::1]", "/", "[::1]/"},
		{"[::1]:8080", "/", "[::1]/"},
		{"case.test", "/x", "Case.Test./x"},
		{"", "/", "/"},
		{strings.Repeat("a.", 4000) + "example.com", "/", "*.example.com/"},
	} {
		var s search
		var path Path
		path.Resolve([]byte(c.path))
		s.path, s.method = &path, MethodGet
		host, _ := normalHost([]byte(c.host), nil)
		r.find(&s, host)
		if got := s.found.pattern.text; got != c.want {
			t.Errorf("%s%s goes to %s, not to %s", c.host, c.path, got, c.want)
		}
	}
}

// TestSpecificityInAnyOrder: the order of the config means nothing.
func TestSpecificityInAnyOrder(t *testing.T) {
	patterns := []string{"/", "/a/", "/a/{x}", "/a/b", "GET /a/b", "/a/{$}", "h.test/", "h.test/a/{rest...}"}
	var first []byte
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		random.Shuffle(len(patterns), func(i, j int) { patterns[i], patterns[j] = patterns[j], patterns[i] })
		r, refused := compiled(patterns)
		if len(refused) > 0 {
			t.Fatal(refused)
		}
		var out []byte
		for _, target := range []string{"/", "/a", "/a/", "/a/b", "/a/c", "/a/b/c", "/x"} {
			for _, host := range []string{"h.test", "other"} {
				var s search
				var path Path
				path.Resolve([]byte(target))
				s.path, s.method = &path, MethodPost
				r.find(&s, []byte(host))
				out = fmt.Appendf(out, "%s%s %s\n", host, target, s.found.pattern.text)
			}
		}
		if first == nil {
			first = out
		}
		if !bytes.Equal(first, out) {
			t.Fatalf("order changes the outcome:\n%s\n%s", first, out)
		}
	}
}
