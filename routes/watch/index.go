package watch

import (
	"path/filepath"
	"time"

	"monopoll/routes/site"
)

// index finds the roots that an event is about in a few look-ups, whatever
// their number.
type index struct {
	stale    bool
	byPath   map[string][]*root // by the real path of the root
	byAnchor map[name][]*root   // by the names on the way to it
}

// reindex makes the index of the roots as they are, and tells the inbox of
// which directories only some names matter: those on the way to the config and
// to roots, such as /tmp or a home folder, in which much may happen that is
// nobody's business here.
func (w *Watcher) reindex() {
	ix := index{byPath: map[string][]*root{}, byAnchor: map[name][]*root{}}
	narrow := map[string]map[string]struct{}{}
	put := func(n name) {
		if narrow[n.dir] == nil {
			narrow[n.dir] = map[string]struct{}{}
		}
		narrow[n.dir][n.base] = struct{}{}
	}
	for n := range w.config.names {
		put(n)
	}
	for n := range w.config.files {
		put(n)
	}
	for _, r := range w.roots {
		ix.byPath[r.path] = append(ix.byPath[r.path], r)
		for _, a := range r.anchors {
			n := name{a.Dir, a.Name}
			put(n)
			ix.byAnchor[n] = append(ix.byAnchor[n], r)
		}
	}
	for dir := range narrow {
		ix.around(dir, func(*root) { delete(narrow, dir) })
	}
	w.index = ix
	w.in.setNarrow(narrow)
}

// around gives the roots that a directory lies in, or is.
func (ix *index) around(dir string, yield func(*root)) {
	for {
		for _, r := range ix.byPath[dir] {
			yield(r)
		}
		above := filepath.Dir(dir)
		if above == dir {
			return
		}
		dir = above
	}
}

// job is what one turn has to do.
type job struct {
	all     bool          // look at every root
	config  bool          // look at the config
	bodies  bool          // and at the files that fixed responses are read from
	forced  bool          // somebody asked for it, and waits for the verdict
	early   bool          // the config was not ready to be looked at
	busy    map[name]bool // that somebody was writing
	changes map[*root]site.Changes
	dirty   map[name]dirty
}

// of gives what a root is asked.
func (j *job) of(r *root) site.Changes {
	if j.changes == nil {
		j.changes = map[*root]site.Changes{}
	}
	if j.changes[r] == nil {
		j.changes[r] = site.Changes{}
	}
	return j.changes[r]
}

// ask adds a name to what is to be looked at in a root.
func (j *job) ask(r *root, n name, force bool) {
	ch := j.of(r)
	names, asked := ch[n.dir]
	if asked && names == nil {
		return // all of it anyway
	}
	if names == nil {
		names = site.Names{}
		ch[n.dir] = names
	}
	names[n.base] = names[n.base] || force
}

// askWhole has a directory looked at with all that is in it.
func (j *job) askWhole(r *root, dir string) { j.of(r)[dir] = nil }

// askAll has a whole root looked at.
func (j *job) askAll(r *root) {
	ch := j.of(r)
	for dir, names := range everything(r.tree) {
		if names == nil {
			ch[dir] = nil
		}
		for base := range names {
			j.ask(r, name{dir, base}, false)
		}
	}
}

// sort says what the settled names mean. Watches below a name that may be
// another directory by now are given up; the loader brings them back.
func (w *Watcher) sort(settled []dirty, now time.Time) *job {
	j := &job{dirty: make(map[name]dirty, len(settled))}
	for _, d := range settled {
		w.sortOne(j, d, now)
		for _, dir := range w.watches.aliases(d.dir) {
			also := d
			also.dir = dir
			w.sortOne(j, also, now)
		}
	}
	return j
}

func (w *Watcher) sortOne(j *job, d dirty, now time.Time) {
	j.dirty[d.name] = d
	if d.moved {
		w.watches.dropFrom(d.path())
	}
	if d.unheard && w.watches.isStale(d.dir) {
		w.watches.dropFrom(d.dir) // something was mounted there
	}
	if text, body := w.config.concerns(d.name); text || body {
		j.config, j.bodies = true, j.bodies || body
		w.config.heard(d)
	}
	for _, r := range w.index.byAnchor[d.name] {
		j.ask(r, d.name, false)
	}
	w.index.around(d.dir, func(r *root) { j.ask(r, d.name, d.overdue(now)) })
}
