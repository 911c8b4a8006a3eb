package watch

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// root is a document root and how it is kept fresh. It outlives the trees that
// are made of it.
type root struct {
	tree  *site.Tree
	owner string // of the watches on its directories
	way   string // of the watches on the way to it
	// anchors are the names on that way, path is where it ends.
	anchors []site.Anchor
	path    string
	// synced is the tree by which watches were last given up.
	synced *site.Tree

	deaf    bool      // it has no watches
	far     string    // why something in it has none, as deep as it lies; "" if that is not so
	polled  string    // why it is looked at every second; "" if it is not
	next    time.Time // when it is looked at without an event; zero: never
	problem string    // what was said last about it, while that still holds
	lost    time.Time // since when it is not there, while it is served all the same

	// See ask.go.
	remote    []string    // what is mounted in it and may hang
	asking    bool        // somebody tries whether its filesystems answer
	asked     time.Time   // since when
	answered  atomic.Bool // they did, which poll is about to be told
	saidHung  bool        // they do not, and that has been said
	unensured bool        // it is due for ensure
}

// newRoot knows a document root for the first time.
func (w *Watcher) newRoot(tree *site.Tree) *root {
	w.born++
	return &root{tree: tree, synced: tree, owner: fmt.Sprintf("root %d", w.born), way: fmt.Sprintf("way %d", w.born)}
}

// real gives the real path of a tree's root, as far as there is one.
func real(t *site.Tree) string {
	way := t.Anchors()
	if len(way) == 0 {
		return "/"
	}
	last := way[len(way)-1]
	return filepath.Join(last.Dir, last.Name)
}

// everything is what to ask for to look at a whole tree again, the way to it
// included.
func everything(t *site.Tree) site.Changes {
	ch := site.Changes{real(t): nil}
	if way := t.Anchors(); len(way) > 0 {
		last := way[len(way)-1]
		ch[last.Dir] = site.Names{last.Name: false}
	}
	return ch
}

// follow brings all watches of a root in step with a tree of it.
func (w *Watcher) follow(r *root, tree *site.Tree) (added []string) {
	w.followWay(r, tree)
	if !r.deaf {
		var err error
		if added, err = w.watches.set(r.owner, tree.Watch()); err != nil {
			w.unwatched(r, err)
		}
	}
	return added
}

// followWay watches the way to a root, which may be a matter of symlinks.
func (w *Watcher) followWay(r *root, tree *site.Tree) {
	_, err := w.watches.set(r.way, func(yield func(string) bool) {
		for _, a := range tree.Anchors() {
			if !yield(a.Dir) {
				return
			}
		}
	})
	if err != nil {
		w.unwatched(r, err)
	}
	if r.anchors == nil || !slices.Equal(r.anchors, tree.Anchors()) {
		was := r.path
		r.anchors = tree.Anchors()
		r.path = real(tree)
		w.index.stale = true
		if was != "" && was != r.path {
			w.inspect(r, time.Now()) // it may be on another filesystem
		}
	}
}

// enter is the loader's: a directory is about to be scanned, so it is watched
// from now on, and nothing that comes too late for the scan goes unnoticed.
func (w *Watcher) enter(dir string) {
	r := w.entering
	if r == nil || r.deaf {
		return
	}
	if err := w.watches.also(r.owner, dir); err != nil {
		w.unwatched(r, err)
	}
	// Until the loader is through, we do not know which names matter there.
	if w.in.widen(dir) {
		w.index.stale = true
	}
}

// refresh makes the next tree of a root, and sees to its watches. The loader
// finds out by itself what is still true of the tree before.
func (w *Watcher) refresh(r *root, tree *site.Tree, ch site.Changes, trees map[*root]*site.Tree) (*site.Tree, site.Delta, error) {
	w.ration(r, trees)
	w.entering = r
	next, delta, err := w.loader.Refresh(tree, ch)
	w.entering = nil
	if err == nil {
		w.followWay(r, next)
	}
	return next, delta, err
}

// ration tells the loader what the limits leave for one root, beside the trees
// that others are going to have, and those that they have until then.
func (w *Watcher) ration(r *root, trees map[*root]*site.Tree) {
	limits := &w.table.Config.Limits
	w.loader.MaxFiles, w.loader.Held = limits.Files, 0
	others := w.memory() - r.tree.Memory()
	for o, next := range trees {
		if o != r {
			others += next.Memory() - o.tree.Memory()
			w.loader.Held += o.tree.Memory()
		}
	}
	w.loader.Budget = max(limits.Memory-others, 1)
}

// memory is how many bytes all trees take.
func (w *Watcher) memory() (n int64) {
	for _, r := range w.roots {
		n += r.tree.Memory()
	}
	return n
}

// candidate is a table that may be served next, and what belongs to it.
type candidate struct {
	table *routes.Table
	roots []*root // parallel to its trees
	trees map[*root]*site.Tree
}

// build makes the table of a new config, using what from has already. Every
// directory is under watch before it is read, whether or not the table will be.
func (w *Watcher) build(cfg *config.Config, from candidate) (candidate, error) {
	const owner = "building"
	w.entering = &root{owner: owner}
	w.loader.Hanging = w.hanging(time.Now())
	table, err := routes.Build(cfg, from.table, w.loader)
	w.entering, w.loader.Hanging = nil, nil
	defer w.watches.forget(owner)
	if err != nil {
		return candidate{}, err
	}
	// Tables that were made on the way were never served and do not count.
	table.Version = w.table.Version + 1
	return w.rootsOf(table, from), nil
}

// rootsOf finds the roots of a table among those of the one it was made from,
// and watches those that are new.
func (w *Watcher) rootsOf(table *routes.Table, from candidate) candidate {
	type key struct{ dir, options string }
	known := map[key]*root{}
	shared := map[*site.Tree]bool{}
	for i, tree := range from.table.Trees() {
		known[key{tree.Path(), tree.Options().Key()}] = from.roots[i]
		shared[tree] = true
	}
	next := candidate{table: table, trees: map[*root]*site.Tree{}}
	for _, tree := range table.Trees() {
		r := known[key{tree.Path(), tree.Options().Key()}]
		if r == nil {
			r = w.newRoot(tree)
		}
		next.roots = append(next.roots, r)
		next.trees[r] = tree
		if !shared[tree] {
			w.follow(r, tree)
			w.inspect(r, time.Now())
		}
	}
	w.index.stale = true
	return next
}

// commit has a candidate served, or leaves everything as it is.
func (w *Watcher) commit(c candidate) (Outcome, error) {
	out, err := w.opt.Publish(c.table)
	if err != nil {
		w.abandon(c.roots, w.roots)
		return out, err
	}
	w.abandon(w.roots, c.roots)
	w.table, w.roots = c.table, c.roots
	for r, tree := range c.trees {
		r.tree = tree
		w.sync(r, false)
	}
	w.board.publish(w.table, time.Now())
	return out, nil
}

// sync gives up the watches on directories that a root has no more. What it
// compares with is a tree of before, with all its bodies: so it is done at once,
// unless symlinks make it as much work as the tree has directories and nobody
// said to do it anyway. A root that has moved leaves everything behind.
func (w *Watcher) sync(r *root, anyway bool) {
	if r.synced == r.tree {
		return
	}
	if r.deaf {
		r.synced = r.tree
		return
	}
	if anyway || real(r.synced) != real(r.tree) || !r.synced.HasLinks() && !r.tree.HasLinks() {
		w.watches.without(r.owner, site.Unwatch(r.synced, r.tree))
		r.synced = r.tree
	}
}

// abandon gives up the watches of those roots that are not in kept.
func (w *Watcher) abandon(roots, kept []*root) {
	if slices.Equal(roots, kept) {
		return
	}
	w.index.stale = true
	keep := make(map[*root]bool, len(kept))
	for _, r := range kept {
		keep[r] = true
	}
	for _, r := range roots {
		if !keep[r] {
			w.watches.forget(r.owner)
			w.watches.forget(r.way)
		}
	}
}
