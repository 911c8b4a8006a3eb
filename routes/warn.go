package routes

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"monopoll/routes/config"
	"monopoll/routes/site"
)

// Warnings finds what is allowed and probably not meant, and can only be seen
// when patterns, redirects and document roots are known together; the rest is
// in Config.Warnings. Everything it says is certain:
//
//   - a route that never answers, since others that are more specific take all
//     that it matches: every method of it at the same path, or, for "/a/", the
//     folder itself ({$}), each name in it and all below (see covered);
//   - a pattern for a host in brackets that is no IPv6 address, which no request
//     names;
//   - a redirect whose client is sent on and on (see loops);
//   - a document root for the whole site that answers "/" with 404, and one for
//     a single name that is not there;
//   - a folder of `sites:` whose name no host can have, that another route's pattern
//     hides, or without a page.
//
// It asks Answer with made-up requests, so it costs about as much as a few
// requests a route.
func (t *Table) Warnings() []config.Mistake {
	w := tableWarner{table: t, redirects: make(map[*Listener]map[string]*config.Redirect)}
	for i, l := range t.Listeners {
		for _, r := range l.router.routes {
			w.listener, w.route = i, r
			switch {
			case w.unreachable(), w.shadowed():
				continue // whatever it does, it never does it
			}
			switch r.kind {
			case config.KindRoot:
				w.root()
			case config.KindSites:
				w.sites()
			case config.KindRedirect:
				w.loops()
			}
		}
	}
	return config.Mistakes(w.list).Sort()
}

type tableWarner struct {
	table    *Table
	listener int
	route    *route
	list     []config.Mistake
	// redirects of the listeners that were asked, by pattern.
	redirects map[*Listener]map[string]*config.Redirect
	// res is what Answer says, and its scratch.
	res Response
}

// warn says something about the route, at its pattern.
func (w *tableWarner) warn(format string, args ...any) {
	w.at(w.route.pos, format, args...)
}

// about says something about what the route does.
func (w *tableWarner) about(format string, args ...any) {
	w.at(w.action().Pos, format, args...)
}

func (w *tableWarner) at(pos config.Pos, format string, args ...any) {
	cfg := w.table.Config
	place := config.Place{Listener: w.listener, Route: w.route.index}
	if cfg.Listeners[w.listener].Action.Kind != 0 {
		place.Route = -1
	}
	w.list = append(w.list, config.NewMistake(cfg, pos, cfg.Where(place), fmt.Sprintf(format, args...)))
}

func (w *tableWarner) action() *config.Action {
	l := &w.table.Config.Listeners[w.listener]
	if l.Action.Kind != 0 {
		return &l.Action
	}
	return &l.Routes[w.route.index].Action
}

func (w *tableWarner) router() *router { return &w.table.Listeners[w.listener].router }

// unreachable finds a host in brackets that no valid request can have.
func (w *tableWarner) unreachable() bool {
	host := w.route.pattern.host
	if !strings.HasPrefix(host, "[") {
		return false
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err == nil && ip.Is6() && ip.Zone() == "" {
		return false
	}
	w.warn("this route never answers: %s is no IPv6 address, so no request has it as its host; write it as in [::1]", host)
	return true
}

// shadowed finds a route that others hide completely.
func (w *tableWarner) shadowed() bool {
	by := w.router().covered(w.route)
	if len(by) == 0 {
		return false
	}
	names := make([]string, len(by))
	for i, r := range by {
		names[i] = fmt.Sprintf("%q in line %d", r.pattern.text, r.pos.Line)
	}
	w.warn("this route never answers: more specific patterns take all that it would: %s; remove it, or one of them", few(names))
	return true
}

// probe asks for a path as a browser would that follows a link, and gives the
// pattern that answers, and the status.
func (w *tableWarner) probe(host, path string) (pattern string, status int) {
	req := Request{Method: MethodGet, Host: []byte(host), Path: []byte(path), Accept: []byte("text/html"), Body: []byte{}}
	w.table.Answer(w.table.Listeners[w.listener], &req, &w.res)
	return w.res.Pattern, w.res.Status
}

// missing says that this route answers for a path, with 404.
func (w *tableWarner) missing(host, path string) bool {
	pattern, status := w.probe(host, path)
	return pattern == w.route.pattern.text && status == 404
}

// sampleHost gives a host that the pattern of the route matches.
func (w *tableWarner) sampleHost() string {
	switch p := &w.route.pattern; {
	case p.suffix:
		return "any." + p.host
	case p.host != "":
		return p.host
	}
	return "any.invalid" // RFC 6761 §6.4: nobody's
}

// root finds document roots that have nothing at the one address that matters.
func (w *tableWarner) root() {
	p, dir := &w.route.pattern, w.shown()
	if len(p.segs) == 0 {
		if !w.otherIndex() && w.missing(w.sampleHost(), "/") {
			w.about("%s has no %s, and listing is off, so the address / gets 404; add a page, or set listing: true", dir, w.index())
		}
		return
	}
	if name := p.segs[len(p.segs)-1].literal; p.ends == endHere && name != "" && w.missing(w.sampleHost(), samplePath(p)) {
		w.about("this route serves the file %s of %s and no other, and it is not there; write %s/ for all files of the folder", name, dir, p.text)
	}
}

// otherIndex says that there is a page of another server's making, of which
// Config.Warnings has told.
func (w *tableWarner) otherIndex() bool {
	for e := range w.table.sites[w.route.tree].Root().Names() {
		switch strings.ToLower(e.Name) {
		case "index.html", "index.htm", "index.php", "default.html", "default.htm":
			return true
		}
	}
	return false
}

// sites finds sites that are never asked for, and sites without a page.
func (w *tableWarner) sites() {
	const most = 1000 // of the folders are looked at
	if len(w.route.pattern.segs) > 0 {
		return // it does not stand at the top of its hosts
	}
	var hidden, bare, nobody []string
	seen := 0
	for e := range w.table.sites[w.route.tree].Root().Names() {
		if seen++; seen > most {
			break
		}
		host := w.hostOf(e)
		if host != "" && !hostLike(host) && e.Name != string(w.route.fallsite) {
			nobody = append(nobody, e.Name)
			continue
		}
		if host == "" || !w.route.pattern.matchesHost(host) {
			continue
		}
		pattern, status := w.probe(host, "/")
		switch {
		case pattern != w.route.pattern.text && strings.EqualFold(pattern, host+"/"):
			hidden = append(hidden, e.Name)
		case pattern == w.route.pattern.text && status == 404:
			bare = append(bare, e.Name)
		}
	}
	if len(nobody) > 0 {
		w.about("no host leads to these folders of %s: %s; name them in lower case, and a host beyond ASCII by its xn-- name", w.shown(), few(nobody))
	}
	if len(hidden) > 0 {
		w.about("routes for their hosts answer instead of the folders of %s: %s; remove those routes, or the folders", w.shown(), few(hidden))
	}
	if len(bare) > 0 {
		w.about("folders of %s have no %s, and listing is off, so their address / gets 404: %s; add a page, or set listing: true", w.shown(), w.index(), few(bare))
	}
}

// hostOf gives the host that a folder of sites answers for, "" if it is none's.
func (w *tableWarner) hostOf(e site.Entry) string {
	switch {
	case e.Dir == nil:
		return ""
	case strings.Contains(e.Name, "."):
		return e.Name
	case w.route.domain != "":
		return e.Name + "." + w.route.domain
	}
	return ""
}

// hostLike says that a name can be what normalHost gives: hosts come in ASCII, and
// are compared in lower case.
func hostLike(name string) bool {
	return !strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' || c < utf8.RuneSelf && isCapital(byte(c)) })
}

// matchesHost says that a host, as normalHost gives it, matches the pattern's.
func (p *pattern) matchesHost(host string) bool {
	if p.suffix {
		return strings.HasSuffix(host, "."+p.host)
	}
	return p.host == "" || p.host == host
}

func (w *tableWarner) shown() string {
	return w.table.shorten(w.table.sites[w.route.tree].Path())
}

func (w *tableWarner) index() string {
	return strings.Join(w.table.sites[w.route.tree].Options().Index, " or ")
}
