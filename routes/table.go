package routes

import (
	"slices"

	"monopoll/routes/config"
	"monopoll/routes/site"
)

// Table is everything that monopoll can say, at one moment. It is immutable
// once Build or WithTree has returned it: any number of goroutines may read it,
// and an answer that began with one table ends with it.
type Table struct {
	// Version counts the tables of a process, from 1.
	Version int
	// Config is what the table was built from.
	Config *config.Config
	// Listeners in the order of the config.
	Listeners []*Listener
	// sites are the document roots, each once, whatever the number of routes
	// that lead to it. A route names one by its place in this slice, so that
	// an edited page makes a new slice and shares everything else.
	sites []*site.Tree
}

// Listener is one entry of the config's listeners: where it listens and what
// it says there.
type Listener struct {
	// Name is for people and logs: the config's name, or the listen text.
	Name string
	// Addresses are where it listens, at least one. A socket is known by its
	// address: reloads keep a socket as long as some listener has its address.
	Addresses []config.Address
	// Echo says that the listener is a raw TCP echo (RFC 862) and has no routes.
	Echo bool

	router router
	// lines are those of the listener's headers, for answers without a route.
	lines fieldLines
}

// route is what a pattern leads to.
type route struct {
	pattern pattern
	pos     config.Pos
	index   int // its place in the listener
	kind    config.Kind
	// takes are the methods it answers to, of those that its pattern lets through.
	takes methodSet
	lines fieldLines

	// For root and sites: the place in Table.sites, and the number of segments
	// that lead to where the root stands (see rootAnswer).
	tree, mount int
	fallback    [][]byte // the segments of Root.Fallback
	// For sites.
	domain   string // in lower case, "" for none
	fallsite []byte // Sites.Default

	// For respond: the representation, and its status. Without a file it is a
	// status alone, and from 400 on a page that says it.
	file   *site.File
	status int

	// For redirect.
	redirect *redirect
}

// fieldLines are the field lines of `headers:`, as Response.Lines has them: for
// the content that the route leads to, for what the server makes in its place (a
// directory listing, the redirect to a directory), and for errors.
type fieldLines struct {
	all    string
	made   string // without contentHeaders
	plain  string // without storeHeaders either
	caches bool   // Cache-Control is one of them
	retry  bool   // Retry-After is one of them
}

var noFields fieldLines

// Trees gives the document roots, for those who watch them. A tree keeps its
// place from table to table as long as the config stays the same. The slice is
// the caller's.
func (t *Table) Trees() []*site.Tree { return slices.Clone(t.sites) }

// Tree gives the document root at place i of Trees, nil beyond the last.
func (t *Table) Tree(i int) *site.Tree {
	if i >= len(t.sites) {
		return nil
	}
	return t.sites[i]
}

// WithTree gives the table with another version of the document root at place i
// of Trees, and everything else shared. Its cost is that of copying one pointer
// for each document root.
func (t *Table) WithTree(i int, tree *site.Tree) *Table {
	return t.WithTrees(func(trees []*site.Tree) { trees[i] = tree })
}

// WithTrees is WithTree for several at once: change puts them into their places.
func (t *Table) WithTrees(change func(trees []*site.Tree)) *Table {
	next := *t
	next.Version++
	next.sites = slices.Clone(t.sites)
	change(next.sites)
	return &next
}
