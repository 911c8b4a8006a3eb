package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// installed finds a program of other people. One that this machine does not
// have is left out; .ci/run installs them all.
func installed(t testing.TB, name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		t.Logf("%s is not installed: nothing is tested with it", name)
		return ""
	}
	return path
}

// visit runs a program in a folder, with some text on its standard input, and
// gives what it printed on its standard output and its exit code.
func visit(t testing.TB, dir, input, program string, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(input)
	cmd.Env = append(os.Environ(), "http_proxy=", "HTTP_PROXY=", "no_proxy=*", "HOME="+dir, "LC_ALL=C")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if cmd.ProcessState == nil || ctx.Err() != nil {
		t.Fatalf("%s: %v", program, err)
	}
	if errs.Len() > 0 {
		t.Logf("%s %s: %s", filepath.Base(program), args[len(args)-1], tail(errs.String()))
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// lastHead reads the last head in what curl or wget noted, in which there may be
// others before it: of a 100, or of a redirect that was followed.
func lastHead(text string) (got reply) {
	got.fields = http.Header{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "HTTP/1.1 "); ok {
			code, _, _ := strings.Cut(rest, " ")
			status, _ := strconv.Atoi(code)
			got = reply{status: status, fields: http.Header{}}
		} else if name, value, ok := strings.Cut(line, ": "); ok && got.status != 0 {
			name = textproto.CanonicalMIMEHeaderKey(name)
			got.fields[name] = append(got.fields[name], value)
		}
	}
	return got
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) { // no file: no content
		t.Fatal(err)
	}
	return string(text)
}

func headerArgs(flag string, fields http.Header) (args []string) {
	for name, values := range fields {
		args = append(args, flag, name+": "+strings.Join(values, ", "))
	}
	return args
}

func testCurl(t testing.TB, x *example, curl string, list []exchange) {
	base := []string{"-sS", "--connect-to", "::" + x.ip + ":"} // any name is there, at its port
	for _, e := range list {
		dir := t.TempDir()
		args := append(slices.Clone(base), "-D", "head", "-o", "body")
		args = append(args, headerArgs("-H", e.fields)...)
		switch {
		case e.method == "HEAD":
			args = append(args, "-I")
		case e.upload != "":
			args = append(args, "--data-binary", "@-")
		case e.method != "":
			args = append(args, "-X", e.method)
		}
		if _, code := visit(t, dir, e.upload, curl, append(args, e.url)...); code != 0 {
			t.Errorf("%s: curl ends with %d", e.what, code)
		}
		noted := read(t, filepath.Join(dir, "head"))
		got := lastHead(noted)
		if e.method != "HEAD" {
			got.body = read(t, filepath.Join(dir, "body"))
		}
		e.check(t, got)
		if expects := e.fields.Get("Expect") != ""; strings.Contains(noted, "HTTP/1.1 100 Continue") != expects {
			t.Errorf("%s: 100 Continue is wanted %t: %q", e.what, expects, noted)
		}
	}

	home := "http://localhost:" + x.home + "/"
	large, dir := x.file("home/large.bin"), t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "part"), []byte(large[:1234567]), 0o644))
	for _, c := range []struct {
		what, want string // printed on standard output
		args       []string
		file       string // of sites/, that is in the file got afterwards
		got        string
	}{
		{"a download resumed", fmt.Sprint("206 ", len(large)-1234567), []string{"-C", "-", "-o", "part", "-w", "%{http_code} %{size_download}", home + "large.bin"}, "home/large.bin", "part"},
		{"a compressed page", "200 ", []string{"--compressed", "-o", "page", "-w", "%{http_code} ", home}, "home/index.html", "page"},
		{"a redirect followed", "200 1", []string{"-L", "-o", "sub", "-w", "%{http_code} %{num_redirects}", home + "sub"}, "home/sub/index.html", "sub"},
		{"one connection", "200 1,200 0,", []string{"-o", "a", "-o", "b", "-w", "%{http_code} %{num_connects},", home, home + "base.css"}, "home/base.css", "b"},
		{"a page with its tag and date", "200", []string{"-R", "--etag-save", "tag", "-o", "dated", "-w", "%{http_code}", home}, "home/index.html", "dated"},
		{"its tag", "304", []string{"--etag-compare", "tag", "-o", "none", "-w", "%{http_code}", home}, "", ""},
		{"its date", "304", []string{"-z", "dated", "-o", "none", "-w", "%{http_code}", home}, "", ""},
		{"HTTP/1.0", "200 1.1", []string{"-0", "-o", "old", "-w", "%{http_code} %{http_version}", home}, "home/index.html", "old"},
		{"an offer of HTTP/2", "200 1.1", []string{"--http2", "-o", "offer", "-w", "%{http_code} %{http_version}", home}, "home/index.html", "offer"},
	} {
		out, code := visit(t, dir, "", curl, append(slices.Clone(base), c.args...)...)
		if code != 0 || out != c.want {
			t.Errorf("%s: code %d, %q, want %q", c.what, code, out, c.want)
		}
		if c.file != "" && read(t, filepath.Join(dir, c.got)) != x.file(c.file) {
			t.Errorf("%s: this is not sites/%s", c.what, c.file)
		}
	}
}

func testWget(t testing.TB, x *example, wget string, list []exchange) {
	base := []string{"-nv", "-S", "-o", "log", "--tries=1", "--max-redirect=0"}
	for _, e := range list {
		if e.unless["wget"] != "" {
			continue
		}
		dir := t.TempDir()
		args := append(slices.Clone(base), "-O", "body")
		if e.status != 304 {
			args = append(args, "--content-on-error") // which would wait for content of a 304 until the connection ends
		}
		args = append(args, headerArgs("--header", e.fields)...)
		if e.method != "" {
			args = append(args, "--method="+e.method)
		}
		if e.upload != "" {
			args = append(args, "--body-data="+e.upload)
		}
		u, err := url.Parse(e.url)
		must(t, err)
		host := u.Host // it cannot be told where a name leads
		u.Host = net.JoinHostPort(x.ip, u.Port())
		visit(t, dir, "", wget, append(args, "--header=Host: "+host, u.String())...)
		got := lastHead(read(t, filepath.Join(dir, "log")))
		got.body = read(t, filepath.Join(dir, "body"))
		e.check(t, got)
	}

	home := "http://" + net.JoinHostPort(x.ip, x.home) + "/"
	large, dir := x.file("home/large.bin"), t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "large.bin"), []byte(large[:1234567]), 0o644))
	for _, c := range []struct {
		what   string
		status int
		args   []string
		files  []string // of sites/home, that are there afterwards
	}{
		{"a download resumed", 206, []string{"-c", home + "large.bin"}, []string{"large.bin"}},
		{"a download that is complete", 416, []string{"-c", home + "large.bin"}, []string{"large.bin"}},
		{"a page with all it names", 200, []string{"-p", "-nH", "-e", "robots=off", home},
			[]string{"index.html", "base.css", "site.css", "scroll.js", "home.js", "favicon.svg", "board.woff2"}},
		{"a file by its date", 200, []string{"-N", "-P", "dated", home + "base.css"}, nil},
		{"the same date", 304, []string{"-N", "-P", "dated", home + "base.css"}, nil},
		{"a redirect followed", 200, []string{"--max-redirect=1", "-O", "sub/index.html", home + "sub"}, []string{"sub/index.html"}},
	} {
		must(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
		_, code := visit(t, dir, "", wget, append(slices.Clone(base), c.args...)...)
		log := read(t, filepath.Join(dir, "log"))
		if got := lastHead(log); code != 0 || got.status != c.status {
			t.Errorf("%s: code %d, status %d, want %d:\n%s", c.what, code, got.status, c.status, log)
		}
		for _, name := range c.files {
			if read(t, filepath.Join(dir, name)) != x.file("home/"+name) {
				t.Errorf("%s: %s is not that of sites/home", c.what, name)
			}
		}
	}
}

// nodeScript asks with fetch what it is told on its standard input, and prints
// what it got. Any name leads to the address in its argument.
const nodeScript = `
import dns from "node:dns";
import diagnostics from "node:diagnostics_channel";
import { text } from "node:stream/consumers";
const address = process.argv[1];
dns.lookup = (name, options, done) => options.all ? done(null, [{ address, family: 4 }]) : done(null, address, 4);
let connections = 0;
diagnostics.subscribe("undici:client:connected", () => connections++);
const replies = [];
for (const { method, url, fields, upload, plain, times } of JSON.parse(await text(process.stdin))) {
  const headers = Object.entries(fields ?? {});
  if (plain) headers.push(["accept-encoding", "identity"]);
  const before = connections;
  let response, body;
  for (let i = 0; i < times; i++) {
    response = await fetch(url, { method: method || "GET", headers, body: upload || undefined, redirect: plain ? "manual" : "follow" });
    body = Buffer.from(await response.arrayBuffer());
  }
  replies.push({ status: response.status, fields: Object.fromEntries(response.headers), body: body.toString("base64"), connections: connections - before });
}
console.log(JSON.stringify(replies));
`

func testNode(t testing.TB, x *example, node string, list []exchange) {
	type task struct {
		Method string            `json:"method"`
		URL    string            `json:"url"`
		Fields map[string]string `json:"fields"`
		Upload string            `json:"upload"`
		Plain  bool              `json:"plain"` // no coding, no redirects
		Times  int               `json:"times"`
	}
	list = slices.DeleteFunc(slices.Clone(list), func(e exchange) bool { return e.unless["node"] != "" })
	var tasks []task
	for _, e := range list {
		fields := map[string]string{}
		for name := range e.fields {
			fields[name] = e.fields.Get(name)
		}
		tasks = append(tasks, task{e.method, e.url, fields, e.upload, true, 1})
	}
	home := "http://localhost:" + x.home
	tasks = append(tasks, task{URL: home + "/site.css", Times: 30}, task{URL: home + "/sub", Times: 1})
	input, err := json.Marshal(tasks)
	must(t, err)
	out, code := visit(t, t.TempDir(), string(input), node, "--input-type=module", "-e", nodeScript, x.ip)
	var replies []struct {
		Status      int               `json:"status"`
		Fields      map[string]string `json:"fields"`
		Body        []byte            `json:"body"`
		Connections int               `json:"connections"`
	}
	if err := json.Unmarshal([]byte(out), &replies); err != nil || code != 0 || len(replies) != len(tasks) {
		t.Fatalf("node ends with %d: %v, %d replies for %d tasks in %.500q", code, err, len(replies), len(tasks), out)
	}
	for i, e := range list {
		got := reply{replies[i].Status, http.Header{}, string(replies[i].Body)}
		for name, value := range replies[i].Fields {
			got.fields.Set(name, value)
		}
		e.check(t, got)
	}
	often := replies[len(list)]
	if string(often.Body) != x.file("home/site.css") || often.Fields["content-encoding"] == "" || often.Connections > 1 {
		t.Errorf("a style sheet thirty times: %d bytes, %v, %d connections", len(often.Body), often.Fields, often.Connections)
	}
	if followed := replies[len(list)+1]; followed.Status != 200 || string(followed.Body) != x.file("home/sub/index.html") {
		t.Errorf("a redirect followed: %d %q", followed.Status, followed.Body)
	}
}

// h2load counts the bytes of contents, so none may be missing from any answer.
func testH2load(t testing.TB, x *example, h2load string, _ []exchange) {
	for _, c := range []struct {
		port, path string
		times      int
		body       string
	}{
		{x.home, "/", 400, x.file("home/index.html")},
		{x.home, "/board.woff2", 400, x.file("home/board.woff2")},
		{x.home, "/large.bin", 12, x.file("home/large.bin")},
		{x.sites, "/base.css", 400, x.file("home/base.css")},
		{x.fixed, "/", 400, "Hello, world!\n"},
	} {
		out, code := visit(t, t.TempDir(), "", h2load, "--h1", "-n", strconv.Itoa(c.times), "-c", "4", "-m", "8",
			"http://"+net.JoinHostPort(x.ip, c.port)+c.path)
		for _, want := range []string{
			fmt.Sprintf("%d succeeded, 0 failed, 0 errored, 0 timeout", c.times),
			fmt.Sprintf("status codes: %d 2xx, 0 3xx, 0 4xx, 0 5xx", c.times),
			fmt.Sprintf("(%d) data", c.times*len(c.body)),
		} {
			if code != 0 || !strings.Contains(out, want) {
				t.Errorf("%s: code %d, want %q in\n%s", c.path, code, want, tail(out))
			}
		}
	}
}
