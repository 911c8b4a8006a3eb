package routes

import (
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// Answer says what to send for a request that came in at a listener of this
// table. It fills res, whatever was in it. It only reads its arguments, knows
// no clock, never fails, and allocates nothing once the scratch of res has
// grown, a directory listing aside.
//
// The order is that of RFC 9110: is the method known (§9.1), is there a route,
// does it take the method (§15.5.6), is there something to send; then its
// coding (§12.5.3), the preconditions (§13.2.2), the range (§14.2).
func (t *Table) Answer(l *Listener, req *Request, res *Response) {
	res.Reset()
	res.use(&l.lines)
	if req.Method == MethodUnknown {
		res.Refuse(501, req.Accept)
		return
	}
	if req.Asterisk {
		res.answerMethods(req, l.router.methods)
		return
	}
	if !res.path.Resolve(req.Path) {
		res.Refuse(400, req.Accept)
		return
	}
	host, s := res.normalHost(req.Host), &res.search
	if req.Method == MethodTrace || req.Method == MethodConnect {
		// TRACE gives away fields that scripts may not see; CONNECT is for proxies.
		res.answerNoRoute(req, l.router.allowed(&res.path, host))
		return
	}
	s.path, s.method = &res.path, req.Method
	l.router.find(s, host)
	switch {
	case s.slashed != nil && !s.exact:
		res.setRoute(s.slashed)
		res.path.slash = true
		res.redirectTo(req)
	case s.found != nil:
		t.answerRoute(l, s.found, req, res)
	default:
		res.answerNoRoute(req, l.router.allowed(&res.path, host))
	}
}

// normalHost is the function of that name, with the scratch of res.
func (res *Response) normalHost(host []byte) []byte {
	host, res.host = normalHost(host, res.host)
	return host
}

// setRoute makes the answer one of this route.
func (res *Response) setRoute(r *route) {
	res.Pattern = r.pattern.text
	res.use(&r.lines)
}

// use has the answer go out with these fields of the config.
func (res *Response) use(lines *fieldLines) {
	res.Lines, res.fields = lines.all, lines
}

// made has the answer go out with the fields of the config for what the server
// makes in place of a file. Unless they say how long it may be kept, it is asked
// for each time: what is on disk may be something else in a moment.
func (res *Response) made() {
	res.Lines = res.fields.made
	if !res.fields.caches {
		res.Own = append(res.Own, "Cache-Control: no-cache\r\n"...)
	}
}

// answerRoute asks the route that was found.
func (t *Table) answerRoute(l *Listener, r *route, req *Request, res *Response) {
	res.setRoute(r)
	var site *site.Dir
	if r.kind == config.KindSites {
		// Whose resource it is comes before what may be done with it.
		if site = t.siteFor(r, req, res); site == nil {
			return
		}
	}
	if !r.takes.has(req.Method) {
		res.answerMethods(req, l.router.allowed(&res.path, res.normalHost(req.Host)))
		return
	}
	switch r.kind {
	case config.KindRoot:
		tree := t.sites[r.tree]
		a := rootAnswer{r, tree.Options(), tree.Root(), r.mount, req, res}
		a.answer()
	case config.KindSites:
		a := rootAnswer{r, t.sites[r.tree].Options(), site, r.mount, req, res}
		a.answer()
	case config.KindRespond:
		res.respond(r, req)
	case config.KindRedirect:
		res.Status = r.redirect.status
		res.Own = append(res.Own, "Location: "...)
		res.Own = r.redirect.appendTo(res.Own, &res.search, req.Query)
		res.Own = append(res.Own, "\r\n"...)
	case config.KindEcho:
		res.echo(req)
	}
}

// answerNoRoute answers a path that no route takes with this method.
func (res *Response) answerNoRoute(req *Request, allowed methodSet) {
	if allowed == 0 {
		res.Refuse(404, req.Accept)
		return
	}
	res.answerMethods(req, allowed)
}

// answerMethods answers OPTIONS (RFC 9110 §9.3.7) where no route does itself,
// and a method that is not among those allowed with 405 (§15.5.6).
func (res *Response) answerMethods(req *Request, allowed methodSet) {
	if req.Method != MethodOptions {
		res.refuseMethod(req, allowed)
		return
	}
	res.Status, res.Lines = 204, res.fields.plain
	res.Own = appendAllow(res.Own, allowed)
}

func (res *Response) refuseMethod(req *Request, allowed methodSet) {
	res.Refuse(405, req.Accept)
	res.Own = appendAllow(res.Own, allowed)
}

// redirectTo redirects to where res.path now leads, on the same host, with the
// same query: 301, which every client knows, or 308 where the method must not
// become GET (RFC 9110 §15.4.2, §15.4.9).
func (res *Response) redirectTo(req *Request) {
	res.Own = append(res.Own, "Location: "...)
	res.Own = res.path.appendTo(res.Own)
	res.finishRedirect(req)
}

func (res *Response) finishRedirect(req *Request) {
	res.Own = append(appendQuery(res.Own, req.Query), "\r\n"...)
	res.made()
	res.Status = 301
	if req.Method != MethodGet && req.Method != MethodHead {
		res.Status = 308
	}
}

// respond answers with a fixed response. It has preconditions as any 2xx, and
// ranges only as a 200 (RFC 9110 §13.2.1, §14.2). Its entity tag tells of the
// content that GET gives, and of nothing else.
func (res *Response) respond(r *route, req *Request) {
	reads := readMethods.has(req.Method)
	switch f := r.file; {
	case f == nil && r.status >= 400:
		res.page(r.status, req.Accept)
	case f == nil:
		if r.status >= 300 || !res.unmatched(req) {
			res.Status = r.status
		}
	case r.status == 200 && reads:
		res.represent(f, req)
	case r.status < 300 && res.conditions(f, req):
		// that was all
	case r.status < 300 && reads:
		res.Status, res.File, res.Send = r.status, f, SendFile
	default:
		res.Status, res.File, res.Send = r.status, f, SendBare
	}
}

// echo answers with the request itself, as text. Nothing is left out: what a
// proxy added, cookies too. That is what it is for.
func (res *Response) echo(req *Request) {
	res.Status, res.Send = 200, SendBody
	res.WantBody = req.Body == nil
	res.Own = append(res.Own, fieldsText+fieldNoStore...)
	res.Lines = res.fields.plain
	res.text = append(res.text[:0], req.Head...)
	if req.Method == MethodHead { // whose answer is as long as that to GET
		res.text = append(append(res.text[:0], "GET"...), req.Head[len("HEAD"):]...)
	}
	res.text = append(res.text, req.Body...)
	res.Body = res.text
}
