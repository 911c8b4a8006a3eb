package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// A model of what monopoll says, simple enough to be believed. The property
// test edits a model and the files of a running server in the same way.

// model is what the files hold: the config, and two document roots, a and b,
// with a body for fixed responses beside them.
type model struct {
	listeners []listening
	log       string
	idle      int // seconds, to have a setting that nobody notices
	number    int // the model's own, in a response of the canary
	files     map[string]string
}

// listening is one entry of the config's listeners.
type listening struct {
	name      string
	addresses []string // TCP, or the path of a unix socket that begins with run/
	kind      string   // respond, file, root, sites, routes or echo
	text      string   // a response; one word
	site      string   // a or b
	tag       int      // in a header of every answer, so that halves of two tables show
}

// page is what an answer is recognised by.
type page struct {
	status int
	body   string
}

// says is what an address says; table is that of all addresses.
type (
	says struct {
		echo  bool
		tag   string
		pages map[string]page // by path
		other page            // at any other path; status 404 stands for whatever page tells that
	}
	table map[string]*says
)

// sitePaths are what askers ask for, whatever is there.
var sitePaths = []string{"/", "/page.txt", "/sub/deep.txt", "/extra.txt", "/api", largePath}

// largeName is the file that is larger than what is kept in memory, and largePath
// where it is served.
const largeName, largePath = "sites/a/large.txt", "/large.txt"

// copy gives a model to edit.
func (m *model) copy() *model {
	next := *m
	next.listeners = slices.Clone(m.listeners)
	for i := range next.listeners {
		next.listeners[i].addresses = slices.Clone(next.listeners[i].addresses)
	}
	next.files = maps.Clone(m.files)
	return &next
}

// config writes the model as its owner would. The canary is not part of it.
func (m *model) config(canary string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# number %d\nlisteners:\n", m.number)
	fmt.Fprintf(&b, "  - listen: '%s'\n    routes: {/number: {respond: '%d'}, /notes: {respond: {file: notes.txt}}, /a/: {root: sites/a}, /b/: {root: sites/b}}\n", canary, m.number)
	for i := range m.listeners {
		l := &m.listeners[i]
		var quoted []string
		for _, a := range l.addresses {
			if strings.Contains(a, "/") {
				a = "unix:" + a
			}
			quoted = append(quoted, "'"+a+"'")
		}
		fmt.Fprintf(&b, "  - listen: [%s]\n    name: %s\n", strings.Join(quoted, ", "), l.name)
		if l.kind == "echo" {
			b.WriteString("    echo: true\n")
			continue
		}
		fmt.Fprintf(&b, "    headers: {X-Tag: '%d'}\n", l.tag)
		switch l.kind {
		case "respond":
			fmt.Fprintf(&b, "    respond: '%s'\n", l.text)
		case "file":
			b.WriteString("    respond: {status: 203, file: notes.txt}\n")
		case "root":
			fmt.Fprintf(&b, "    root: sites/%s\n", l.site)
		case "sites":
			fmt.Fprintf(&b, "    sites: {dir: sites, default: %s}\n", l.site)
		case "routes":
			fmt.Fprintf(&b, "    routes: {/api: {respond: '%s'}, /: {root: sites/%s}}\n", l.text, l.site)
		}
	}
	fmt.Fprintf(&b, "timeouts: {idle: %ds, drain: 10m}\nlog: {access: %s}\n", m.idle, m.log)
	return b.String()
}

// table gives what each address says.
func (m *model) table() table {
	t := table{}
	for i := range m.listeners {
		l := &m.listeners[i]
		s := &says{echo: l.kind == "echo", tag: fmt.Sprint(l.tag), pages: map[string]page{}, other: page{status: 404}}
		switch l.kind {
		case "respond":
			s.other = page{200, l.text}
		case "file":
			s.other = page{203, m.files["notes.txt"]}
		case "root", "sites", "routes":
			for name, body := range m.files {
				if path, ok := strings.CutPrefix(name, "sites/"+l.site); ok {
					s.pages[strings.TrimSuffix(path, "index.html")] = page{200, body}
				}
			}
			if l.kind == "routes" {
				s.pages["/api"] = page{200, l.text}
			}
		}
		for _, a := range l.addresses {
			t[a] = s
		}
	}
	return t
}

// page is what is said at a path.
func (s *says) page(path string) page {
	if p, ok := s.pages[path]; ok {
		return p
	}
	return s.other
}

// editConfig changes something about the config; free are addresses that no
// listener has.
func (m *model) editConfig(r *rand.Rand, free []string) {
	kinds := []string{"respond", "file", "root", "sites", "routes", "echo"}
	n := len(m.listeners)
	any := func() *listening { return &m.listeners[r.IntN(n)] }
	word := func() string { return fmt.Sprintf("text-%d", r.IntN(1_000_000)) }
	switch what := r.IntN(12); {
	case what < 2 && len(free) > 0: // add
		at := r.IntN(n + 1)
		m.listeners = slices.Insert(m.listeners, at, listening{
			name: word(), addresses: []string{free[r.IntN(len(free))]}, kind: kinds[r.IntN(len(kinds))],
			text: word(), site: []string{"a", "b"}[r.IntN(2)], tag: r.IntN(1000)})
	case what < 3 && n > 1: // remove
		at := r.IntN(n)
		m.listeners = slices.Delete(m.listeners, at, at+1)
	case what < 5 && n > 1: // swap the addresses of two
		i, j := r.IntN(n), r.IntN(n)
		m.listeners[i].addresses, m.listeners[j].addresses = m.listeners[j].addresses, m.listeners[i].addresses
	case what < 6: // rename, and move in the file
		any().name = word()
		i, j := r.IntN(n), r.IntN(n)
		m.listeners[i], m.listeners[j] = m.listeners[j], m.listeners[i]
	case what < 8: // another action
		l := any()
		l.kind = kinds[r.IntN(len(kinds))]
	case what < 9: // another address beside, or in place of, one
		l := any()
		if len(l.addresses) > 1 {
			l.addresses = l.addresses[1:]
		} else if len(free) > 0 {
			l.addresses = append(l.addresses, free[r.IntN(len(free))])
		}
	case what < 10: // another site
		l := any()
		l.site = map[string]string{"a": "b", "b": "a"}[l.site]
	case what < 11: // settings
		m.log = []string{"off", "access.log"}[r.IntN(2)]
		m.idle = 600 + r.IntN(100)
	default: // what it says
		l := any()
		l.text, l.tag = word(), l.tag+1
	}
}

// contentNames are the files that are edited; "" in the model is a file that is
// not there.
var contentNames = []string{
	"notes.txt", "sites/a/index.html", "sites/b/index.html", "sites/a/page.txt", "sites/b/page.txt",
	"sites/a/sub/deep.txt", "sites/b/sub/deep.txt", "sites/a/extra.txt", "sites/b/extra.txt", largeName,
}

// contentOf makes a body that is told from every other at each of its places.
func contentOf(name string, number int) string {
	line := fmt.Sprintf("%s in version %d\n", name, number)
	lines := 1 + number%200
	if name == largeName {
		lines = 60_000 // more than is kept in memory
	}
	return strings.Repeat(line, lines)
}
