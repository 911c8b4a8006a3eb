package routes

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"monopoll/routes/config"
)

// parseIn reads a config whose relative paths start from dir.
func parseIn(t testing.TB, dir, text string) *config.Config {
	t.Helper()
	cfg, err := config.Parse("config.yaml", dir, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestBuildMistakes: all at once, each with its line, in the order of the file.
func TestBuildMistakes(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "site/index.html", "x")
	cfg := parseIn(t, dir, `
listeners:
  - listen: 8080
    routes:
      /a/{x}: {respond: a}
      /{y}/b: {respond: b}
      no-path: {respond: c}
      POST /files/x/y/: {root: site}
  - listen: 8081
    routes:
      /{id}: {respond: d}
      /{name}: {respond: e}
      FETCH /: {respond: f}
`)
	_, err := Build(cfg, nil, newLoader())
	var ms config.Mistakes
	if !errors.As(err, &ms) {
		t.Fatalf("%v", err)
	}
	var got []string
	for _, m := range ms {
		got = append(got, m.Headline())
	}
	want := []string{
		`config.yaml:5:7: listeners[0].routes["/a/{x}"]: this pattern overlaps with "/{y}/b" in line 6, and neither is more specific: both match /a/b; make one of them more specific`,
		`config.yaml:7:7: listeners[0].routes["no-path"]: the path is missing; write "no-path/" for every path of a host, or begin with a slash`,
		`config.yaml:8:7: listeners[0].routes["POST /files/x/y/"].root: files are read by GET and HEAD only, so this route never answers; leave POST out of the pattern`,
		`config.yaml:12:7: listeners[1].routes["/{name}"]: this pattern stands in line 11 already: "/{id}" matches the same requests; remove one`,
		`config.yaml:13:7: listeners[1].routes["FETCH /"]: unknown method "FETCH"; there are GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS, or leave it out for all`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !strings.Contains(err.Error(), "      no-path: {respond: c}\n") {
		t.Errorf("the line of the file is missing:\n%v", err)
	}
}

// TestRootGone: a root that vanished between reading the config and the root.
func TestRootGone(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "site/index.html", "x")
	cfg := parseIn(t, dir, "listeners: [{listen: 80, root: site}]")
	if err := os.Rename(filepath.Join(dir, "site"), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	_, err := Build(cfg, nil, newLoader())
	if err == nil || !strings.Contains(err.Error(), "config.yaml:1:") || !strings.Contains(err.Error(), "listeners[0].root: root "+dir+"/site: ") {
		t.Errorf("%v", err)
	}
}

// TestRootsAreShared: one tree for equal directory and options, another one for
// other headers.
func TestRootsAreShared(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "site/index.html", "home")
	table, err := Build(parseIn(t, dir, `
listeners:
  - {listen: 8080, root: site}
  - listen: 8081
    routes:
      /: {root: {dir: ./site/}}
      /again/: {root: site}
      /headers/: {root: site, headers: {X-Other: yes}}
      /listing/: {root: {dir: site, listing: true}}
`), nil, newLoader())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(table.Trees()); n != 3 {
		t.Errorf("%d trees, want 3", n)
	}
}

// TestBuildKeeps: an unchanged root is not read again, whatever is on disk by
// now; that news comes by WithTree.
func TestBuildKeeps(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "a/index.html", "a")
	writeFile(t, dir, "b/index.html", "b")
	loader := newLoader()
	first, err := Build(parseIn(t, dir, "listeners: [{listen: 80, root: a}, {listen: 81, root: b}]"), nil, loader)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Build(parseIn(t, dir, "listeners: [{listen: 81, root: b}, {listen: 82, respond: hi}]"), first, loader)
	if err != nil {
		t.Fatal(err)
	}
	if first.Version != 1 || second.Version != 2 {
		t.Errorf("versions %d, %d", first.Version, second.Version)
	}
	if len(second.Trees()) != 1 || second.Trees()[0] != first.Trees()[1] {
		t.Error("the tree of b was read again")
	}
	// With other limits it is: they may have been passed.
	for _, name := range []string{"b/1", "b/2", "b/3"} {
		writeFile(t, dir, name, "x")
	}
	if _, err = Build(parseIn(t, dir, "limits: {files: 3}\nlisteners: [{listen: 81, root: b}]"), second, loader); err == nil {
		t.Error("a root with more files than limits.files was kept")
	}
}

// TestBudget: each root gets what the others leave of limits.memory.
func TestBudget(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "a/x", strings.Repeat("x", 5000))
	writeFile(t, dir, "b/x", "x")
	loader := newLoader()
	table, err := Build(parseIn(t, dir, "limits: {memory: 1MiB}\nlisteners: [{listen: 80, root: a}, {listen: 81, root: b}]"), nil, loader)
	if err != nil {
		t.Fatal(err)
	}
	if want := 1<<20 - table.Trees()[0].Memory(); loader.Budget != want || want > 1<<20-5000 {
		t.Errorf("the second root has %d bytes, want %d", loader.Budget, want)
	}
}

// TestNoMemory: a limit of 0 leaves every body on the disk.
func TestNoMemory(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "a/x", "x")
	writeFile(t, dir, "b/x", "y")
	table, err := Build(parseIn(t, dir, "limits: {memory: 0}\nlisteners: [{listen: 80, root: a}, {listen: 81, root: b}]"), nil, newLoader())
	if err != nil {
		t.Fatal(err)
	}
	for i, tree := range table.Trees() {
		if _, ok := tree.Root().File([]byte("x")).Body(); ok {
			t.Errorf("the body of root %d is in memory", i)
		}
	}
}

// TestWithTree: the next table has the news, the old one has not, and what did
// not change is the very same.
func TestWithTree(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "a/index.html", "old")
	writeFile(t, dir, "b/index.html", "b")
	loader := newLoader()
	old, err := Build(parseIn(t, dir, "listeners: [{listen: 80, root: a}, {listen: 81, root: b}]"), nil, loader)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "a/index.html", "newer")
	tree, err := loader.Load(old.Trees()[0].Path(), old.Trees()[0].Options(), old.Trees()[0])
	if err != nil {
		t.Fatal(err)
	}
	next := old.WithTree(0, tree)
	for _, c := range []struct {
		table    *Table
		listener int
		want     string
	}{{old, 0, "old"}, {next, 0, "newer"}, {old, 1, "b"}, {next, 1, "b"}} {
		var res Response
		c.table.Answer(c.table.Listeners[c.listener], &Request{Method: MethodGet, Path: []byte("/"), Now: testNow}, &res)
		if got := render(&res).content; got != c.want {
			t.Errorf("version %d, listener %d: %q, want %q", c.table.Version, c.listener, got, c.want)
		}
	}
	if next.Version != 2 || next.Listeners[1] != old.Listeners[1] || next.Trees()[1] != old.Trees()[1] {
		t.Error("what did not change is not shared")
	}
}

// TestSiteAppears: a new folder under sites is live with the tree, without a
// new config; and gone with it.
func TestSiteAppears(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "sites/home/index.html", "home")
	loader := newLoader()
	table, err := Build(parseIn(t, dir, "listeners: [{listen: 80, sites: {dir: sites, default: home}}]"), nil, loader)
	if err != nil {
		t.Fatal(err)
	}
	ask := func() string {
		var res Response
		table.Answer(table.Listeners[0], &Request{Method: MethodGet, Path: []byte("/"), Host: []byte("new.test"), Now: testNow}, &res)
		return render(&res).content
	}
	reload := func() {
		tree, err := loader.Load(table.Trees()[0].Path(), table.Trees()[0].Options(), table.Trees()[0])
		if err != nil {
			t.Fatal(err)
		}
		table = table.WithTree(0, tree)
	}
	if got := ask(); got != "home" {
		t.Errorf("before: %q", got)
	}
	writeFile(t, dir, "sites/new.test/index.html", "new")
	reload()
	if got := ask(); got != "new" {
		t.Errorf("after: %q", got)
	}
	if err := os.RemoveAll(filepath.Join(dir, "sites/new.test")); err != nil {
		t.Fatal(err)
	}
	reload()
	if got := ask(); got != "home" {
		t.Errorf("gone: %q", got)
	}
}

// largeConfig has 1,000 listeners of 10 routes each.
func largeConfig(dir string) *config.Config {
	cfg := config.Defaults()
	cfg.Dir = dir
	for i := range 1000 {
		l := config.Listener{Name: fmt.Sprint(i), Addresses: []config.Address{{Port: 1000 + i}}}
		for k := range 10 {
			pattern := fmt.Sprintf("GET host%d.test/part%d/{id}/", k%3, k)
			act := config.Action{Kind: config.KindRespond, Respond: &config.Respond{Status: 200, Body: []byte("body"), Type: "text/plain"}}
			switch k {
			case 0:
				pattern, act = "/", config.Action{Kind: config.KindRoot, Root: &config.Root{Dir: filepath.Join(dir, "site"), Index: []string{"index.html"}}}
			case 1:
				pattern = "/old/{page...}"
				act = config.Action{Kind: config.KindRedirect, Redirect: &config.Redirect{To: "/new/{page}", Status: 308}}
			}
			l.Routes = append(l.Routes, config.Route{Pattern: pattern, Action: act})
		}
		cfg.Listeners = append(cfg.Listeners, l)
	}
	return cfg
}

// TestLargeBuild measures what a reload of a large config costs. The log has
// the figure; the test is that the tree is read once.
func TestLargeBuild(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "site/index.html", "home")
	cfg := largeConfig(dir)
	began := time.Now()
	table, err := Build(cfg, nil, newLoader())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("1,000 listeners, 10,000 routes: %v", time.Since(began))
	if len(table.Trees()) != 1 {
		t.Errorf("%d trees", len(table.Trees()))
	}
	began = time.Now()
	if _, err = Build(cfg, table, newLoader()); err != nil {
		t.Fatal(err)
	}
	t.Logf("again: %v", time.Since(began))
	tree := table.Trees()[0]
	if n := testing.AllocsPerRun(10, func() { table.WithTree(0, tree) }); n > 4 {
		t.Errorf("WithTree: %v allocations, whatever the number of routes", n)
	}
}

func BenchmarkLargeBuild(b *testing.B) {
	dir := b.TempDir()
	writeFile(b, dir, "site/index.html", "home")
	cfg := largeConfig(dir)
	prev, err := Build(cfg, nil, newLoader())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Build(cfg, prev, newLoader()); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDescribe(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "site/index.html", strings.Repeat("x", 1500))
	writeFile(t, dir, "sites/a.test/index.html", "x")
	table, err := Build(parseIn(t, dir, `
listeners:
  - {listen: 8080, root: site}
  - {listen: 8083, echo: true}
  - {listen: 8084, sites: sites}
  - listen: [8081, "127.0.0.1:8082"]
    routes:
      /: {root: site}
      GET /healthz: {respond: ok}
      /old/: {redirect: /new/}
      /request: {echo: true}
`), nil, newLoader())
	if err != nil {
		t.Fatal(err)
	}
	want := `http://localhost:8080  root site (1 file, 1.5 kB)
http://localhost:8083  echo
http://localhost:8084  sites sites (1 file, 1 B)
http://localhost:8081 http://127.0.0.1:8082
  /  root site (1 file, 1.5 kB)
  GET /healthz  respond 200 (2 B)
  /old/  redirect 308 /new/
  /request  echo of the request`
	if got := strings.Join(table.Describe(), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// FuzzRedirect: a redirect stays on its host, whatever a client sends, and
// whatever is captured.
func FuzzRedirect(f *testing.F) {
	w := newWorld(f, `
-- config --
listeners:
  - listen: 8080
    routes:
      /one/{a}: {redirect: "/{a}"}
      /two/{a}/{rest...}: {redirect: "/{rest}/{a}"}
      /rest/{rest...}: {redirect: "/{rest}"}
      /out/{rest...}: {redirect: "https://example.com/{rest}"}
      /tree/{x}/: {respond: tree}
      /: {root: site}
-- site/folder/index.html --
x
-- site/page.html --
x
-- cases --
`)
	for _, s := range []string{"/one/a", "/two/a/", "/two/evil.example/", "/rest//evil", "/rest/%2Fevil", "/out/@evil", "/tree/%5Cx", "//folder", "/%5Cevil/../folder", "/page/", "/rest/\r\nX: y"} {
		f.Add([]byte(s), []byte("q=1"))
		f.Add([]byte(s), []byte("\r\nSet-Cookie: x"))
	}
	f.Fuzz(func(t *testing.T, path, query []byte) {
		req := &Request{Method: MethodGet, Path: path, Query: query, Host: []byte("a.test"), Now: testNow}
		g := w.ask(req)
		if g.status < 300 || g.status > 399 {
			return
		}
		to := g.field("Location")
		if strings.Count(g.head, "Location: ") != 1 || strings.Count(g.head, "\n") > 2 {
			t.Fatalf("%q: %q", path, g.head)
		}
		for i := range len(to) {
			if to[i] <= ' ' || to[i] >= 0x7f || to[i] == '\\' {
				t.Fatalf("%q?%q leads to %q", path, query, to)
			}
		}
		if strings.HasPrefix(to, "https://example.com/") {
			return
		}
		if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
			t.Fatalf("%q?%q leads to %q", path, query, to)
		}
	})
}
