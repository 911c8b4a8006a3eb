package routes

import (
	"bytes"
	"slices"
	"strings"

	"monopoll/routes/config"
	"monopoll/routes/site"
)

// inSites says which of the sites was asked, and then why it answered so.
func (x *explainer) inSites() {
	r, tree := x.route, x.table.sites[x.route.tree]
	all := tree.Root()
	top := r.siteOf(all, x.host)
	if bare, ok := bytes.CutPrefix(x.host, []byte("www.")); top == nil && ok && ownSite(all, bare) != nil {
		x.say("%s has no folder called %s, and one called %s", x.shownRoot(), x.host, bare)
		return
	}
	if top == nil {
		x.say("%s has no folder for the host %q", x.shownRoot(), x.host)
		if len(r.fallsite) > 0 {
			top = all.Dir(r.fallsite)
		}
	}
	for e := range all.Names() {
		if e.Dir != nil && e.Dir == top {
			x.inRoot(top, x.shownRoot()+"/"+e.Name)
			return
		}
	}
	for _, e := range nearEntries(all, string(x.host)) {
		x.Near = append(x.Near, e.Name)
	}
	if label := bytes.TrimSuffix(x.host, []byte("."+r.domain)); r.domain != "" && len(x.Near) == 0 {
		for _, e := range nearEntries(all, string(label)) {
			x.Near = append(x.Near, e.Name+"."+r.domain)
		}
	}
	x.sayNear()
}

// standing is how far a path leads into a document root.
type standing struct {
	// top is the folder that the site begins at, topName what it is called.
	top     *site.Dir
	topName string
	// dir is the last folder that is there, dirName what it is called, and at
	// the place of the next segment of the path.
	dir     *site.Dir
	dirName string
	at      int
	// name is that segment; "" where the path leads to dir itself, whole says
	// that nothing comes after it.
	name  string
	whole bool
}

// follow goes along the path as long as there are folders, but for the last
// segment of one without a slash at the end, as rootAnswer does.
func (x *explainer) follow(top *site.Dir, topName string) standing {
	s := standing{top: top, topName: topName, dir: top, at: x.route.mount}
	last := len(x.path.segs)
	if !x.path.slash {
		last--
	}
	for s.at < last {
		next := s.dir.Dir(x.path.seg(s.at))
		if next == nil {
			break
		}
		s.dir, s.at = next, s.at+1
	}
	s.dirName = topName + strings.TrimSuffix(x.pathTo(x.route.mount, s.at), "/")
	if s.at < len(x.path.segs) {
		s.name, s.whole = string(x.path.seg(s.at)), s.at == len(x.path.segs)-1
	}
	return s
}

// inRoot says why the document root at top answered as it did.
func (x *explainer) inRoot(top *site.Dir, topName string) {
	s := x.follow(top, topName)
	if x.res.Send == SendPage {
		x.Page = topName + "/" + nameOf(top, x.res.File)
	}
	if f := x.represented(); f != nil {
		x.found(&s, f)
		return
	}
	switch {
	case x.res.Status == 301 || x.res.Status == 308:
		x.moved(&s)
	case x.res.Status == 403:
		x.forbidden(&s)
	case x.res.Status == 404:
		x.missing(&s)
	case x.unmatched():
	default:
		x.File = s.dirName + "/"
		x.say("a listing of %s", x.File)
	}
}

// found says which file was found, and what became of it.
func (x *explainer) found(s *standing, f *site.File) {
	name, how := nameOf(s.dir, f), ""
	switch {
	case s.name == "" && name != "":
		how = "the index of the folder"
	case s.whole && s.name == name:
	case s.whole && s.name+pageSuffix == name:
		how = "the address leaves out " + pageSuffix
	default:
		how = "the fallback, since " + s.dirName + x.pathTo(s.at, len(x.path.segs)) + " does not exist"
		s.dirName, name = s.topName, strings.TrimPrefix(x.options().Fallback, "/")
	}
	x.File = s.dirName + "/" + name
	if !x.outcome(f) {
		x.say("%s", x.File)
		if how != "" {
			x.say("%s", how)
		}
	}
}

// moved says why the address is another one.
func (x *explainer) moved(s *standing) {
	switch {
	case x.path.slash:
		x.say("%s/%s%s is a page and no folder, so its address does not end in a slash", s.dirName, s.name, pageSuffix)
	case s.dir.File([]byte(s.name)) != nil:
		x.say("%s/%s has a shorter address (trailing_slash: redirect)", s.dirName, s.name)
	case s.dir.Dir([]byte(s.name)) == nil:
		x.say("%s/%s%s has a shorter address (trailing_slash: redirect)", s.dirName, s.name, pageSuffix)
	default:
		x.say("%s/%s is a folder, so its address ends in a slash", s.dirName, s.name)
	}
}

// forbidden says what it is that cannot be read.
func (x *explainer) forbidden(s *standing) {
	what, names := s.dirName, x.options().Index
	if s.name != "" {
		names = []string{s.name, s.name + pageSuffix}
	}
	for _, name := range names {
		if f := s.dir.File([]byte(name)); f != nil && f.Forbidden() && !s.dir.Forbidden() {
			what += "/" + name
			break
		}
	}
	x.say("%s is there but cannot be read; give the user of the server the right to", what)
}

// missing says what is not there.
func (x *explainer) missing(s *standing) {
	opt := x.options()
	if s.name == "" {
		x.say("the folder %s/ has no %s, and listing is off", s.dirName, strings.Join(opt.Index, " or "))
		return
	}
	name, near := s.dirName+"/"+s.name, []site.Entry(nil)
	switch why := s.dir.LeftOut(s.name); {
	case strings.Contains(s.name, "/"):
		x.say("no file has a slash in its name, as %%2F asks for")
	case why != "":
		x.say("%s %s", name, why)
	case s.name[0] == '.' && s.name != ".well-known" && !opt.Hidden:
		x.say("%s begins with a dot, so it is not served, whether it exists or not; hidden: true would change that", name)
	case s.dir.File([]byte(s.name)) != nil:
		x.say("%s is a file, so nothing is below it", name)
	default:
		x.say("%s does not exist", name)
		near = nearEntries(s.dir, s.name)
	}
	if last := x.path.last(); opt.Fallback != "" && bytes.LastIndexByte(last, '.') <= 0 && !wantsHTML(x.req.Accept) {
		x.say("the fallback is for those who ask for HTML, with the field Accept: text/html")
	}
	for _, e := range near {
		if e.Dir != nil {
			e.Name += "/"
		}
		x.Near = append(x.Near, e.Name)
	}
	x.sayNear()
}

// nearEntries gives names of a directory that are much like one that is not
// there, the most alike first; those of pages also without their .html.
func nearEntries(d *site.Dir, name string) []site.Entry {
	const most = 3
	var names, stems []string
	entries := map[string]site.Entry{}
	for e := range d.Names() {
		names, entries[e.Name] = append(names, e.Name), e
		if stem, page := strings.CutSuffix(e.Name, pageSuffix); page && e.File != nil {
			stems = append(stems, stem)
		}
	}
	var out []site.Entry
	for len(out) < most {
		best := config.Nearest(name, names)
		if best == "" {
			if best = config.Nearest(name, stems); best == "" {
				break
			}
			best += pageSuffix
		}
		out = append(out, entries[best])
		names = slices.DeleteFunc(names, func(s string) bool { return s == best })
		stems = slices.DeleteFunc(stems, func(s string) bool { return s+pageSuffix == best })
	}
	return out
}

// shownRoot gives the document root of the route, as the config's folder sees it.
func (x *explainer) shownRoot() string {
	return x.table.shorten(x.table.sites[x.route.tree].Path())
}

// nameOf gives the name of a file in a folder, "" if it is not there.
func nameOf(d *site.Dir, f *site.File) string {
	for e := range d.Names() {
		if e.File == f {
			return e.Name
		}
	}
	return ""
}

// options gives those of the document root of the route.
func (x *explainer) options() *site.Options { return x.table.sites[x.route.tree].Options() }
