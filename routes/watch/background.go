package watch

import (
	"context"
	"maps"
	"sync"
	"time"

	"monopoll/routes/site"
)

const (
	// backgroundQuiet is how long content must have been at rest before work on it
	// begins, backgroundMost how long that may be put off: what is compressed while
	// a deploy is under way is thrown away with the next file.
	backgroundQuiet = 250 * time.Millisecond
	backgroundMost  = 5 * time.Second
)

// background is where what a table gains from, and can do without, is made after
// it was published: bodies in memory for which there was no room before,
// compressed variants of pages, and strong entity tags of large files. Nobody
// waits for it.
type background struct {
	at     time.Time // when to begin; zero: nothing to do
	first  time.Time // since when that is put off
	cancel context.CancelFunc
	turn   int        // counts what was begun or left, to tell whose end is heard
	idling sync.Mutex // held while Options.Idle is called: what was left may do so still
	made   chan made
	cache  site.Cache
	// worked has the trees for which there is nothing left to do: of a thousand
	// roots, an edited page costs a look at one.
	worked map[*root]*site.Tree
	room   int64 // the least that limits.memory had left since they were looked at
}

// made is what the background work hands over: a tree with more in it than the one it
// was made of. One without a root says that a round is done.
type made struct {
	turn     int
	worked   map[*root]*site.Tree // trees that are complete
	root     *root
	from, to *site.Tree
	with     results
	insist   bool // it is taken even if the root has another tree than from by now
	reply    chan handed
}

// handed is what became of a tree that was handed over.
type handed struct {
	now   *site.Tree // the root's; nil if the root is gone
	taken bool       // now has what was made
}

// results are what has been made for one tree.
type results struct {
	moves    []site.Move
	variants []site.Variant
	tags     map[*site.File]string
}

func (r *results) empty() bool { return len(r.moves)+len(r.variants)+len(r.tags) == 0 }

// apply gives a tree that has them; room is what variants may take.
func (r *results) apply(t *site.Tree, room int64) *site.Tree {
	t = t.Moved(r.moves)
	if len(r.variants) > 0 {
		t = t.With(r.variants, room)
	}
	if len(r.tags) > 0 {
		t = t.Tagged(r.tags)
	}
	return t
}

func (b *background) init() { b.made = make(chan made) }

// touch says that the trees have changed: what is under way ends, and begins
// anew when they have come to rest. What was made is not lost.
func (b *background) touch(now time.Time) {
	if b.cancel != nil {
		b.cancel()
	}
	if b.at.IsZero() {
		b.first = now
	}
	b.at = now.Add(backgroundQuiet)
	if most := b.first.Add(backgroundMost); b.at.After(most) {
		b.at = most
	}
}

// leave begins anew without what is under way: that may wait for a filesystem
// which does not answer, and ends when it does.
func (b *background) leave(now time.Time) {
	if b.cancel != nil {
		b.cancel()
		b.cancel = nil
		b.turn++ // what it says at its end is of no turn any more
	}
	b.touch(now)
}

// next is when to call start.
func (b *background) next() time.Time {
	if b.cancel != nil {
		return time.Time{} // it says when it is done
	}
	return b.at
}

// start begins, if it is time and nothing is under way.
func (b *background) start(w *Watcher, now time.Time) {
	if b.cancel != nil || b.at.IsZero() || now.Before(b.at) {
		return
	}
	b.at = time.Time{}
	b.turn++
	turn := b.turn
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	s := &round{
		ctx: ctx, made: b.made, ended: w.ended, cache: &b.cache, served: w.opt.Work,
		limit: w.table.Config.Limits.Memory, room: w.room(),
	}
	worked := map[*root]*site.Tree{}
	if s.room > b.room+s.limit/8 {
		b.worked, b.room = nil, s.room // there is room for what had none
	}
	b.room = min(b.room, s.room)
	for _, r := range w.roots {
		if r.hangs(now) {
			continue // begun anew when it answers
		}
		if b.worked[r] == r.tree {
			worked[r] = r.tree
			continue
		}
		s.roots = append(s.roots, r)
		s.trees = append(s.trees, r.tree)
	}
	b.worked = worked
	go func() {
		w.idle(ctx)
		s.work()
		w.idle(ctx)
		select {
		case b.made <- made{turn: turn, worked: s.worked()}:
		case <-w.ended:
		}
	}()
}

func (w *Watcher) idle(ctx context.Context) {
	w.background.idling.Lock()
	defer w.background.idling.Unlock()
	if w.opt.Idle != nil && ctx.Err() == nil {
		w.opt.Idle(ctx)
	}
}

// stop ends what is under way, without waiting for it: one body may take half a
// second, and whoever ends a server wants it to end.
func (b *background) stop() {
	if b.cancel != nil {
		b.cancel()
	}
}

// room is how many bytes limits.memory has left; less than none, if some must go.
func (w *Watcher) room() int64 {
	return w.table.Config.Limits.Memory - w.memory()
}

// spare is how many of these bytes variants may take. An eighth of the limit is
// left for bodies that are still to come: without any room they would be served
// from disk, for the sake of variants that nobody may ask for.
func spare(limit, room int64) int64 { return max(room-limit/8, 0) }

// collect takes what the background work hands over and publishes it. If the tree has
// changed meanwhile, what was made still fits where the bytes are the same; but to
// find these is a look at the whole tree, for which there is no time here: whoever
// made it does so, and comes again. Only who came in vain too often is served here.
func (w *Watcher) collect(m made) {
	if m.root == nil {
		if m.turn != w.background.turn {
			return // it was left
		}
		w.background.cancel()
		w.background.cancel = nil
		maps.Copy(w.background.worked, m.worked)
		return
	}
	here := false
	for _, r := range w.roots {
		here = here || r == m.root
	}
	if !here {
		m.reply <- handed{}
		return
	}
	tree := m.to
	if m.root.tree != m.from {
		if !m.insist {
			m.reply <- handed{now: m.root.tree}
			return
		}
		tree = m.with.apply(m.root.tree, spare(w.table.Config.Limits.Memory, w.room()))
	}
	if tree != m.root.tree {
		w.install(m.root, tree)
	}
	m.reply <- handed{m.root.tree, true}
}

// install publishes a tree that says the same as before in more ways.
func (w *Watcher) install(r *root, tree *site.Tree) {
	table := w.table.WithTrees(func(trees []*site.Tree) {
		for i := range w.roots {
			if w.roots[i] == r {
				trees[i] = tree
			}
		}
	})
	table.Version = w.table.Version // it says the same
	inStep := r.synced == r.tree
	if _, err := w.commit(candidate{table, w.roots, map[*root]*site.Tree{r: tree}}); err != nil {
		w.log.Debug("what was compressed could not be published", "error", err)
		return
	}
	if inStep {
		r.synced = tree // it has the same names
	}
	w.log.Debug("bodies, compressed variants and entity tags are ready", "root", w.call(r), "version", w.table.Version)
	w.tidy()
}
