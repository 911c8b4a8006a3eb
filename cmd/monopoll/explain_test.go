package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"monopoll/loop"
	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

const explainConfig = `
log: {access: off}
listeners:
  - name: main
    listen: ["127.0.0.1:8080", "unix:main.sock"]
    headers: {X-Frame-Options: DENY}
    routes:
      /: {root: site}
      GET /a: {respond: a}
      POST /a: {redirect: /b}
      /request: {echo: true}
  - {listen: 8083, echo: true}
  - {name: home, listen: "[2001:db8::1]:8080", respond: home}
`

// explainFolder writes a config and a small site, and gives the config's path.
func explainFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	modified := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, text := range map[string]string{
		"config.yaml": explainConfig, "site/index.html": "home\n", "site/about.html": "about\n",
		"site/404.html": "lost\n", "site/folder/x.txt": strings.Repeat("0123456789", 10),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "config.yaml")
}

// explain gives what is printed, and the exit code.
func explain(o explainOptions, method, url string) (string, int) {
	var out bytes.Buffer
	err := o.run(&out, method, url)
	var f *failure
	if errors.As(err, &f) {
		if f.err != nil {
			out.WriteString(f.err.Error())
		}
		return out.String(), f.code
	}
	return out.String(), exitFine
}

var dateLine = regexp.MustCompile(`Date: [^\r\n]*`)

func TestExplainPrints(t *testing.T) {
	path := explainFolder(t)
	for _, c := range []struct {
		name, method, url string
		headers           []string
		listener          string
		code              int
		want              string
	}{
		{name: "a page that is not there", method: "GET", url: "http://localhost:8080/abuot?q=1#part", want: `
listener  main at http://127.0.0.1:8080 unix:PATH/main.sock in CONFIG:4
pattern   / in line 8 (root)
page      site/404.html
why       404: site/abuot does not exist; near: about.html

HTTP/1.1 404 Not Found
Server: monopoll
Date: *
Content-Type: text/html; charset=utf-8
X-Content-Type-Options: nosniff
Cache-Control: no-store
X-Frame-Options: DENY
Content-Length: 5
`},
		{name: "a name that may be either's", method: "GET", url: "any.test:8080", want: `
listener  home at http://[2001:db8::1]:8080 in CONFIG:13
          main at http://127.0.0.1:8080 unix:PATH/main.sock has the port, too
pattern   / in line 13 (respond)
why       200: so says the route (respond)

HTTP/1.1 200 OK
Server: monopoll
Date: *
Content-Type: text/plain; charset=utf-8
X-Content-Type-Options: nosniff
ETag: "TqFAWIFQdzzjqs54au739A"
Content-Length: 4
`},
		{name: "patterns", method: "POST", url: "http://localhost/a", listener: "main", want: `
listener  main at http://127.0.0.1:8080 unix:PATH/main.sock in CONFIG:4
pattern   POST /a in line 10 (redirect)
          GET /a in line 9 is for another method
          / in line 8 is less specific
why       308: the route redirects to /b

HTTP/1.1 308 Permanent Redirect
Server: monopoll
Date: *
Location: /b
X-Frame-Options: DENY
Content-Length: 0
`},
		{name: "echo", method: "GET", url: "http://localhost:8083/", want: `
listener  8083 at http://localhost:8083 in CONFIG:12
why       this listener sends every byte back (echo: true) and speaks no HTTP
`},
		{name: "nobody", method: "GET", url: "http://localhost/", code: 1, want: `
listens  main at http://127.0.0.1:8080 unix:PATH/main.sock in CONFIG:4
listens  8083 at http://localhost:8083 in CONFIG:12
listens  home at http://[2001:db8::1]:8080 in CONFIG:13
why      no listener has port 80 for localhost
`},
		{name: "no request", method: "GET", url: "http://127.0.0.1:8080/%zz\x01", want: `
listener  main at http://127.0.0.1:8080 unix:PATH/main.sock in CONFIG:4
why       400: the target has a byte that must be percent-encoded

HTTP/1.1 400 Bad Request
Server: monopoll
Date: *
Connection: close
Content-Type: text/plain; charset=utf-8
X-Content-Type-Options: nosniff
Cache-Control: no-store
Content-Length: 68
`},
	} {
		o := explainOptions{config: path, headers: c.headers, listener: c.listener}
		got, code := explain(o, c.method, c.url)
		got = strings.ReplaceAll(strings.ReplaceAll(dateLine.ReplaceAllString(got, "Date: *"), path, "CONFIG"), filepath.Dir(path), "PATH")
		if code != c.code || got != strings.TrimPrefix(c.want, "\n") {
			t.Errorf("%s: exit code %d\n%s\nwant %d%s", c.name, code, got, c.code, c.want)
		}
	}
}

func TestRequestText(t *testing.T) {
	for _, c := range []struct {
		url     string
		headers []string
		want    string
	}{
		{"http://a.test:8080/x%20y/../z?q=/?#part", nil, "8080 a.test GET /x%20y/../z?q=/? HTTP/1.1|Host: a.test:8080||"},
		{"HTTP://user:word@a.test", nil, "80 a.test GET / HTTP/1.1|Host: a.test||"},
		{"a.test?q", nil, "80 a.test GET /?q HTTP/1.1|Host: a.test||"},
		{"http://[::1]:81/", []string{"host:b.test", "Accept: x", "accept: y"}, "81 [::1] GET / HTTP/1.1|host:b.test|Accept: x|accept: y||"},
		{"http://[::1]/", nil, "80 [::1] GET / HTTP/1.1|Host: [::1]||"},
	} {
		u, err := splitURL(c.url)
		if err != nil {
			t.Fatal(err)
		}
		text, err := requestText("GET", u, c.headers)
		if got := fmt.Sprint(u.port, " ", u.host, " ", strings.ReplaceAll(string(text), "\r\n", "|")); got != c.want || err != nil {
			t.Errorf("%s: %s, want %s", c.url, got, c.want)
		}
	}
}

func TestExplainUsage(t *testing.T) {
	path := explainFolder(t)
	for _, c := range []struct{ method, url, header, listener, want string }{
		{"GET", "/about", "", "", `"/about" is a path; write the whole URL, as in http://localhost:8080/about`},
		{"GET", "https://localhost:8080/", "", "", "this server speaks plain HTTP, and TLS is for a proxy in front of it; write http:// and the port that the proxy asks"},
		{"GET", "ftp://localhost/", "", "", `"ftp://localhost/" is no URL of this server; it begins with http://`},
		{"GET", "http://localhost:port/", "", "", `"localhost:port" has no port from 1 to 65535 after its colon`},
		{"GET", "http://localhost:65536/", "", "", `"localhost:65536" has no port from 1 to 65535 after its colon`},
		{"GET", "http://[::1/", "", "", `"[::1" is no host: an IPv6 address stands in brackets, as in http://[::1]:8080/`},
		{"GET", "http://::1]/", "", "", `"::1]" is no host: an IPv6 address stands in brackets, as in http://[::1]:8080/`},
		{"GET", "http://::1:8080/", "", "", `"::1:8080" is no host: an IPv6 address stands in brackets, as in http://[::1]:8080/`},
		{"GET", "http://[::1]x:80/", "", "", `"[::1]x:80" is no host: an IPv6 address stands in brackets, as in http://[::1]:8080/`},
		{"GET", "http://localhost:8080/", "Accept", "", `the header "Accept" has no colon; write 'Name: value'`},
		{"GET", "http://localhost:8080/", "A: b\r\nHost: evil", "", `"A: b\r\nHost: evil" has a line break; each argument is one line`},
		{"GET", "http://localhost:8080/", "A: b", "mian", `no listener has the name "mian"`},
	} {
		o := explainOptions{config: path, listener: c.listener}
		if c.header != "" {
			o.headers = []string{c.header}
		}
		if got, code := explain(o, c.method, c.url); got != c.want || code != exitUsage {
			t.Errorf("%s: exit code %d, %s; want %s", c.url, code, got, c.want)
		}
	}
}

// TestExplainJSON: the fields are all there, whatever is asked, and are those
// that the type has.
func TestExplainJSON(t *testing.T) {
	path := explainFolder(t)
	for _, url := range []string{"http://localhost:8080/abuot", "http://any.test:8083/", "http://any.test:1/"} {
		text, _ := explain(explainOptions{config: path, json: true}, "GET", url)
		var fields map[string]any
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			t.Fatal(err)
		}
		for _, name := range jsonNames(reflect.TypeFor[Explained]()) {
			value, ok := fields[name]
			if !ok || value == nil && name != "listener" {
				t.Errorf("%s: %s is missing or null", url, name)
			}
			delete(fields, name)
		}
		if len(fields) > 0 {
			t.Errorf("%s: also has %v", url, fields)
		}
	}
	text, _ := explain(explainOptions{config: path, json: true}, "GET", "http://localhost:8080/abuot")
	var e Explained
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	if e.Status != 404 || e.Listener.Name != "main" || e.Page != "site/404.html" || e.Near[0] != "about.html" ||
		e.Headers[0] != (ExplainedField{"Server", "monopoll"}) || e.Line != 8 || e.Matches[0].Relation != "answers" {
		t.Errorf("%+v", e)
	}
}

// TestManualListsJSON: every field of what --json prints is in the manual, so
// that adding one means documenting it; and a name that was documented once is
// there for good.
func TestManualListsJSON(t *testing.T) {
	manual, err := os.ReadFile("../../sites/docs/cli.html")
	if err != nil {
		t.Fatal(err)
	}
	_, explained, _ := strings.Cut(string(manual), `<h3 id="explain">`)
	explained, rest, _ := strings.Cut(explained, `<h3 id="schema">`)
	_, status, _ := strings.Cut(rest, `<h3 id="status">`)
	status, _, _ = strings.Cut(status, `<h3 id="stop">`)
	listed := regexp.MustCompile(`<tr><td><code>(\w+)</code></td>`)
	for _, c := range []struct {
		text  string
		of    reflect.Type
		parts []reflect.Type
	}{
		{explained, reflect.TypeFor[Explained](), []reflect.Type{reflect.TypeFor[ExplainedListener](), reflect.TypeFor[ExplainedMatch](), reflect.TypeFor[ExplainedField]()}},
		{status, reflect.TypeFor[Status](), []reflect.Type{reflect.TypeFor[ListenerStatus]()}},
	} {
		var names []string
		for _, m := range listed.FindAllStringSubmatch(c.text, -1) {
			names = append(names, m[1])
		}
		if got := jsonNames(c.of); !slices.Equal(got, names) {
			t.Errorf("%s has %s, the manual %s", c.of, got, names)
		}
		for _, part := range c.parts {
			for _, name := range jsonNames(part) {
				if !strings.Contains(c.text, "<code>"+name+"</code>") {
					t.Errorf("the manual does not name %s of %s", name, part)
				}
			}
		}
	}
}

// jsonNames gives the names of a struct's fields in JSON, in order.
func jsonNames(of reflect.Type) (names []string) {
	for i := range of.NumField() {
		names = append(names, of.Field(i).Tag.Get("json"))
	}
	return names
}

// TestExplainIsWhatIsServed: the head is, byte for byte, the one that a running
// server sends to the same request.
func TestExplainIsWhatIsServed(t *testing.T) {
	path := explainFolder(t)
	t.Chdir(filepath.Dir(path))
	cfg, err := config.Parse(path, filepath.Dir(path), []byte(strings.Split(strings.Replace(explainConfig, `"127.0.0.1:8080", `, "", 1), "  - {listen: 8083")[0]))
	if err != nil {
		t.Fatal(err)
	}
	table, err := routes.Build(cfg, nil, &site.Loader{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := loop.New(loop.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- server.Run() }()
	defer func() { server.Stop(); <-ended }()
	if _, err = server.Publish(table); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, target string
		headers        []string
	}{
		{"GET", "/", nil},
		{"HEAD", "/about", nil},
		{"GET", "/about/?q=%20", nil},
		{"GET", "/abuot", []string{"Accept: text/html"}},
		{"DELETE", "/folder/x.txt", nil},
		{"OPTIONS", "/a", nil},
		{"GET", "/folder/x.txt", []string{"Range: bytes=10-19"}},
		{"GET", "/folder/x.txt", []string{"Range: bytes=100-"}},
		{"GET", "/folder/x.txt", []string{"If-Modified-Since: Fri, 02 Jan 2026 03:04:05 GMT"}},
		{"GET", "/folder/x.txt", []string{"If-Match: \"x\""}},
		{"GET", "/folder", []string{"Connection: close"}},
		{"GET", "/request", nil},
		{"BREW", "/", nil},
		{"GET", "/", []string{"host: a b"}},
	} {
		u, err := splitURL("http://any.test" + c.target)
		if err != nil {
			t.Fatal(err)
		}
		request, err := requestText(c.method, u, c.headers)
		if err != nil {
			t.Fatal(err)
		}
		served := dateLine.ReplaceAllString(headOf(t, request), "Date: *")
		text, _ := explain(explainOptions{config: path, headers: c.headers, listener: "main", json: true}, c.method, "http://any.test"+c.target)
		var e Explained
		if err = json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatal(err)
		}
		if got := dateLine.ReplaceAllString(e.Head, "Date: *"); got != served {
			t.Errorf("%s %s %s\nexplained: %q\nserved:    %q", c.method, c.target, c.headers, got, served)
		}
	}
}

// headOf sends a request to the server's socket and gives the head of the answer.
func headOf(t *testing.T, request []byte) string {
	t.Helper()
	conn, err := net.Dial("unix", "main.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err = conn.Write(request); err != nil {
		t.Fatal(err)
	}
	if err = conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(answer), "\r\n\r\n")
	return head + "\r\n\r\n"
}
