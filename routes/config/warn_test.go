package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWarnings gives each warning its occasion, and shows that what is close to
// it goes without.
func TestWarnings(t *testing.T) {
	dir := newFolder(t)
	for _, name := range []string{"open", "site/.drafts/new", "site/.well-known/x", "old/deep", "old/fine", "old/.hidden"} {
		must(t, os.MkdirAll(filepath.Join(dir, name), 0o755))
	}
	must(t, os.Chmod(filepath.Join(dir, "open"), 0o777))
	for _, name := range []string{"old/index.htm", "old/deep/default.htm", "old/fine/index.htm", "old/fine/index.html", "old/.hidden/index.htm"} {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	must(t, os.Symlink("site", filepath.Join(dir, "link")))
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "listeners: [{listen: 8080, root: site}]", ""},
		{"writable", "listeners: [{listen: 8080, root: open}]",
			"1:34: listeners[0]: every user of this machine may write to $DIR/open, and so publish; take the right away: chmod o-w"},
		{"listing", "listeners: [{listen: 8080, root: {dir: site, listing: true}}]",
			"1:34: listeners[0]: $DIR/site is listed on all addresses, so whoever reaches this machine sees each name in it; listen on 127.0.0.1, or leave listing out"},
		{"listing at home", "listeners: [{listen: [\"127.0.0.1:8080\", \"unix:run/x\"], root: {dir: site, listing: true}}]", ""},
		{"hidden root", "listeners:\n- listen: 8080\n  routes:\n    /: {root: site}\n    /new/: {root: site/.drafts/new}",
			`5:19: listeners[0].routes["/new/"]: $DIR/site/.drafts/new is in a hidden folder of $DIR/site, which line 4 serves without it; that may be a secret published`},
		{"hidden in hidden", "listeners:\n- listen: 8080\n  routes:\n    /: {root: site}\n    /all/: {root: {dir: site, hidden: true}}\n    /d/: {root: site/.drafts}\n    /new/: {root: site/.drafts/new}",
			`6:17: listeners[0].routes["/d/"]: $DIR/site/.drafts is in a hidden folder of $DIR/site, which line 4 serves without it; that may be a secret published` + "\n" +
				`7:19: listeners[0].routes["/new/"]: $DIR/site/.drafts/new is in a hidden folder of $DIR/site, which line 4 serves without it; that may be a secret published`},
		{"well-known root", "listeners:\n- listen: 8080\n  routes:\n    /: {root: site}\n    /x/: {root: site/.well-known/x}", ""},
		{"hidden is shown", "listeners:\n- listen: 8080\n  routes:\n    /: {root: {dir: site, hidden: true}}\n    /new/: {root: site/.drafts/new}", ""},
		{"indexes", "listeners: [{listen: 8080, root: old}]",
			"1:34: listeners[0]: $DIR/old has index.htm and no index.html, so the folder's address gets 404; rename it, or set index: [index.html, index.htm]\n" +
				"1:34: listeners[0]: $DIR/old/deep has default.htm and no index.html, so the folder's address gets 404; rename it, or set index: [index.html, default.htm]"},
		{"index of that name", "listeners: [{listen: 8080, root: {dir: old, index: [index.htm, default.htm]}}]", ""},
		{"config in root", "listeners: [{listen: 8080, root: {dir: ., index: [index.html, index.htm, default.htm]}}]",
			"1:34: listeners[0]: the config itself is in $DIR and will be served; put the site into a folder of its own"},
		{"log in root", "log: {access: site/access.log}\nlisteners: [{listen: 8080, root: site}]",
			"2:34: listeners[0]: the access log $DIR/site/access.log is in $DIR/site and will be served, and each request changes that site; put it elsewhere, or begin its name with a dot"},
		{"log in root, by a link", "log: {access: site/access.log}\nlisteners: [{listen: 8080, root: link}]",
			"2:34: listeners[0]: the access log $DIR/site/access.log is in $DIR/link and will be served, and each request changes that site; put it elsewhere, or begin its name with a dot"},
		{"log hidden in root", "log: {access: site/.access.log}\nlisteners: [{listen: 8080, root: site}]", ""},
		{"log hidden in root that shows it", "log: {access: site/.access.log}\nlisteners: [{listen: 8080, root: {dir: site, hidden: true}}]",
			"2:34: listeners[0]: the access log $DIR/site/.access.log is in $DIR/site and will be served, and each request changes that site; put it elsewhere, or begin its name with a dot"},
		{"log in a site", "log: {access: sites/blog/access.log}\nlisteners: [{listen: 8080, sites: {dir: sites, domain: localhost}}]",
			"2:35: listeners[0]: the access log $DIR/sites/blog/access.log is in $DIR/sites and will be served, and each request changes that site; put it elsewhere, or begin its name with a dot"},
		{"log among sites", "log: {access: sites/access.log}\nlisteners: [{listen: 8080, sites: {dir: sites, domain: localhost}}]",
			"2:35: listeners[0]: the access log $DIR/sites/access.log is among the sites of $DIR/sites, and each request changes that folder; put it elsewhere"},
		{"log elsewhere", "log: {access: logs/site}\nlisteners: [{listen: 8080, root: site}]", ""},
		{"fallback", "listeners: [{listen: 8080, root: {dir: site, fallback: /app.html}}]",
			"1:34: listeners[0]: the fallback /app.html is not in $DIR/site; until it is, such addresses get 404"},
		{"fallback is there", "listeners: [{listen: 8080, root: {dir: site, fallback: /index.html}}]", ""},
		{"sites", "listeners: [{listen: 8080, sites: {dir: sites, default: home}}]",
			"1:35: listeners[0]: no host leads to blog, docs, since its name has no dot and there is no domain; name it like its host, or set domain:"},
		{"sites with domain", "listeners: [{listen: 8080, sites: {dir: sites, domain: localhost}}]", ""},
		{"401", "listeners: [{listen: 8080, respond: 401}]",
			"1:37: listeners[0]: a response with status 401 comes with WWW-Authenticate (RFC 9110 §15.5.2); add it to headers"},
		{"401 with it", "listeners: [{listen: 8080, headers: {www-authenticate: Basic}, respond: 401}]", ""},
		{"302", "listeners: [{listen: 8080, respond: 302}]",
			"1:37: listeners[0]: a response with status 302 leads nowhere without Location; write redirect:, or add it to headers"},
		{"mark", "\ufefflisteners: [{listen: 8080, root: site}]",
			"1:1: the file begins with a byte order mark, which is ignored; save it as UTF-8 without one"},
	} {
		got := warnings(t, dir, c.text)
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func warnings(t *testing.T, dir, text string) string {
	t.Helper()
	cfg, err := Parse(filepath.Join(dir, "config.yaml"), dir, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, m := range cfg.Warnings() {
		lines = append(lines, strings.TrimPrefix(m.Headline(), dir+"/config.yaml:"))
	}
	return strings.ReplaceAll(strings.Join(lines, "\n"), dir, "$DIR")
}

// The work for a root does not grow with the number of roots beside it.
func TestWarningsOfManyRoots(t *testing.T) {
	dir := newFolder(t)
	perRoot := func(n int) float64 {
		l := Listener{Addresses: []Address{{Port: 8080}}}
		for i := range n {
			root := newRoot()
			root.Dir = fmt.Sprintf("%s/a folder with a long name/that is nowhere/%d", dir, i)
			l.Routes = append(l.Routes, Route{Pattern: "/", Action: Action{Kind: KindRoot, Root: &root}})
		}
		cfg := &Config{Path: "config.yaml", Dir: dir, Listeners: []Listener{l}}
		return testing.AllocsPerRun(1, func() { cfg.Warnings() }) / float64(n)
	}
	if few, many := perRoot(100), perRoot(2000); many > 2*few {
		t.Errorf("%.0f allocations a root of 2000, and %.0f of 100", many, few)
	}
}

// A root that many routes have is walked once, and told of for each.
func TestWarningsOfOneRootManyTimes(t *testing.T) {
	dir := newFolder(t)
	must(t, os.WriteFile(filepath.Join(dir, "site/index.htm"), nil, 0o644))
	must(t, os.Remove(filepath.Join(dir, "site/index.html")))
	got := warnings(t, dir, "listeners:\n- listen: 8080\n  routes:\n    /: {root: site}\n    /a/: {root: site}\n    /b/: {root: {dir: site, index: index.htm}}")
	if strings.Count(got, "has index.htm and no index.html") != 2 {
		t.Errorf("got %s", got)
	}
}

func TestRedirectToItself(t *testing.T) {
	dir := newFolder(t)
	if got := warnings(t, dir, "listeners: [{listen: 8080, redirect: /x}]"); !strings.Contains(got, "redirects every request to itself") {
		t.Errorf("got %q", got)
	}
}
