package routes

import (
	"fmt"
	"slices"
	"strings"

	"monopoll/routes/config"
	"monopoll/routes/site"
)

// Build compiles a config into a table. All mistakes are reported at once, as
// config.Mistakes. Document roots are read by ld, each once for all routes that
// have it with the same options and headers; those that prev has already (nil
// for the first table) are taken from there as they are: who changes the config
// has not changed them, and who watches them brings the news by WithTree.
// prev and its trees are only read.
func Build(cfg *config.Config, prev *Table, ld *site.Loader) (*Table, error) {
	b := &builder{
		table:  &Table{Version: 1, Config: cfg, Listeners: make([]*Listener, len(cfg.Listeners))},
		prev:   prev,
		loader: ld,
		placed: make(map[rootKey]int),
	}
	if prev != nil {
		b.table.Version = prev.Version + 1
	}
	for i := range cfg.Listeners {
		b.table.Listeners[i] = b.listener(&cfg.Listeners[i], fmt.Sprintf("listeners[%d]", i))
	}
	b.read()
	if len(b.mistakes) > 0 {
		return nil, b.mistakes.Sort()
	}
	return b.table, nil
}

// builder is a Table in the making.
type builder struct {
	table    *Table
	prev     *Table
	loader   *site.Loader
	mistakes config.Mistakes
	// wanted are the document roots to read, each once; placed says where.
	wanted []wantedRoot
	placed map[rootKey]int
}

// rootKey is what makes two document roots the same one.
type rootKey struct{ dir, options string }

type wantedRoot struct {
	key   rootKey
	opt   *site.Options
	at    config.Pos
	where string
}

func (b *builder) fail(pos config.Pos, where, format string, args ...any) {
	b.mistakes = append(b.mistakes, config.NewMistake(b.table.Config, pos, where, fmt.Sprintf(format, args...)))
}

// listener compiles a listener; a single action is a route for everything.
func (b *builder) listener(from *config.Listener, where string) *Listener {
	l := &Listener{Name: from.Name, Addresses: from.Addresses, lines: newFieldLines(from.Headers)}
	if from.Action.Kind == config.KindEcho {
		l.Echo = true
		return l
	}
	entries := from.Routes
	if from.Action.Kind != 0 {
		entries = []config.Route{{Pos: from.Pos, Pattern: "/", Action: from.Action}}
	} else {
		where += ".routes"
	}
	places := make([]string, 0, len(entries))
	routes := make([]*route, 0, len(entries))
	for i := range entries {
		place := where
		if from.Action.Kind == 0 {
			place = fmt.Sprintf("%s[%q]", where, entries[i].Pattern)
		}
		if r := b.route(&entries[i], from.Headers, place); r != nil {
			r.index = len(routes)
			routes = append(routes, r)
			places = append(places, place)
		}
	}
	l.router = compile(routes, func(r *route, text string) {
		b.fail(r.pos, places[r.index], "%s", text)
	})
	return l
}

// route compiles one route; nil if its pattern is none.
func (b *builder) route(from *config.Route, listener []config.Header, where string) *route {
	p, captured, err := parsePattern(from.Pattern)
	if err != nil {
		b.fail(from.Pos, where, "%v", err)
		return nil
	}
	headers := mergeHeaders(listener, from.Headers)
	r := &route{pattern: p, pos: from.Pos, kind: from.Action.Kind, lines: newFieldLines(headers)}
	if r.takes = allMethods; p.method != MethodUnknown {
		r.takes = 1 << p.method
	}
	if p.method == MethodGet {
		r.takes = readMethods
	}
	switch act := &from.Action; act.Kind {
	case config.KindRoot:
		b.rootRoute(r, act, act.Root, headers, where+".root")
	case config.KindSites:
		r.domain = strings.ToLower(strings.Trim(act.Sites.Domain, "."))
		r.fallsite = []byte(act.Sites.Default)
		b.rootRoute(r, act, &act.Sites.Root, headers, where+".sites")
	case config.KindRespond:
		r.setRespond(act.Respond, headers)
	case config.KindRedirect:
		if r.redirect, err = newRedirect(act.Redirect, captured); err != nil {
			b.fail(act.Pos, where+".redirect", "%v", err)
		}
	}
	return r
}

// rootRoute compiles a route to a document root, or to a folder of sites.
func (b *builder) rootRoute(r *route, act *config.Action, from *config.Root, headers []config.Header, where string) {
	if r.takes &= readMethods; r.takes == 0 {
		b.fail(r.pos, where, "files are read by GET and HEAD only, so this route never answers; leave %s out of the pattern", r.pattern.method)
	}
	r.mount = len(r.pattern.segs)
	if r.pattern.ends == endHere {
		r.mount--
	}
	for name := range strings.SplitSeq(strings.Trim(from.Fallback, "/"), "/") {
		if name != "" {
			r.fallback = append(r.fallback, []byte(name))
		}
	}
	opt := site.NewOptions(from, headers)
	key := rootKey{from.Dir, opt.Key()}
	at, known := b.placed[key]
	if !known {
		at = len(b.wanted)
		b.placed[key] = at
		b.wanted = append(b.wanted, wantedRoot{key, opt, act.Pos, where})
	}
	r.tree = at
}

// read reads the document roots that prev does not have.
func (b *builder) read() {
	limits := &b.table.Config.Limits
	kept, same := b.kept()
	trees := make([]*site.Tree, len(b.wanted))
	used := int64(0)
	for i, w := range b.wanted {
		if same {
			if trees[i] = kept[w.key]; trees[i] != nil {
				used += trees[i].Memory()
			}
		}
	}
	b.loader.MaxFiles, b.loader.Held = limits.Files, b.leaving()-used
	defer func() { b.loader.Held = 0 }()
	for i, w := range b.wanted {
		if trees[i] != nil {
			continue
		}
		b.loader.Budget = max(limits.Memory-used, 1) // without room, and not without a limit
		tree, err := b.loader.Load(w.key.dir, w.opt, b.relative(trees[:i], kept, w.key))
		if err != nil {
			b.fail(w.at, w.where, "%v", err)
			continue
		}
		trees[i] = tree
		used += tree.Memory()
	}
	b.table.sites = trees
}

// leaving is how many bytes of memory the trees of prev take.
func (b *builder) leaving() (n int64) {
	if b.prev != nil {
		for _, tree := range b.prev.sites {
			n += tree.Memory()
		}
	}
	return n
}

// kept gives prev's trees, and whether they were read within the same limits.
func (b *builder) kept() (trees map[rootKey]*site.Tree, same bool) {
	trees = make(map[rootKey]*site.Tree)
	if b.prev == nil {
		return trees, false
	}
	for _, tree := range b.prev.sites {
		trees[rootKey{tree.Path(), tree.Options().Key()}] = tree
	}
	old, now := &b.prev.Config.Limits, &b.table.Config.Limits
	return trees, old.Memory == now.Memory && old.Files == now.Files
}

// relative finds a tree of the same directory, whose bodies need not be read
// again: the very one, or one with other options.
func (b *builder) relative(read []*site.Tree, kept map[rootKey]*site.Tree, key rootKey) *site.Tree {
	if tree := kept[key]; tree != nil {
		return tree
	}
	if b.prev != nil {
		for _, tree := range b.prev.sites {
			if tree.Path() == key.dir {
				return tree
			}
		}
	}
	for _, tree := range read {
		if tree != nil && tree.Path() == key.dir {
			return tree
		}
	}
	return nil
}

// setRespond compiles a fixed response. What has no content is only a status
// and field lines: 204 and 205, and errors, which get a page.
func (r *route) setRespond(from *config.Respond, headers []config.Header) {
	bare := len(from.Body) == 0 && from.File == ""
	page := bare && from.Status >= 400 && !hasHeader(from.Headers, "Content-Type")
	if page { // whether it is stored says it itself, or nobody
		headers = slices.DeleteFunc(slices.Clone(headers), func(h config.Header) bool { return among(storeHeaders, h.Name) })
	}
	headers = mergeHeaders(headers, from.Headers)
	r.status, r.lines = from.Status, newFieldLines(headers)
	if page || from.Status == 204 || from.Status == 205 || from.Status == 304 {
		return
	}
	typ := from.Type
	if typ == "" && from.File != "" {
		typ = site.MediaType(from.File)
	}
	r.file = site.Fixed(typ, headers, from.Body)
}

// mergeHeaders gives the headers of outer and inner together; where both have a
// name, those of inner alone.
func mergeHeaders(outer, inner []config.Header) []config.Header {
	if len(outer) == 0 {
		return inner
	}
	merged := make([]config.Header, 0, len(outer)+len(inner))
	for _, h := range outer {
		if !hasHeader(inner, h.Name) {
			merged = append(merged, h)
		}
	}
	return append(merged, inner...)
}

func hasHeader(headers []config.Header, name string) bool {
	return slices.ContainsFunc(headers, func(h config.Header) bool { return strings.EqualFold(h.Name, name) })
}

// contentHeaders speak of the content that a route leads to: they are for nothing
// else.
var contentHeaders = []string{
	"Content-Type", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Location", "Location",
	"X-Content-Type-Options",
}

// storeHeaders speak of storing an answer: they are not for an error, which is
// stored nowhere.
var storeHeaders = []string{"Cache-Control", "Expires", "Vary"}

// newFieldLines writes headers down as they are sent.
func newFieldLines(headers []config.Header) fieldLines {
	var all, made, plain strings.Builder
	for _, h := range headers {
		line := h.Name + ": " + h.Value + "\r\n"
		all.WriteString(line)
		if among(contentHeaders, h.Name) {
			continue
		}
		made.WriteString(line)
		if !among(storeHeaders, h.Name) {
			plain.WriteString(line)
		}
	}
	return fieldLines{all.String(), made.String(), plain.String(), hasHeader(headers, "Cache-Control"), hasHeader(headers, "Retry-After")}
}

// among says that names has a field name (RFC 9110 §5.1: whatever its case).
func among(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}
