package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Warnings finds what is allowed and probably not meant, in the order of the
// file. It walks the document roots, so it is for `monopoll check` and not for
// every reload; what it cannot read it passes over, since Load has had its say.
func (c *Config) Warnings() []Mistake {
	w := warner{cfg: c, list: slices.Clone(c.asides), plain: make(map[string]*Action), walked: make(map[string][]lost)}
	for _, a := range c.Actions() {
		if r := a.root(); r != nil && !r.Hidden && w.plain[r.Dir] == nil {
			w.plain[r.Dir] = a
		}
	}
	for place, a := range c.Actions() {
		w.place = place
		switch a.Kind {
		case KindRoot:
			w.root(a, a.Root)
		case KindSites:
			w.root(a, &a.Sites.Root)
			w.sites(a)
		case KindRespond:
			w.respond(a)
		}
	}
	for i := range c.Listeners {
		w.redirects(i)
	}
	if c.Control == "" && c.text != nil && len(filepath.Join(c.Dir, controlName)) > maxUnixPath {
		w.add(Pos{}, "", "there is no control socket, since the config's folder has too long a path; set control: to a path of at most %d bytes", maxUnixPath)
	}
	return Mistakes(w.list).Sort()
}

// Actions ranges over every action of the config with its place, in the order
// of the file.
func (c *Config) Actions() func(yield func(Place, *Action) bool) {
	return func(yield func(Place, *Action) bool) {
		for i := range c.Listeners {
			l := &c.Listeners[i]
			if l.Action.Kind != 0 && !yield(Place{Listener: i, Route: -1}, &l.Action) {
				return
			}
			for j := range l.Routes {
				if !yield(Place{Listener: i, Route: j}, &l.Routes[j].Action) {
					return
				}
			}
		}
	}
}

// Place says which action of a config is meant: that of a route, or that of the
// listener where Route is -1.
type Place struct{ Listener, Route int }

// Where gives the place by its names, as mistakes do: listeners[0].routes["/"].
func (c *Config) Where(p Place) string {
	where := fmt.Sprintf("listeners[%d]", p.Listener)
	if p.Route >= 0 {
		where += fmt.Sprintf(".routes[%q]", c.Listeners[p.Listener].Routes[p.Route].Pattern)
	}
	return where
}

type warner struct {
	cfg   *Config
	place Place
	list  []Mistake
	// plain are the roots that do not show hidden files, the first of each folder.
	plain map[string]*Action
	// walked are the folders of a root without an index, by what decides on it.
	walked map[string][]lost
}

func (w *warner) add(pos Pos, where, format string, args ...any) {
	w.list = append(w.list, NewMistake(w.cfg, pos, where, fmt.Sprintf(format, args...)))
}

func (w *warner) about(a *Action, format string, args ...any) {
	w.add(a.Pos, w.cfg.Where(w.place), format, args...)
}

func (w *warner) root(a *Action, r *Root) {
	info, err := os.Stat(r.Dir)
	if err == nil && info.Mode().Perm()&0o002 != 0 {
		w.about(a, "every user of this machine may write to %s, and so publish; take the right away: chmod o-w", r.Dir)
	}
	l := w.cfg.Listeners[w.place.Listener]
	open := slices.ContainsFunc(l.Addresses, func(a Address) bool { return a.Unix == "" && (a.Host == "" || a.Host == "0.0.0.0") })
	if r.Listing && open {
		w.about(a, "%s is listed on all addresses, so whoever reaches this machine sees each name in it; listen on 127.0.0.1, or leave listing out", r.Dir)
	}
	if path := w.cfg.Path; path != "" && path != "-" {
		file := filepath.Join(w.cfg.Dir, filepath.Base(path))
		if visible(r, file) {
			w.about(a, "the config itself is in %s and will be served; put the site into a folder of its own", r.Dir)
		}
	}
	w.logInside(a, r)
	w.inHidden(a, r.Dir)
	if a.Kind == KindRoot && r.Fallback != "" {
		if _, err := os.Stat(filepath.Join(r.Dir, r.Fallback)); err != nil {
			w.about(a, "the fallback %s is not in %s; until it is, such addresses get 404", r.Fallback, r.Dir)
		}
	}
	w.indexes(a, r)
}

// logInside finds an access log that is served, or that lies among the folders of
// sites: each line of it is then a change of what is watched.
func (w *warner) logInside(a *Action, r *Root) {
	log := w.cfg.Log.Access
	if !filepath.IsAbs(log) {
		return
	}
	dir, err := filepath.EvalSymlinks(r.Dir)
	folder, err2 := filepath.EvalSymlinks(filepath.Dir(log))
	if err != nil || err2 != nil {
		return
	}
	file := filepath.Join(folder, filepath.Base(log))
	switch shown := (&Root{Dir: dir, Hidden: r.Hidden}); {
	case !visible(shown, file):
	case a.Kind == KindSites && folder == dir:
		w.about(a, "the access log %s is among the sites of %s, and each request changes that folder; put it elsewhere", log, r.Dir)
	default:
		w.about(a, "the access log %s is in %s and will be served, and each request changes that site; put it elsewhere, or begin its name with a dot", log, r.Dir)
	}
}

// inHidden finds the root that has a folder and keeps it to itself: the innermost.
func (w *warner) inHidden(a *Action, dir string) {
	for above := dir; above != "/"; {
		above = filepath.Dir(above)
		if around := w.plain[above]; around != nil && !visible(around.root(), dir) {
			w.about(a, "%s is in a hidden folder of %s, which line %d serves without it; that may be a secret published", dir, above, around.Line)
			return
		}
	}
}

// root gives the root that an action serves, nil for other actions.
func (a *Action) root() *Root {
	switch a.Kind {
	case KindRoot:
		return a.Root
	case KindSites:
		return &a.Sites.Root
	}
	return nil
}

// inside says that path is below dir.
func inside(dir, path string) bool {
	return strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// visible says that path is below the root and served by it.
func visible(r *Root, path string) bool {
	if !inside(r.Dir, path) {
		return false
	}
	for name := range strings.SplitSeq(path[len(strings.TrimSuffix(r.Dir, "/"))+1:], "/") {
		if strings.HasPrefix(name, ".") && name != ".well-known" && !r.Hidden {
			return false
		}
	}
	return true
}

const (
	// walkLimit is how many entries of one root are looked at for warnings.
	walkLimit = 100_000
	// indexWarnings is how many folders without an index are named for one root.
	indexWarnings = 3
)

// otherIndexes are what other servers answer a folder with.
var otherIndexes = []string{"index.htm", "default.htm", "default.html", "index.php", "Index.html", "INDEX.HTML"}

// lost is a folder with an index by another server's name, and none of ours.
type lost struct{ path, name string }

// indexes tells of such folders.
func (w *warner) indexes(a *Action, r *Root) {
	key := fmt.Sprintf("%q %q %t", r.Dir, r.Index, r.Hidden)
	found, known := w.walked[key]
	if !known {
		found = r.lost()
		w.walked[key] = found
	}
	for _, f := range found {
		w.about(a, "%s has %s and no %s, so the folder's address gets 404; rename it, or set index: [%s, %s]",
			f.path, f.name, either(r.Index), strings.Join(r.Index, ", "), f.name)
	}
}

// lost walks a root for such folders, up to indexWarnings of them.
func (r *Root) lost() (found []lost) {
	seen := 0
	_ = filepath.WalkDir(r.Dir, func(path string, entry fs.DirEntry, err error) error {
		if seen++; seen > walkLimit || len(found) == indexWarnings {
			return filepath.SkipAll
		}
		if err != nil || !entry.IsDir() {
			return nil
		}
		if path != r.Dir && !visible(r, path) {
			return filepath.SkipDir
		}
		if slices.ContainsFunc(r.Index, func(name string) bool { return exists(filepath.Join(path, name)) }) {
			return nil
		}
		for _, name := range otherIndexes {
			if exists(filepath.Join(path, name)) {
				found = append(found, lost{path, name})
				break
			}
		}
		return nil
	})
	return found
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// sites finds folders that no host leads to.
func (w *warner) sites(a *Action) {
	if a.Sites.Domain != "" {
		return
	}
	entries, _ := os.ReadDir(a.Sites.Root.Dir)
	var lost []string
	for _, e := range entries {
		if e.IsDir() && !strings.Contains(e.Name(), ".") && e.Name() != a.Sites.Default {
			lost = append(lost, e.Name())
		}
	}
	if len(lost) > 0 {
		w.about(a, "no host leads to %s, since its name has no dot and there is no domain; name it like its host, or set domain:", short(strings.Join(lost, ", ")))
	}
}

// needed are fields that a status must come with.
var needed = map[int]struct{ field, section string }{
	401: {"WWW-Authenticate", "15.5.2"},
	405: {"Allow", "15.5.6"},
	407: {"Proxy-Authenticate", "15.5.8"},
}

func (w *warner) respond(a *Action) {
	l := &w.cfg.Listeners[w.place.Listener]
	headers := slices.Concat(l.Headers, a.Respond.Headers)
	if w.place.Route >= 0 {
		headers = append(headers, l.Routes[w.place.Route].Headers...)
	}
	named := func(field string) bool {
		return slices.ContainsFunc(headers, func(h Header) bool { return strings.EqualFold(h.Name, field) })
	}
	status := a.Respond.Status
	if n, ok := needed[status]; ok && !named(n.field) {
		w.about(a, "a response with status %d comes with %s (RFC 9110 §%s); add it to headers", status, n.field, n.section)
	}
	if status > 300 && status < 309 && !named("Location") {
		w.about(a, "a response with status %d leads nowhere without Location; write redirect:, or add it to headers", status)
	}
}
