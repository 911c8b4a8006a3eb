package routes

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The cases of testdata/explain are written like those of testdata/answer. A
// first line may end in " @1" to ask the second listener. What is expected:
// `why`, `action`, `file`, `coding`, `page` and `near`, each with its text as it
// is, and one `match` for each pattern, in order, with its line and relation.

func TestExplain(t *testing.T) {
	files, err := filepath.Glob("testdata/explain/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, string(text))
			for _, c := range w.cases {
				w.explain(t, c)
			}
		})
	}
}

func (w *world) explain(t *testing.T, c answerCase) {
	t.Helper()
	listener := 0
	if line, second := strings.CutSuffix(c.request[0], " @1"); second {
		c.request[0], listener = line, 1
	}
	req := w.request(t, c.request)
	var res Response
	e := w.table.Explain(w.table.Listeners[listener], req, &res)
	w.table.Answer(w.table.Listeners[listener], req, &w.res)
	if answered := render(&w.res).String(); render(&res).String() != answered {
		t.Errorf("line %d: the answer is not Answer's:\n%s\n%s", c.line, render(&res), answered)
	}
	got := []string{"why " + e.Why, "action " + e.Action, "file " + e.File, "coding " + e.Coding, "page " + e.Page, "near " + strings.Join(e.Near, ", ")}
	var matches, wanted []string
	for _, m := range e.Matches {
		matches = append(matches, fmt.Sprintf("match %s %d %s", m.Pattern, m.Line, m.Relation))
	}
	for _, want := range c.want {
		if want = w.fill(t, want); strings.HasPrefix(want, "match ") {
			wanted = append(wanted, want)
		} else if !slices.Contains(got, want) {
			t.Errorf("line %d: %s\nwant %s\ngot  %s", c.line, strings.Join(c.request, "\n  "), want, strings.Join(got, "\n     "))
		}
	}
	if wanted != nil && !slices.Equal(wanted, matches) {
		t.Errorf("line %d: %s\nwant %s\ngot  %s", c.line, strings.Join(c.request, "\n  "), strings.Join(wanted, "\n     "), strings.Join(matches, "\n     "))
	}
}

// TestExplainAll: whatever there is a case of an answer for can be explained, in
// a sentence that begins with its status and says more.
func TestExplainAll(t *testing.T) {
	files, err := filepath.Glob("testdata/answer/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, string(text))
		for _, c := range w.cases {
			var res Response
			req := w.request(t, c.request)
			e := w.table.Explain(w.table.Listeners[0], req, &res)
			w.table.Answer(w.table.Listeners[0], req, &w.res)
			if got, want := render(&res).String(), render(&w.res).String(); got != want {
				t.Errorf("%s line %d: the answer is not Answer's:\n%s\n%s", name, c.line, got, want)
			}
			if before, after, _ := strings.Cut(e.Why, ": "); before != fmt.Sprint(res.Status) || len(after) < 5 {
				t.Errorf("%s line %d: %s %d: why %q", name, c.line, c.request, res.Status, e.Why)
			}
			answers := slices.IndexFunc(e.Matches, func(m Match) bool { return m.Relation == Answers })
			if (answers >= 0) != (res.Pattern != "") || answers >= 0 && e.Matches[answers].Pattern != res.Pattern {
				t.Errorf("%s line %d: %q answers, of %v", name, c.line, res.Pattern, e.Matches)
			}
			if res.Send == SendFile && (e.Action == "root" || e.Action == "sites") {
				if _, err := os.Stat(filepath.Join(w.served, e.File)); err != nil {
					t.Errorf("%s line %d: %v", name, c.line, err)
				}
			}
		}
	}
}

func TestExplainForbidden(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"site/secret.html", "site/shut/x", "site/noindex/index.html"} {
		writeFile(t, dir, name, "x")
	}
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"site/secret.html", "site/shut", "site/noindex/index.html"} {
		if err := os.Chmod(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(filepath.Join(dir, name), 0o755)
	}
	w := &world{}
	var err error
	asNobody(t, func() {
		w.table, err = Build(parseIn(t, dir, "listeners: [{listen: 80, root: site}]"), nil, newLoader())
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, what := range map[string]string{
		"/secret.html": "site/secret.html", "/secret": "site/secret.html", "/shut/": "site/shut", "/shut/x": "site/shut",
		"/noindex/": "site/noindex/index.html",
	} {
		e := w.table.Explain(w.table.Listeners[0], w.request(t, []string{"GET " + path}), &w.res)
		if want := "403: " + what + " is there but cannot be read; give the user of the server the right to"; e.Why != want {
			t.Errorf("%s: %s, want %s", path, e.Why, want)
		}
	}
}

// TestSettled: what is explained is what a server says that has had the time to
// compress its pages and to read its large files.
func TestSettled(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "site/page.html", strings.Repeat("<p>monopoll\n", 200))
	writeFile(t, dir, "site/other.html", strings.Repeat("<p>another\n", 200))
	writeFile(t, dir, "site/large.bin", strings.Repeat("0123456789abcdef", 20_000))
	table, err := Build(parseIn(t, dir, "listeners: [{listen: 80, root: site}]"), nil, newLoader())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{table: table}
	for path, want := range map[string]string{"/page": "gzip", "/large.bin": "strong"} {
		req := w.request(t, []string{"GET " + path, "Accept-Encoding: gzip"})
		next := table.Settled(table.Listeners[0], req, newLoader())
		if next.Version != table.Version || len(table.sites[0].Plan())-len(next.sites[0].Plan()) != map[string]int{"gzip": 3}[want] {
			t.Errorf("%s: version %d, %d variants left", path, next.Version, len(next.sites[0].Plan()))
		}
		next.Answer(next.Listeners[0], req, &w.res)
		got := "strong"
		if strings.Contains(w.res.File.Shared().Lines, "Content-Encoding: gzip") {
			got = "gzip"
		} else if strings.HasPrefix(w.res.File.ETag(), "W/") {
			got = "weak"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestListening(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "run/.keep", "")
	table, err := Build(parseIn(t, dir, `
listeners:
  - {name: all, listen: [8080, "unix:run/x"], respond: x}
  - {name: loop, listen: ["127.0.0.1:8081", "[::1]:8081"], respond: x}
  - {name: four, listen: "0.0.0.0:8082", respond: x}
  - {name: one, listen: "192.0.2.1:8083", respond: x}
  - {name: two, listen: "192.0.2.2:8083", respond: x}
  - {name: here, listen: "127.0.0.1:8083", respond: x}
  - {name: six, listen: "[2001:db8::1]:8083", respond: x}
`), nil, newLoader())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		host string
		port int
		want string
	}{
		{"any.test", 8080, "all"},
		{"127.0.0.1", 8080, "all"},
		{"[::1]", 8080, "all"},
		{"any.test", 80, ""},
		{"localhost", 8081, "loop"},
		{"Blog.Localhost.", 8081, "loop"},
		{"::1", 8081, "loop"},
		{"127.0.0.2", 8081, ""},
		{"192.0.2.1", 8081, ""},
		{"192.0.2.1", 8082, "four"},
		{"::1", 8082, ""},
		{"any.test", 8082, "four"},
		{"192.0.2.2", 8083, "two"},
		{"::ffff:192.0.2.2", 8083, "two"},
		{"2001:db8:0::1", 8083, "six"},
		{"localhost", 8083, "here"},
		{"any.test", 8083, "one two six here"},
	} {
		var got []string
		for _, l := range table.Listening(c.host, c.port) {
			got = append(got, l.Name)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s:%d: %s, want %s", c.host, c.port, got, c.want)
		}
	}
}
