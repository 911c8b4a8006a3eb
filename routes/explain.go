package routes

import (
	"fmt"
	"slices"
	"strings"

	"monopoll/routes/config"
	"monopoll/routes/site"
)

// Explanation says what answers a request, and why in this way.
type Explanation struct {
	// Matches are the patterns that match the host and the path, the most
	// specific first. The one that answered, if there is one, is among them.
	Matches []Match
	// Action is what the route that answered does, by its name in the config:
	// root, sites, respond, redirect, echo; "" where no route answered.
	Action string
	// File is the file that the answer is, or is about (206, 304, 412, 416), as
	// the config's folder sees it; "" where there is none.
	File string
	// Coding is the content coding in which File is sent, "" for none.
	Coding string
	// Page is the site's own page that is shown for an error; "" for none.
	Page string
	// Near are names that may have been meant instead of one that is not there:
	// of the same folder, or patterns, or hosts.
	Near []string
	// Why is a sentence for a person: the status, a colon and what decided it.
	Why string
}

// Match is a pattern that matches a request, whether or not it answers it.
type Match struct {
	// Pattern is as the config spells it, "/" for a listener with one action.
	// Line is where it stands in the file; 0 where there is no file.
	Pattern string
	Line    int
	// Relation says what came of it.
	Relation Relation
}

// Relation says what came of a pattern that matches.
type Relation string

const (
	// Answers: it is the most specific one that takes the method.
	Answers Relation = "answers"
	// LessSpecific: it would answer if the others were not there.
	LessSpecific Relation = "less specific"
	// OtherMethod: it takes other methods only.
	OtherMethod Relation = "other method"
)

// Explain asks Answer, leaves what it says in res, and says why. All it knows
// comes from that answer, from what Answer says when a field of the request is
// left out, and from looking at the table. It is for people: it allocates.
func (t *Table) Explain(l *Listener, req *Request, res *Response) Explanation {
	t.Answer(l, req, res)
	x := explainer{table: t, listener: l, req: req, res: res}
	x.why()
	x.Why = fmt.Sprintf("%d: %s", res.Status, strings.Join(x.clauses, "; "))
	return x.Explanation
}

// explainer is an Explanation in the making.
type explainer struct {
	Explanation
	table    *Table
	listener *Listener
	req      *Request
	res      *Response

	clauses []string
	path    Path
	host    []byte
	route   *route
}

func (x *explainer) say(format string, args ...any) {
	x.clauses = append(x.clauses, fmt.Sprintf(format, args...))
}

// why follows the steps of Answer.
func (x *explainer) why() {
	req := x.req
	switch {
	case req.Method == MethodUnknown:
		x.say("there is no method %q here", req.MethodToken)
		if m := strings.ToUpper(string(req.MethodToken)); ParseMethod([]byte(m)) != MethodUnknown {
			x.say("methods are written in capitals: %s", m)
		}
		return
	case req.Asterisk:
		x.say("the request is about the server as a whole, which takes %s", x.allowed())
		return
	case !x.path.Resolve(req.Path):
		x.say("the path has a broken percent-escape, or decodes to a NUL or to what is not UTF-8")
		return
	}
	x.host, _ = normalHost(req.Host, nil)
	x.matches()
	switch {
	case req.Method == MethodTrace || req.Method == MethodConnect:
		x.say("%s is always refused", req.Method)
	case x.route == nil:
		x.noRoute()
	case !x.route.takes.has(req.Method) && !x.elsewhere():
		x.methods()
	case x.slashed():
		x.say("the pattern ends in a slash, and so does the address of what it leads to")
	default:
		x.answered()
	}
}

// answered says why a route answered as it did.
func (x *explainer) answered() {
	act := x.action()
	switch r := x.route; r.kind {
	case config.KindRoot:
		x.inRoot(x.table.sites[r.tree].Root(), x.shownRoot())
	case config.KindSites:
		x.inSites()
	case config.KindRespond:
		if act.Respond.File != "" {
			x.File = x.table.shorten(act.Respond.File)
		}
		if f := x.represented(); f != nil && x.outcome(f) || x.unmatched() {
			return
		}
		x.say("so says the route (respond)")
	case config.KindRedirect:
		x.say("the route redirects to %s", act.Redirect.To)
	case config.KindEcho:
		x.say("the route answers with the request as it came")
	}
}

// elsewhere says that the host has no site here, whatever is asked of it.
func (x *explainer) elsewhere() bool {
	return x.route.kind == config.KindSites && x.res.Status != 204 && x.res.Status != 405
}

// unmatched says why If-Match fails for what has no version, if that is so.
func (x *explainer) unmatched() bool {
	if x.res.Status != 412 {
		return false
	}
	x.say("If-Match names a version, and what is answered has none")
	return true
}

// action gives what the config says of the route that answered.
func (x *explainer) action() *config.Action {
	cfg := &x.table.Config.Listeners[slices.Index(x.table.Listeners, x.listener)]
	if cfg.Action.Kind != 0 {
		return &cfg.Action
	}
	return &cfg.Routes[x.route.index].Action
}

var actionNames = [...]string{
	config.KindRoot: "root", config.KindSites: "sites", config.KindRespond: "respond",
	config.KindRedirect: "redirect", config.KindEcho: "echo",
}

// without gives what Answer says to the same request when change has taken
// something out of it.
func (x *explainer) without(change func(*Request)) *Response {
	req, res := *x.req, &Response{}
	change(&req)
	x.table.Answer(x.listener, &req, res)
	return res
}

// represented gives the representation that the request is about: what a plain
// request for the same is answered with, before its coding is chosen. Nil where
// there is none.
func (x *explainer) represented() *site.File {
	res := x.without(func(req *Request) { plain(req); req.AcceptEncoding = nil })
	if res.Send != SendFile && res.Send != SendBare {
		return nil
	}
	return res.File
}

// plain takes conditions and ranges out of a request.
func plain(req *Request) {
	req.IfMatch, req.IfNoneMatch, req.IfModifiedSince, req.IfUnmodifiedSince = nil, nil, nil, nil
	req.IfRange, req.Range = nil, nil
}

// allowed gives the methods of the answer's Allow.
func (x *explainer) allowed() string {
	_, after, _ := strings.Cut(string(x.res.Own), "Allow: ")
	list, _, _ := strings.Cut(after, "\r\n")
	return list
}

// methods says that no route took the method, and which there are.
func (x *explainer) methods() {
	switch {
	case x.req.Method == MethodOptions:
		x.say("no route answers OPTIONS itself, so it is told what is allowed: %s", x.allowed())
	case x.route != nil:
		x.say("%s answers GET and HEAD only; allowed: %s", actionNames[x.route.kind], x.allowed())
	default:
		x.say("no pattern that matches takes %s; allowed: %s", x.req.Method, x.allowed())
	}
}

// noRoute says why no pattern took the request.
func (x *explainer) noRoute() {
	if x.allowed() != "" {
		x.methods()
		return
	}
	x.say("no pattern matches the host %q and the path %s", x.host, x.shownPath())
	r, same := &x.listener.router, map[*node]bool{}
	r.trees(x.host, func(n *node) bool { same[n] = true; return false })
	var hosts, elsewhere, paths []string
	for _, one := range r.routes {
		p := &one.pattern
		if tree := r.treeOf(p); !same[tree] {
			hosts = append(hosts, p.host)
			if leaves(tree, &x.path, func(l *leaf, _ bool) bool { return l.forMethod(x.req.Method) == one }) {
				elsewhere = append(elsewhere, p.text)
			}
			continue
		}
		_, path, _ := strings.Cut(p.text, "/")
		paths = append(paths, "/"+path)
	}
	if near := config.Nearest(string(x.host), hosts); near != "" {
		x.Near = append(x.Near, near)
	}
	if near := config.Nearest(x.shownPath(), paths); near != "" {
		x.Near = append(x.Near, near)
	}
	if len(elsewhere) > 0 {
		x.say("the path matches with another host: %s", few(elsewhere))
	}
	x.sayNear()
}

func (x *explainer) sayNear() {
	if len(x.Near) > 0 {
		x.say("near: %s", strings.Join(x.Near, ", "))
	}
}

// shownPath gives the path as the table sees it: decoded, dots resolved.
func (x *explainer) shownPath() string { return x.pathTo(0, len(x.path.segs)) }

// pathTo gives the segments from one to another as a path.
func (x *explainer) pathTo(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteByte('/')
		b.Write(x.path.seg(i))
	}
	if to == len(x.path.segs) && x.path.slash {
		b.WriteByte('/')
	}
	return b.String()
}

// few joins some names, and says how many more there are.
func few(names []string) string {
	const shown = 3
	if len(names) <= shown+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}
