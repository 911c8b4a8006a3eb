package routes

import (
	"bytes"

	"monopoll/routes/config"
	"monopoll/routes/site"
)

// rootAnswer is the answer of a document root to one request.
//
// A root stands where its pattern's last slash is: under "/docs/" the path
// /docs/a/b names a/b in it, as a relative link would; under "/favicon.ico" it
// is favicon.ico. So "/" is the usual case of it, and mount is 0.
type rootAnswer struct {
	route *route
	opt   *site.Options
	// top is the directory that the site begins at, mount the number of
	// segments of the path that lead to it.
	top   *site.Dir
	mount int
	req   *Request
	res   *Response
}

func (a *rootAnswer) answer() {
	p := &a.res.path
	folder, last := a.top, len(p.segs)
	if !p.slash {
		last--
	}
	for i := a.mount; i < last; i++ {
		parent := folder
		if folder = parent.Dir(p.seg(i)); folder == nil {
			if parent.Forbidden() {
				a.refuse(403)
				return
			}
			if p.slash && i == last-1 && a.unslash(parent, p.seg(i)) {
				return
			}
			a.missing()
			return
		}
	}
	switch {
	case folder.Forbidden():
		a.refuse(403)
	case p.slash:
		a.answerFolder(folder)
	default:
		a.answerName(folder, p.seg(last))
	}
}

// answerFolder answers a path that ends in a slash and is a directory.
func (a *rootAnswer) answerFolder(d *site.Dir) {
	if f := a.index(d); f != nil {
		a.answerFile(f)
		return
	}
	if a.opt.Listing {
		a.list(d)
		return
	}
	a.missing()
}

// index finds the page of a directory.
func (a *rootAnswer) index(d *site.Dir) *site.File {
	for _, name := range a.opt.Index {
		if f := d.File(view(name)); f != nil {
			return f
		}
	}
	return nil
}

// answerName answers a path that ends in a name: of a file, of a directory, or
// of a page without its .html. Where the last two are both there, a directory
// with an index is the page that was meant.
func (a *rootAnswer) answerName(d *site.Dir, name []byte) {
	if f := d.File(name); f != nil {
		if a.canonical() && a.unsuffix(d, f, name) {
			return
		}
		a.answerFile(f)
		return
	}
	below := d.Dir(name)
	if page := a.page(d, name); page != nil && a.indexless(below) {
		if page == a.index(d) && a.canonical() {
			a.toFolder()
			return
		}
		if !a.canonical() { // there it has one address only
			a.res.Own = append(a.res.Own, "Content-Location: "...)
			a.res.Own = a.res.path.appendTo(a.res.Own)
			a.res.Own = append(a.res.Own, ".html\r\n"...)
		}
		a.answerFile(page)
		return
	}
	if below == nil {
		a.missing()
		return
	}
	a.res.path.slash = true
	a.res.redirectTo(a.req)
}

const pageSuffix = ".html"

// page finds the file of a clean URL: about.html for about.
func (a *rootAnswer) page(d *site.Dir, name []byte) *site.File {
	if a.opt.TrailingSlash == config.SlashOff {
		return nil
	}
	a.res.text = append(append(a.res.text[:0], name...), pageSuffix...)
	return d.File(a.res.text)
}

// unslash redirects /about/ to /about where that is a page, not a directory.
func (a *rootAnswer) unslash(d *site.Dir, name []byte) bool {
	if a.page(d, name) == nil {
		return false
	}
	a.res.path.slash = false
	a.res.redirectTo(a.req)
	return true
}

// canonical says that each page is to have one address.
func (a *rootAnswer) canonical() bool {
	return a.opt.TrailingSlash == config.SlashRedirect && a.route.pattern.ends == endMulti
}

// indexless says that a directory is not there, or has no page of its own.
func (a *rootAnswer) indexless(d *site.Dir) bool {
	return d == nil || !d.Forbidden() && a.index(d) == nil
}

// toFolder redirects to the directory that the path leads into.
func (a *rootAnswer) toFolder() {
	p := &a.res.path
	p.segs, p.slash = p.segs[:len(p.segs)-1], true
	a.res.redirectTo(a.req)
}

// unsuffix redirects /about.html to /about, and a directory's index to the
// directory, where these answer with the same file, f.
func (a *rootAnswer) unsuffix(d *site.Dir, f *site.File, name []byte) bool {
	if f == a.index(d) {
		a.toFolder()
		return true
	}
	stem, ok := bytes.CutSuffix(name, []byte(pageSuffix))
	if !ok || len(stem) == 0 || string(stem) == "." || string(stem) == ".." ||
		d.File(stem) != nil || !a.indexless(d.Dir(stem)) {
		return false
	}
	a.res.path.segs[len(a.res.path.segs)-1].to -= uint32(len(pageSuffix))
	a.res.redirectTo(a.req)
	return true
}

// answerFile answers with a file that was found.
func (a *rootAnswer) answerFile(f *site.File) {
	if f.Forbidden() {
		a.refuse(403)
		return
	}
	a.res.represent(f, a.req)
}

// missing answers for a name that is not there: with the page of a single-page
// app, if it is an address of that app's own. Those are asked for by people, as
// HTML, and have no file extension; a missing picture stays a 404.
func (a *rootAnswer) missing() {
	if len(a.route.fallback) > 0 && a.appAddress() && wantsHTML(a.req.Accept) {
		d, last := a.top, len(a.route.fallback)-1
		for _, name := range a.route.fallback[:last] {
			if d = d.Dir(name); d == nil {
				break
			}
		}
		if d != nil {
			if f := d.File(a.route.fallback[last]); f != nil {
				a.res.Own = append(a.res.Own, "Vary: Accept\r\n"...)
				a.answerFile(f)
				return
			}
		}
	}
	a.refuse(404)
}

// appAddress says that the last segment of the path has no file extension.
func (a *rootAnswer) appAddress() bool {
	p := &a.res.path
	n := len(p.segs)
	return n == 0 || bytes.LastIndexByte(p.seg(n-1), '.') <= 0
}

// refuse answers an error with the site's own page for it, 404.html for 404 at
// the top of the site, or with ours where it has none.
func (a *rootAnswer) refuse(status int) {
	res := a.res
	res.Refuse(status, a.req.Accept)
	var page *site.File
	switch status {
	case 403:
		page = a.top.File(page403)
	case 404:
		page = a.top.File(page404)
	}
	if page != nil && !page.Forbidden() {
		res.File, res.Send, res.Body = a.req.version(page), SendPage, nil
		res.Own = append(res.Own[:0], fieldNoSniff+fieldNoStore...)
	}
}

var page403, page404 = []byte("403.html"), []byte("404.html")
