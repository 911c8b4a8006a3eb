package routes

import (
	"fmt"
	"strings"
	"testing"
)

// routesText makes a config of one listener with some routes, one on a line.
func routesText(routes string) string {
	return "listeners:\n- listen: 8080\n  routes:\n    " + strings.ReplaceAll(routes, "; ", "\n    ")
}

// tableWarnings gives the warnings of a table, each on a line.
func tableWarnings(t *testing.T, dir, text string) string {
	t.Helper()
	table, err := Build(parseIn(t, dir, text), nil, newLoader())
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	var lines []string
	for _, m := range table.Warnings() {
		lines = append(lines, strings.TrimPrefix(m.Headline(), "config.yaml:"))
	}
	return strings.Join(lines, "\n")
}

// TestWarnings gives each warning its occasion, and shows that what is close to
// it goes without.
func TestWarnings(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"site/index.html", "empty/x", "old/index.htm", "sites/blog/index.html", "sites/docs/index.html",
		"sites/new/x", "sites/example.com/index.html",
		"named/Upper.org/index.html", "named/münchen.de/index.html", "named/xn--mnchen-3ya.de/index.html", "named/Home/index.html",
	} {
		writeFile(t, dir, name, "x")
	}
	for _, c := range []struct{ name, text, want string }{
		{"a root with a page", routesText("/: {root: site}; /empty/: {root: empty}"), ""},
		{"a root without", routesText("/: {root: empty}"),
			`4:15: listeners[0].routes["/"]: empty has no index.html, and listing is off, so the address / gets 404; add a page, or set listing: true`},
		{"a listener's", "listeners: [{listen: 8080, root: {dir: empty, index: [a.html, b.html]}}]",
			"1:34: listeners[0]: empty has no a.html or b.html, and listing is off, so the address / gets 404; add a page, or set listing: true"},
		{"a root with a listing", routesText("/: {root: {dir: empty, listing: true}}"), ""},
		{"a root with a fallback", routesText("/: {root: {dir: empty, fallback: /x}}"), ""},
		{"the end is another route's", routesText("/: {root: empty}; /{$}: {respond: home}"), ""},
		{"index.htm is told of elsewhere", routesText("/: {root: old}"), ""},
		{"a host's root", routesText("'*.a.test/': {root: empty}"),
			`4:25: listeners[0].routes["*.a.test/"]: empty has no index.html, and listing is off, so the address / gets 404; add a page, or set listing: true`},
		{"one file", routesText("/x: {root: empty}"), ""},
		{"one file that is not there", routesText("/y: {root: empty}"),
			`4:16: listeners[0].routes["/y"]: this route serves the file y of empty and no other, and it is not there; write /y/ for all files of the folder`},
		{"sites", routesText("/: {sites: {dir: sites, domain: localhost}}; docs.localhost/: {respond: docs}; blog.localhost/x: {respond: x}"),
			`4:16: listeners[0].routes["/"]: routes for their hosts answer instead of the folders of sites: docs; remove those routes, or the folders` + "\n" +
				`4:16: listeners[0].routes["/"]: folders of sites have no index.html, and listing is off, so their address / gets 404: new; add a page, or set listing: true`},
		{"sites of one host", routesText("blog.localhost/: {sites: {dir: sites, domain: localhost}}"), ""},
		{"sites that no host can have", "listeners: [{listen: 8080, sites: {dir: named, default: Home}}]",
			`1:35: listeners[0]: no host leads to these folders of named: Upper.org, münchen.de; name them in lower case, and a host beyond ASCII by its xn-- name`},
		{"a host that is none", routesText("'[::1]/': {respond: ok}; '[1::2::3]/': {respond: never}"),
			`5:5: listeners[0].routes["[1::2::3]/"]: this route never answers: [1::2::3] is no IPv6 address, so no request has it as its host; write it as in [::1]`},
	} {
		if got := tableWarnings(t, dir, c.text); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestShadowed: a route that never answers is found, by its pattern and those
// that hide it; and for each that answers something nothing is said.
func TestShadowed(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "site/index.html", "x")
	const all = "GET /a: {respond: x}; POST /a: {respond: x}; PUT /a: {respond: x}; PATCH /a: {respond: x}; DELETE /a: {respond: x}; OPTIONS /a: {respond: x}; "
	for _, c := range []struct{ name, routes, want string }{
		{"all methods", all + "/a: {respond: never}", `/a by "GET /a" in line 4, "POST /a" in line 5, "PUT /a" in line 6 and 3 more`},
		{"all methods but one", strings.Replace(all, "PATCH /a: {respond: x}; ", "", 1) + "/a: {respond: patch}", ""},
		{"all methods of another host", strings.ReplaceAll(all, " /a", " x.test/a") + "/a: {respond: others}", ""},
		{"a root's methods", "GET /: {respond: x}; /: {root: site}", `/ by "GET /" in line 4`},
		{"one of a root's methods", "HEAD /: {respond: x}; /: {root: site}", ""},
		{"the folder, its names and all below", "/a/{$}: {respond: x}; /a/{x}: {respond: x}; /a/{x}/: {respond: x}; /a/: {respond: never}",
			`/a/ by "/a/{$}" in line 4, "/a/{x}" in line 5, "/a/{x}/" in line 6`},
		{"names by a redirect", "/a/{$}: {respond: x}; /a/{x}/: {respond: x}; /a/{rest...}: {respond: never}",
			`/a/{rest...} by "/a/{$}" in line 4, "/a/{x}/" in line 5`},
		{"two levels", "/{$}: {respond: x}; /{a}/{$}: {respond: x}; /{a}/{b}/: {respond: x}; /: {respond: never}",
			`/ by "/{$}" in line 4, "/{a}/{$}" in line 5, "/{a}/{b}/" in line 6`},
		{"not what is below", "/a/{$}: {respond: x}; /a/{x}: {respond: x}; /a/: {respond: below}", ""},
		{"not the folder", "/a/{x}/: {respond: x}; /a/: {respond: folder}", ""},
		{"not one name", "/a/{$}: {respond: x}; /a/b/: {respond: x}; /a/: {respond: others}", ""},
		{"GET only", "GET /a/{$}: {respond: x}; GET /a/{x}/: {respond: x}; GET /a/: {respond: never}",
			`GET /a/ by "GET /a/{$}" in line 4, "GET /a/{x}/" in line 5`},
		{"GET of all", "GET /a/{$}: {respond: x}; GET /a/{x}/: {respond: x}; /a/: {respond: post}", ""},
		{"one host", "x.test/a/{$}: {respond: x}; x.test/a/{x}/: {respond: x}; x.test/a/: {respond: never}; /a/: {respond: others}",
			`x.test/a/ by "x.test/a/{$}" in line 4, "x.test/a/{x}/" in line 5`},
	} {
		text := routesText(c.routes)
		got := tableWarnings(t, dir, text)
		if _, after, found := strings.Cut(got, `routes["`); found {
			after = strings.Replace(after, `"]: this route never answers: more specific patterns take all that it would: `, " by ", 1)
			got = strings.TrimSuffix(after, "; remove it, or one of them")
		}
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		answersNever(t, dir, text, got)
	}
}

// answersNever asks for every short path by every method, and sees that the
// route whose answer is "never" answers none, if it was warned of, and that it
// answers some otherwise.
func answersNever(t *testing.T, dir, text, warned string) {
	t.Helper()
	table, err := Build(parseIn(t, dir, text), nil, newLoader())
	if err != nil {
		t.Fatal(err)
	}
	answered := map[string]bool{}
	for _, host := range []string{"x.test", "y.test"} {
		for _, path := range paths(3) {
			for m := MethodGet; m <= MethodOptions; m++ {
				var res Response
				table.Answer(table.Listeners[0], &Request{Method: m, Host: []byte(host), Path: []byte(path), Body: []byte{}}, &res)
				if res.Status == 200 {
					answered[res.Pattern] = true
				}
			}
		}
	}
	for _, r := range table.Listeners[0].router.routes {
		p := r.pattern.text
		if never := strings.HasPrefix(warned, p+" by "); never == answered[p] {
			t.Errorf("%s\n%q is warned of: %t; it answers: %t", text, p, never, answered[p])
		}
	}
}

// paths gives all paths of up to n segments that are a or b, with and without a
// slash at the end.
func paths(n int) []string {
	out := []string{"/"}
	if n > 0 {
		for _, rest := range paths(n - 1) {
			out = append(out, "/a"+rest, "/b"+rest)
		}
		out = append(out, "/a", "/b")
	}
	return out
}

// TestRedirectChain: what has an end is no loop, and may yet be too long.
func TestRedirectChain(t *testing.T) {
	for _, c := range []struct {
		routes int
		want   string
	}{
		{hopsMost - 1, ""},
		{hopsMost, `4:20: listeners[0].routes["/0"]: 64 redirects in a row or more, and browsers give up after 20: /0 → /1 → /2 → /3 → /4 → /5 → /6 → /7 → …`},
	} {
		var routes []string
		for i := range c.routes {
			routes = append(routes, fmt.Sprintf("/%d: {redirect: /%d}", i, i+1))
		}
		if got := tableWarnings(t, t.TempDir(), routesText(strings.Join(routes, "; "))); got != c.want {
			t.Errorf("%d routes: %s, want %s", c.routes, got, c.want)
		}
	}
}

func TestRedirectLoops(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "site/folder/index.html", "x")
	writeFile(t, dir, "site/page.html", "x")
	for _, c := range []struct {
		name   string
		routes string
		want   string // the ways round, joined by a comma
	}{
		{"elsewhere", "/a: {redirect: /b}", ""},
		{"itself", "/a: {redirect: /a}", "/a → /a"},
		{"into itself", "/a/: {redirect: /a/b}", "/a/ → /a/b"},
		{"ever longer", "/a/{x...}: {redirect: '/a/b/{x}'}", "/a/{x...} → /a/b/{x}"},
		{"one segment only", "/a/{x}: {redirect: '/a/b/{x}'}", ""},
		{"the end itself", "/{$}: {redirect: /}", "/{$} → /"},
		{"there and back", "/a: {redirect: /b}; /b: {redirect: /a}", "/a → /b → /a, /b → /a → /b"},
		{"into a loop", "/a: {redirect: /b}; /b: {redirect: /b}", "/a → /b → /b, /b → /b"},
		{"caught by another", "/a/: {redirect: /a/b}; /a/b: {respond: ok}", ""},
		{"post, then get", "POST /f: {redirect: {to: /f, status: 303}}; GET /f: {respond: ok}", ""},
		{"post again", "POST /f: {redirect: {to: /f, status: 307}}; GET /f: {respond: ok}", "POST /f → /f"},
		{"another route has the word", "/a/{x}: {redirect: /b}; /a/any: {redirect: /a/any}", "/a/any → /a/any"},
		{"ever longer, by a whole URL", "a.test/{x...}: {redirect: 'http://a.test:8080/b/{x}'}", "a.test/{x...} → http://a.test:8080/b/{x}"},
		{"the slash comes back", "/a/: {redirect: /a}", "/a/ → /a → /a/"},
		{"a folder's slash comes back", "/folder/{$}: {redirect: /folder}; /: {root: site}", "/folder/{$} → /folder → /folder/"},
		{"a page's slash", "/x: {redirect: /page/}; /: {root: site}", ""},
		{"this host", "a.test/: {redirect: 'http://a.test:8080/x'}", "a.test/ → http://a.test:8080/x"},
		{"this host by a star", "'*.a.test/': {redirect: 'http://b.a.test:8080/'}", "*.a.test/ → http://b.a.test:8080/"},
		{"two hosts", "a.test/: {redirect: 'http://b.test:8080/'}; b.test/: {redirect: 'http://a.test:8080/'}",
			"a.test/ → http://b.test:8080/ → http://a.test:8080/, b.test/ → http://a.test:8080/ → http://b.test:8080/"},
		{"another port", "a.test/: {redirect: 'http://a.test:8081/'}", ""},
		{"TLS", "a.test/: {redirect: 'https://a.test:8080/'}", ""},
		{"a host of nobody's here", "/: {redirect: 'http://a.test:8080/'}", ""},
		{"another listener and back", "/: {redirect: 'http://localhost:8090/'}", "/ → http://localhost:8090/ → http://localhost:8080/any, / → http://localhost:8080/any → http://localhost:8090/"},
	} {
		text := routesText(c.routes) + "\n- {listen: '127.0.0.1:8090', routes: {/: {redirect: 'http://localhost:8080/any'}}}"
		if c.name != "another listener and back" {
			text = routesText(c.routes)
		}
		var ways []string
		for line := range strings.SplitSeq(tableWarnings(t, dir, text), "\n") {
			if _, way, found := strings.Cut(line, "a redirect loop: "); found {
				ways = append(ways, way)
			}
		}
		if got := strings.Join(ways, ", "); got != c.want {
			t.Errorf("%s: %q; want %q", c.name, got, c.want)
		}
	}
}

// TestWarnedElsewhere: a listener that redirects to itself is found by package config.
func TestWarnedElsewhere(t *testing.T) {
	if got := tableWarnings(t, t.TempDir(), "listeners: [{listen: 8080, redirect: /x}]"); got != "" {
		t.Errorf("package config has said it: %s", got)
	}
}
