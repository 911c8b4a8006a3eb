package routes

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"monopoll/routes/config"
)

// hopsMost is how many redirects in a row are followed. Browsers and curl give
// up after 20 to 50, so what goes on longer is a loop to all of them.
const hopsMost = 64

// wayMost is how many hops of a loop are told: enough to see which routes.
const wayMost = 8

// hop is one request on the way of a client that follows redirects.
type hop struct {
	listener *Listener
	method   Method
	host     string // as a client sends it, with its port
	target   string // path and query
}

// loops follows the redirect of the route as a client would, as long as it
// stays with this table, and warns if that has no end. The request that it
// begins with has some word for each wildcard, so a loop that only some other
// words lead into is not found.
func (w *tableWarner) loops() {
	if own := &w.table.Config.Listeners[w.listener].Action; own.Kind != 0 && strings.HasPrefix(own.Redirect.To, "/") {
		return // Config.Warnings has told
	}
	at := hop{w.table.Listeners[w.listener], w.route.pattern.method, w.sampleHost() + w.port(), samplePath(&w.route.pattern)}
	if at.method == MethodUnknown {
		at.method = MethodGet
	}
	way, seen, told := []string{w.route.pattern.text}, []hop{at}, []string{}
	what := "a redirect loop"
	for hops := 1; ; hops++ {
		next, text, pattern := w.follow(at)
		if next.listener == nil || len(seen) == 1 && pattern != w.route.pattern.text {
			return
		}
		if step := pattern + " " + text; !slices.Contains(told, step) {
			way, told = append(way, text), append(told, step) // once round is enough, also where the path grows
		}
		if at = next; slices.Contains(seen, at) {
			break
		}
		if seen = append(seen, at); hops == hopsMost {
			if len(told) == hops { // no route came twice
				what = fmt.Sprintf("%d redirects in a row or more, and browsers give up after 20", hops)
			}
			break
		}
	}
	if len(way) > wayMost {
		way = append(way[:wayMost], "…")
	}
	w.about("%s: %s", what, strings.Join(way, " → "))
}

// follow gives the request that a client sends next, what the config says of
// it, and the pattern that answered. It has no listener where there is none, or
// one that this table does not answer for.
func (w *tableWarner) follow(at hop) (next hop, text, pattern string) {
	path, query, has := strings.Cut(at.target, "?")
	req := Request{Method: at.method, Host: []byte(at.host), Path: []byte(path), Accept: []byte("text/html"), Body: []byte{}}
	if has {
		req.Query = []byte(query)
	}
	res := &w.res
	w.table.Answer(at.listener, &req, res)
	_, after, found := bytes.Cut(res.Own, []byte("Location: "))
	if res.Status < 300 || res.Status > 399 || !found {
		return hop{}, "", ""
	}
	location, _, _ := strings.Cut(string(after), "\r\n")
	next, text = at, location
	if r := w.redirectOf(at.listener, res.Pattern); r != nil && !bytes.Contains(res.Own, []byte("Cache-Control")) {
		text = r.To // not the redirect to the path with a slash at its end
	}
	if res.Status < 307 && at.method != MethodHead {
		next.method = MethodGet // what browsers do (RFC 9110 §15.4)
	}
	if scheme, rest, absolute := strings.Cut(location, "://"); absolute {
		next.listener = nil
		if strings.EqualFold(scheme, "http") {
			at := strings.IndexAny(rest+"/", "/?")
			next.host, location = rest[:at], rest[at:]
			next.listener = w.ours(next.host)
		}
	} else if rest, ok := strings.CutPrefix(location, "//"); ok {
		host, target, _ := strings.Cut(rest, "/")
		next.host, location = host, "/"+target
	}
	next.target, _, _ = strings.Cut(location, "#")
	return next, text, res.Pattern
}

// redirectOf gives the redirect that stands under a pattern, nil if none does.
func (w *tableWarner) redirectOf(l *Listener, pattern string) *config.Redirect {
	known := w.redirects[l]
	if known == nil {
		known = make(map[string]*config.Redirect)
		from := &w.table.Config.Listeners[slices.Index(w.table.Listeners, l)]
		for i := range from.Routes {
			if act := &from.Routes[i].Action; act.Kind == config.KindRedirect {
				known[from.Routes[i].Pattern] = act.Redirect
			}
		}
		w.redirects[l] = known
	}
	return known[pattern]
}

// ours gives the listener that a client comes to who is sent to a host, nil if
// that may be another machine: a name is ours if a pattern has it.
func (w *tableWarner) ours(host string) *Listener {
	name, port := host, 80
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		n, err := strconv.Atoi(host[i+1:])
		if err != nil {
			return nil
		}
		name, port = host[:i], n
	}
	normal, _ := normalHost([]byte(name), nil)
	for _, l := range w.table.Listening(name, port) {
		named := string(normal) == "localhost" || strings.HasSuffix(string(normal), ".localhost")
		l.router.trees(normal, func(n *node) bool {
			named = named || n != l.router.every
			return false
		})
		for _, a := range l.Addresses {
			named = named || a.Port == port && reaches(a, name) == reachExact
		}
		if named {
			return l
		}
	}
	return nil
}

// port gives the port of the listener as a Host has it.
func (w *tableWarner) port() string {
	for _, a := range w.table.Listeners[w.listener].Addresses {
		if a.Unix == "" && a.Port != 80 {
			return ":" + strconv.Itoa(a.Port)
		}
	}
	return ""
}

// samplePath gives a path that a pattern matches.
func samplePath(p *pattern) string {
	var out []byte
	for _, seg := range p.segs {
		text := seg.literal
		if seg.name != "" {
			text = "any"
		}
		out = appendEncoded(append(out, '/'), text, inSegment)
	}
	if p.ends != endHere || len(p.segs) == 0 {
		out = append(out, '/')
	}
	if p.ends == endMulti {
		out = append(out, "any"...)
	}
	return string(out)
}
