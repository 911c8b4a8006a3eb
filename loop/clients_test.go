package loop_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// command is something that a program of other people does with our server.
// In args and want, URL stands for the server's and DIR for the fixture's folder.
type command struct {
	name string
	args []string
	want string // a part of what it prints on standard output
}

// commands are by program. One that a machine does not have is left out there;
// the test says so.
var commands = map[string][]command{
	"curl": {
		{"a file", []string{"-sS", "URL/digits.txt"}, "0123456789"},
		{"HTTP/1.0", []string{"-sS", "-0", "-i", "URL/digits.txt"}, "Connection: close"},
		{"a head", []string{"-sS", "-I", "URL/digits.txt"}, "Content-Length: 10"},
		{"a range", []string{"-sS", "-r", "2-4", "URL/digits.txt"}, "234"},
		{"a redirect", []string{"-sS", "-L", "URL/sub"}, "<title>Sub"},
		{"one connection", []string{"-sS", "-o", "/dev/null", "-o", "/dev/null", "-w", "(%{http_code} %{num_connects})", "URL/digits.txt", "URL/sub/"}, "(200 1)(200 0)"},
		{"a date", []string{"-sS", "-z", "Wed, 03 Jan 2024 00:00:00 GMT", "-w", "%{http_code}", "URL/digits.txt"}, "304"},
		{"the rest of a download", []string{"-sS", "-C", "1048590", "URL/large.bin", "-o", "/dev/null", "-w", "%{http_code} %{size_download}"}, "206 3"},
		{"a form", []string{"-sS", "-H", "Host: api.test", "-d", "a=b", "URL/form"}, "thanks"},
		{"a body after 100-continue", []string{"-sS", "-v", "--stderr", "-", "-H", "Host: api.test", "-H", "Expect: 100-continue", "-d", "a=b", "URL/echo"}, "100 Continue"},
		{"an upload in chunks", []string{"-sS", "-H", "Host: api.test", "-H", "Transfer-Encoding: chunked", "-d", "a=b", "URL/echo"}, "Transfer-Encoding: chunked\r\n"},
		{"an upload that nobody wants", []string{"-sS", "-T", "DIR/www/large.bin", "-o", "/dev/null", "-w", "%{http_code}", "URL/digits.txt"}, "413"},
		{"an offer of HTTP/2", []string{"-sS", "--http2", "-o", "/dev/null", "-w", "%{http_code} %{http_version}", "URL/digits.txt"}, "200 1.1"},
		{"out of the root", []string{"-sS", "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", "URL/../secret.txt"}, "404"},
	},
	"wget": {
		{"a file", []string{"-q", "-O", "-", "URL/digits.txt"}, "0123456789"},
		{"a look", []string{"-S", "--spider", "-o", "/dev/stdout", "URL/digits.txt"}, "Content-Length: 10"},
		{"a redirect", []string{"-q", "-O", "-", "URL/sub"}, "<title>Sub"},
		{"a part", []string{"-q", "-O", "-", "--start-pos=7", "URL/digits.txt"}, "789"},
	},
	"node": {
		{"fetch", []string{"--input-type=module", "-e", nodeScript}, "all is well"},
	},
	"ab": {
		{"keep-alive on 1.0", []string{"-q", "-k", "-n", "200", "-c", "4", "URL/digits.txt"}, "Keep-Alive requests:    200"},
		{"no failures", []string{"-q", "-n", "200", "-c", "4", "URL/digits.txt"}, "Failed requests:        0"},
	},
	"h2load": {
		{"pipelined", []string{"--h1", "-n", "400", "-c", "4", "-m", "8", "URL/digits.txt"}, "400 succeeded, 0 failed"},
	},
}

const nodeScript = `
const check = (what, ok) => { if (!ok) { console.log("wrong:", what); process.exit(1) } };
const get = (path, init) => fetch("URL" + path, init);
let r = await get("/digits.txt");
check("text", await r.text() === "0123456789");
check("type", r.headers.get("content-type") === "text/plain; charset=utf-8");
r = await get("/digits.txt", { headers: { "if-none-match": r.headers.get("etag") } });
check("304", r.status === 304);
r = await get("/digits.txt", { headers: { range: "bytes=2-4" } });
check("206", r.status === 206 && await r.text() === "234");
r = await get("/sub");
check("redirect", r.redirected && (await r.text()).includes("<title>Sub"));
r = await get("/large.bin");
check("large", (await r.arrayBuffer()).byteLength === 1048593);
r = await get("/digits.txt", { method: "HEAD" });
check("head", r.status === 200 && await r.text() === "");
const body = new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode("a stream")); c.close() } });
r = await get("/digits.txt", { method: "POST", body, duplex: "half" });
check("405", r.status === 405);
const many = await Promise.all(Array.from({ length: 50 }, () => get("/digits.txt").then(r => r.text())));
check("many", many.every(text => text === "0123456789"));
console.log("all is well");
`

func TestOtherPeoplesClients(t *testing.T) {
	s := newTestServer(t, "main", nil)
	fill := strings.NewReplacer("URL", "http://"+s.tcp, "DIR", s.dir)
	for program, list := range commands {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Logf("%s is not on this machine", program)
			continue
		}
		for _, c := range list {
			var args []string
			for _, arg := range c.args {
				args = append(args, fill.Replace(arg))
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			command := exec.CommandContext(ctx, path, args...)
			command.Env = append(os.Environ(), "http_proxy=", "no_proxy=*")
			command.Dir = t.TempDir()
			var errors strings.Builder
			command.Stderr = &errors
			out, err := command.Output()
			cancel()
			if err != nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%s, %s: %v, want %q in\n%.2000s\n%.2000s", program, c.name, err, c.want, out, errors.String())
			}
		}
	}
}

// Go's own client, on one connection for all requests.
func TestGoClient(t *testing.T) {
	s := newTestServer(t, "main", nil)
	dials := 0
	transport := &http.Transport{
		ExpectContinueTimeout: patience,
		DisableCompression:    true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			dials++
			return new(net.Dialer).DialContext(ctx, network, s.tcp)
		},
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	large, err := os.ReadFile(filepath.Join(s.dir, "www/large.bin"))
	if err != nil {
		t.Fatal(err)
	}
	tag, err := s.tag([]string{"a.test", "/digits.txt"})
	if err != nil {
		t.Fatal(err)
	}
	unknown := func(text string) io.Reader { return io.MultiReader(strings.NewReader(text)) } // sent in chunks
	for _, c := range []struct {
		method, url string
		body        io.Reader
		fields      http.Header
		status      int
		want        string
	}{
		{"GET", "http://a.test/digits.txt", nil, nil, 200, "0123456789"},
		{"HEAD", "http://a.test/digits.txt", nil, nil, 200, ""},
		{"GET", "http://a.test/sub", nil, nil, 200, "<!DOCTYPE html>\n<title>Sub</title>\n"},
		{"GET", "http://a.test/large.bin", nil, nil, 200, string(large)},
		{"GET", "http://a.test/large.bin", nil, http.Header{"Range": {"bytes=700000-700009"}}, 206, string(large[700000:700010])},
		{"GET", "http://a.test/digits.txt", nil, http.Header{"If-None-Match": {tag}}, 304, ""},
		{"GET", "http://a.test/gr%C3%BCn.txt", nil, nil, 200, "utf-8\n"},
		{"GET", "http://a.test/nothing", nil, http.Header{"Accept": {"*/*"}}, 404, "404 Not Found\nThere is no page at this address. Is it spelled correctly?\n"},
		{"POST", "http://api.test/form", strings.NewReader("a=b"), nil, 200, "thanks\n"},
		{"POST", "http://api.test/form", unknown("a=b"), nil, 200, "thanks\n"},
		{"POST", "http://a.test/digits.txt", unknown("a=b"), nil, 405, "405 Method Not Allowed\nWhat is at this address does not take this method.\n"},
		{"OPTIONS", "http://a.test/digits.txt", nil, nil, 204, ""},
	} {
		req, err := http.NewRequest(c.method, c.url, c.body)
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range c.fields {
			req.Header[name] = values
		}
		re, err := client.Do(req)
		if err != nil {
			t.Errorf("%s %s: %v", c.method, c.url, err)
			continue
		}
		body, err := io.ReadAll(re.Body)
		re.Body.Close()
		if err != nil || re.StatusCode != c.status || string(body) != c.want {
			t.Errorf("%s %s: %d %.200q, %v", c.method, c.url, re.StatusCode, body, err)
		}
	}
	if dials > 2 { // a.test and api.test
		t.Errorf("%d connections", dials)
	}

	continued := false
	trace := &httptrace.ClientTrace{Got100Continue: func() { continued = true }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "POST", "http://api.test/echo", strings.NewReader("the body"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Expect", "100-continue")
	re, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer re.Body.Close()
	if body, _ := io.ReadAll(re.Body); !continued || !strings.HasSuffix(string(body), "\r\n\r\nthe body") {
		t.Errorf("100-continue %t, body %q", continued, body)
	}
}
