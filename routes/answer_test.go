package routes

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"monopoll/routes/config"
	"monopoll/routes/site"
)

// The cases of testdata/answer are text files of sections, each begun by a line
// "-- name --":
//
//	-- config --          the config; there is one listener, or the first is asked
//	-- site/a.html --     a file; "-- site/a.html -> b.html --" is a symlink
//	-- cases --           requests (>) and what is to come of them (<)
//
// A case is a block without an empty line in it. Its first lines, beginning
// with #, name it. What is expected is, one on each line: the status; a field
// ("Name: value" must be there, "!Name" must not be there, "one Name" must be
// there exactly once); `body "…"` for the
// whole content, `has "…"` for a piece of it, `pattern "…"` for the route.
// {etag /path} stands for the entity tag of what GET of that path answers.

// testNow is the time of every request: 2026-11-21 08:00:00 UTC.
const testNow = 1795248000

func TestAnswer(t *testing.T) {
	files, err := filepath.Glob("testdata/answer/*.txt")
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
				w.check(t, c)
			}
		})
	}
}

// world is one file of cases, built.
type world struct {
	table *Table
	res   Response
	cases []answerCase
	// served is where the files are.
	served string
}

type answerCase struct {
	line          int
	name          string
	request, want []string
}

// newWorld writes the files of a text, builds its config, and reads its cases.
func newWorld(t testing.TB, text string) *world {
	t.Helper()
	w := &world{served: t.TempDir()}
	var cfg string
	for _, s := range sections(text) {
		switch {
		case s.name == "config":
			cfg = s.text
		case s.name == "cases":
			w.cases = readCases(s)
		default:
			writeFile(t, w.served, s.name, s.text)
		}
	}
	parsed, err := config.Parse("config.yaml", w.served, []byte(cfg))
	if err != nil {
		t.Fatal(err)
	}
	if w.table, err = Build(parsed, nil, newLoader()); err != nil {
		t.Fatal(err)
	}
	return w
}

func newLoader() *site.Loader {
	return &site.Loader{Now: func() time.Time { return time.Unix(testNow, 0) }}
}

// fileTime is the mtime of every file of a world: a day before testNow.
var fileTime = time.Unix(testNow-24*60*60, 0)

func writeFile(t testing.TB, dir, name, text string) {
	t.Helper()
	name, target, link := strings.Cut(name, " -> ")
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if link {
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, fileTime, fileTime); err != nil {
		t.Fatal(err)
	}
}

type section struct {
	name, text string
	line       int
}

func sections(text string) []section {
	var out []section
	for i, line := range strings.SplitAfter(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "-- ") && strings.HasSuffix(trimmed, " --") {
			out = append(out, section{name: strings.TrimSuffix(strings.TrimPrefix(trimmed, "-- "), " --"), line: i + 2})
			continue
		}
		if len(out) > 0 {
			out[len(out)-1].text += line
		}
	}
	return out
}

func readCases(s section) []answerCase {
	var out []answerCase
	var c answerCase
	finish := func() {
		if len(c.request) > 0 {
			out = append(out, c)
		}
		c = answerCase{}
	}
	for i, line := range strings.Split(s.text, "\n") {
		switch {
		case line == "":
			finish()
		case line[0] == '#':
			c.name += strings.TrimSpace(line[1:]) + " "
		case strings.HasPrefix(line, "> "):
			if c.line == 0 {
				c.line = s.line + i
			}
			c.request = append(c.request, line[2:])
		case strings.HasPrefix(line, "< "):
			c.want = append(c.want, line[2:])
		default:
			panic(fmt.Sprintf("line %d: %q", s.line+i, line))
		}
	}
	finish()
	return out
}

// check asks and compares.
func (w *world) check(t *testing.T, c answerCase) {
	t.Helper()
	got := w.ask(w.request(t, c.request))
	for _, want := range c.want {
		if problem := got.lacks(w.fill(t, want)); problem != "" {
			t.Errorf("line %d (%s)\n  %s\n  want %s\n  got  %s\n%s", c.line, strings.TrimSpace(c.name), strings.Join(c.request, "\n  "), want, problem, got)
		}
	}
}

// fill replaces {etag /path} and {file} in a line of a case.
func (w *world) fill(t testing.TB, line string) string {
	for {
		before, rest, found := strings.Cut(line, "{etag ")
		if !found {
			return line
		}
		path, after, _ := strings.Cut(rest, "}")
		path, coding, _ := strings.Cut(path, " ")
		lines := []string{"GET " + path}
		if coding != "" {
			lines = append(lines, "Accept-Encoding: "+coding)
		}
		tag := w.ask(w.request(t, lines)).field("ETag")
		if tag == "" {
			t.Fatalf("%s has no ETag", path)
		}
		line = before + tag + after
	}
}

// request makes a Request of its lines: method and target, then fields.
func (w *world) request(t testing.TB, lines []string) *Request {
	method, target, _ := strings.Cut(lines[0], " ")
	req := &Request{
		Method: ParseMethod([]byte(method)), MethodToken: []byte(method),
		Target: []byte(target), Host: []byte("example.test"), Now: testNow, Body: []byte{},
	}
	if target == "*" {
		req.Asterisk = true
	} else {
		path, query, has := strings.Cut(target, "?")
		req.Path = []byte(path)
		if has {
			req.Query = []byte(query)
		}
	}
	req.Head = []byte(strings.Join(lines, "\r\n") + "\r\n\r\n")
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(w.fill(t, line), ": ")
		setField(t, req, name, []byte(value))
	}
	return req
}

func setField(t testing.TB, req *Request, name string, value []byte) {
	fields := map[string]struct {
		at  *[]byte
		bit Field
	}{
		"Host": {&req.Host, 0}, "Accept": {&req.Accept, 0}, "Accept-Encoding": {&req.AcceptEncoding, 0},
		"If-Match": {&req.IfMatch, 0}, "If-None-Match": {&req.IfNoneMatch, 0},
		"If-Modified-Since":   {&req.IfModifiedSince, FieldIfModifiedSince},
		"If-Unmodified-Since": {&req.IfUnmodifiedSince, FieldIfUnmodifiedSince},
		"If-Range":            {&req.IfRange, FieldIfRange}, "Range": {&req.Range, FieldRange},
		"Body": {&req.Body, 0},
	}
	f, known := fields[name]
	if !known {
		t.Fatalf("no field %q in a request", name)
	}
	if *f.at != nil {
		req.Repeated |= f.bit
	}
	*f.at = value
}

func (w *world) ask(req *Request) *got {
	w.table.Answer(w.table.Listeners[0], req, &w.res)
	return render(&w.res)
}

// got is an answer as a client would see it.
type got struct {
	status  int
	head    string
	content string
	pattern string
}

// render puts an answer together as a version of HTTP does.
func render(res *Response) *got {
	g := &got{status: res.Status, pattern: res.Pattern}
	var head, body []byte
	add := func(lines ...string) { head = append(head, strings.Join(lines, "")...) }
	file := func() string {
		content, ok := res.File.Body()
		if !ok {
			panic("the body is on disk")
		}
		return content
	}
	switch res.Send {
	case SendNone:
		if res.File != nil {
			add(res.File.Shared().Lines304, res.File.Validators(), string(res.Own))
		} else {
			add(string(res.Own), res.Lines)
		}
	case SendFile:
		add(res.File.Shared().Lines, res.File.Validators(), string(res.Own))
		body = []byte(file())
	case SendBare:
		add(res.File.Shared().Lines, string(res.Own))
		body = []byte(file())
	case SendPart:
		add(res.File.Shared().Lines, res.File.Validators(), string(res.Own))
		p := res.Parts[0]
		body = []byte(file()[p.From : p.From+p.Length])
	case SendParts:
		add("Content-Type: multipart/byteranges; boundary=", string(res.Boundary[:]), "\r\n")
		add(res.File.Shared().Lines[res.File.Shared().TypeLen:], res.File.Validators(), string(res.Own))
		for i, p := range res.Parts {
			body = append(res.PartHead(body, i), file()[p.From:p.From+p.Length]...)
		}
		body = res.PartHead(body, len(res.Parts))
	case SendBody:
		add(string(res.Own), res.Lines)
		body = res.Body
	case SendPage:
		shared := res.File.Shared()
		add(shared.Lines[:shared.TypeLen], string(res.Own), res.Lines)
		body = []byte(file())
	}
	if n := res.ContentLength(); n != int64(len(body)) {
		panic(fmt.Sprintf("ContentLength is %d, the content has %d bytes", n, len(body)))
	}
	g.head, g.content = string(head), string(body)
	return g
}

func (g *got) field(name string) string {
	for line := range strings.SplitSeq(g.head, "\r\n") {
		if n, v, ok := strings.Cut(line, ": "); ok && strings.EqualFold(n, name) {
			return v
		}
	}
	return ""
}

func (g *got) has(name string) bool {
	return strings.Contains("\r\n"+strings.ToLower(g.head), "\r\n"+strings.ToLower(name)+":")
}

func (g *got) String() string {
	return fmt.Sprintf("    %d %s\n    %s\n    %q", g.status, g.pattern, strings.ReplaceAll(strings.TrimSpace(g.head), "\r\n", "\n    "), g.content)
}

// lacks says what there is instead of what is wanted, "" if it is there.
func (g *got) lacks(want string) string {
	if status, err := strconv.Atoi(want); err == nil {
		if g.status != status {
			return strconv.Itoa(g.status)
		}
		return ""
	}
	if name, ok := strings.CutPrefix(want, "!"); ok {
		if g.has(name) {
			return g.field(name)
		}
		return ""
	}
	if name, ok := strings.CutPrefix(want, "one "); ok {
		if n := strings.Count("\r\n"+strings.ToLower(g.head), "\r\n"+strings.ToLower(name)+":"); n != 1 {
			return fmt.Sprintf("%s in %d lines", name, n)
		}
		return ""
	}
	for _, kind := range []string{"body", "has", "pattern"} {
		quoted, ok := strings.CutPrefix(want, kind+" ")
		if !ok {
			continue
		}
		text, err := strconv.Unquote(quoted)
		if err != nil {
			panic(want)
		}
		switch {
		case kind == "body" && g.content != text, kind == "has" && !strings.Contains(g.content, text):
			return strconv.Quote(g.content)
		case kind == "pattern" && g.pattern != text:
			return strconv.Quote(g.pattern)
		}
		return ""
	}
	name, _, _ := strings.Cut(want, ": ")
	if !bytes.Contains([]byte("\r\n"+g.head), []byte("\r\n"+want+"\r\n")) {
		return name + ": " + g.field(name)
	}
	return ""
}

// TestForbidden: what is there and cannot be read is 403, in all its spellings,
// and so is all that is below it.
func TestForbidden(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"site/secret.html", "site/dir/a.html", "site/list/index.txt", "site/ok.html", "open/x", "open/y", "open/shut/z"} {
		writeFile(t, dir, name, "x")
	}
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"site/secret.html", "site/dir", "open/y", "open/shut"} {
		if err := os.Chmod(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(filepath.Join(dir, name), 0o755)
	}
	cfg, err := config.Parse("config.yaml", dir, []byte("listeners: [{listen: 80, routes: {/: {root: site}, /open/: {root: {dir: open, listing: true}}}}]"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{}
	asNobody(t, func() { w.table, err = Build(cfg, nil, newLoader()) })
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]int{
		"/secret.html": 403, "/secret": 403, "/dir": 301, "/dir/": 403, "/dir/a.html": 403, "/dir/a/b/": 403,
		"/ok": 200, "/open/y": 403, "/open/shut/": 403, "/open/": 200,
	} {
		got := w.ask(w.request(t, []string{"GET " + target}))
		if got.status != want || want == 403 && got.has("Content-Location") {
			t.Errorf("%s: want %d, got\n%s", target, want, got)
		}
		if target == "/open/" && (strings.Contains(got.content, "shut") || strings.Contains(got.content, "y</a>") || !strings.Contains(got.content, "x</a>")) {
			t.Errorf("a listing shows what cannot be read, or not what can: %s", got.content)
		}
	}
}

// TestForbiddenErrorPage: a 404.html that cannot be read is no page.
func TestForbiddenErrorPage(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "404.html", "secret")
	if err := os.Chmod(filepath.Join(dir, "404.html"), 0); err != nil {
		t.Fatal(err)
	}
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Parse("config.yaml", dir, []byte("listeners: [{listen: 80, root: .}]"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{}
	asNobody(t, func() { w.table, err = Build(cfg, nil, newLoader()) })
	if err != nil {
		t.Fatal(err)
	}
	if got := w.ask(w.request(t, []string{"GET /nothing"})); got.status != 404 || !strings.Contains(got.content, "404 Not Found") {
		t.Error(got)
	}
}

// asNobody runs f without the rights of root, where it has them: those of a
// thread to read files can be given up and taken back.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(65534); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setfsuid(0); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}

// TestEchoAsksForTheBody: until it has been read, and not again after.
func TestEchoAsksForTheBody(t *testing.T) {
	w := newWorld(t, "-- config --\nlisteners: [{listen: 80, routes: {/: {echo: true}}}]\n-- cases --\n")
	req := w.request(t, []string{"POST /"})
	for _, c := range []struct {
		body []byte
		want bool
	}{{nil, true}, {[]byte{}, false}, {[]byte("x"), false}} {
		req.Body = c.body
		w.ask(req)
		if w.res.WantBody != c.want || w.res.Status != 200 {
			t.Errorf("%q: WantBody %v, status %d", c.body, w.res.WantBody, w.res.Status)
		}
	}
}

// Where another version of a file stands in for the one of the table, it does so in
// everything that an answer says of it.
func TestInstead(t *testing.T) {
	w := newWorld(t, `
-- config --
listeners: [{listen: 8080, root: site}]
-- site/old.txt --
the old one
-- site/new.txt --
the new version of it
-- site/other.txt --
another
-- site/404.html --
lost
`)
	file := func(path string) *site.File {
		w.ask(w.request(t, []string{"GET " + path}))
		return w.res.File
	}
	instead := &Instead{Of: file("/old.txt"), Now: file("/new.txt")}
	page := &Instead{Of: file("/nothing.txt"), Now: file("/new.txt")}
	for _, c := range []struct {
		instead *Instead
		request string
		want    []string
	}{
		{instead, "GET /old.txt", []string{"200", "ETag: {etag /new.txt}", `body "the new version of it\n"`}},
		{instead, "GET /old.txt\nRange: bytes=8-14", []string{"206", "Content-Range: bytes 8-14/22", `body "version"`}},
		{instead, "GET /old.txt\nIf-None-Match: {etag /new.txt}", []string{"304"}},
		{instead, "GET /old.txt\nIf-None-Match: {etag /old.txt}", []string{"200", `body "the new version of it\n"`}},
		{instead, "GET /old.txt\nIf-Match: {etag /old.txt}", []string{"412"}},
		{instead, "GET /other.txt", []string{"200", `body "another\n"`}},
		{page, "GET /nothing.txt", []string{"404", `body "the new version of it\n"`}},
	} {
		req := w.request(t, strings.Split(c.request, "\n"))
		req.Instead = c.instead
		got := w.ask(req)
		for _, want := range c.want {
			if problem := got.lacks(w.fill(t, want)); problem != "" {
				t.Errorf("%q: want %s, got %s", c.request, want, problem)
			}
		}
	}
}
