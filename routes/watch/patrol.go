package watch

import (
	"runtime"
	"strings"
	"sync"
	"time"

	"monopoll/routes"
	"monopoll/routes/site"
)

// The price of the patrol: patrolCalls stats each patrolStep, 500 a second. A
// small site is gone through once in patrolEvery, one of 100,000 files in three and
// a half minutes.
const (
	patrolEvery = 2 * time.Second // from the beginning of one round to that of the next, at least
	patrolStep  = time.Second
	patrolCalls = 500
	// patrolBreath is after how many of them the loop may have the processor, where
	// there is only one. (To yield where there are others wakes a thread, which
	// costs as much as all these calls.)
	patrolBreath = 16
	// patrolPatience is how long a filesystem may take for them before the patrol
	// goes on without the root; it is the pulse that notices.
	patrolPatience = 5 * time.Second
	// hungMost is for how many roots that may happen: each holds a thread for as
	// long as its filesystem does not answer.
	hungMost = 4
)

// patrol looks slowly at all that is watched, for what no event tells of: a
// write through a memory mapping or a hard link sends none that fsnotify asks
// for, nor does what happens below an overlay. What it finds goes the way of an
// event, once for each version that it sees: a file that loading refuses, or one
// that changes all the time, is not asked for again and again.
//
// It is a goroutine of its own, for stat(2) may take as long as it likes. Where it
// is held, the pulse starts another, which leaves that root out until the first
// is free.
type patrol struct {
	in    *inbox
	ended <-chan struct{}

	mu      sync.Mutex
	table   *routes.Table
	skip    []bool          // parallel to its trees: they are polled
	config  standing        // what is looked at beside them
	walker  int             // which goroutine it is that patrols; others end
	walking bool            // there is one
	at      string          // the root that it is looking at
	since   time.Time       // when it began to; zero: it is resting
	hung    map[string]bool // roots whose filesystem holds a goroutine
}

// sees tells the patrol what is served. polled, if not nil, says anew which of
// the trees are polled.
func (p *patrol) sees(table *routes.Table, polled []bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.table = table
	if polled != nil {
		p.skip = polled
	}
}

// tend starts a goroutine where none patrols: at first, and in the place of one
// that is held: then it gives the root that holds it.
func (p *patrol) tend(now time.Time) (held string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.walking {
		if p.since.IsZero() || now.Sub(p.since) < patrolPatience {
			return ""
		}
		p.hung[p.at] = true
		p.walking = false
		held = p.at
	}
	if len(p.hung) < hungMost {
		p.walker++
		p.walking, p.since = true, time.Time{}
		go p.walk(p.walker)
	}
	return held
}

// enter gives the first tree from place i on that is to be looked at, nil if the
// round is over. It is not ok if another goroutine has taken over.
func (p *patrol) enter(walker, i int) (tree *site.Tree, at int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.walker != walker || !p.walking {
		return nil, 0, false
	}
	for ; ; i++ {
		tree := p.table.Tree(i)
		if tree == nil {
			return nil, 0, true
		}
		if i < len(p.skip) && p.skip[i] || p.hung[tree.Path()] {
			continue
		}
		p.at, p.since = tree.Path(), time.Now()
		return tree, i, true
	}
}

// leave ends the look at a tree that enter began.
func (p *patrol) leave(walker int, tree *site.Tree) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.walker == walker && p.walking {
		p.since = time.Time{}
	} else {
		delete(p.hung, tree.Path())
	}
}

// patrolWalk is one goroutine's walk.
type patrolWalk struct {
	*patrol
	site.Patrol
	walker int
	root   int // the place of the tree it is at
	// told has the versions that were told of in the round before and in this
	// one, and that the trees still do not have.
	told, again map[name]site.Version
}

func newPatrolWalk(p *patrol, walker int) *patrolWalk {
	b := &patrolWalk{patrol: p, walker: walker, again: map[name]site.Version{}}
	b.Differs = b.differs
	return b
}

// walk patrols until the watcher ends or another goroutine takes over.
func (p *patrol) walk(walker int) {
	b := newPatrolWalk(p, walker)
	began := time.Now()
	timer := time.NewTimer(patrolEvery)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-p.ended:
			return
		}
		b.lookAtConfig()
		end, ok := b.step()
		if !ok {
			return
		}
		wait := patrolStep
		if end {
			wait = max(patrolStep, patrolEvery-time.Since(began))
			began = time.Now().Add(wait)
		}
		timer.Reset(wait)
	}
}

// step spends the calls of one step, or those that are left of the round.
func (b *patrolWalk) step() (end, ok bool) {
	breath := patrolCalls
	if runtime.GOMAXPROCS(0) == 1 {
		breath = patrolBreath
	}
	for calls := patrolCalls; calls > 0; {
		tree, at, ok := b.enter(b.walker, b.root)
		if tree == nil {
			b.root = 0
			b.told, b.again = b.again, map[name]site.Version{}
			return true, ok
		}
		b.root = at
		made, end := b.Walk(tree, min(calls, breath))
		b.leave(b.walker, tree)
		calls -= max(made, 1)
		if end {
			b.root++
		}
		if breath == patrolBreath {
			runtime.Gosched()
		}
	}
	return false, true
}

// differs takes in what the patrol found, unless it was told before.
func (b *patrolWalk) differs(dir, base string, found site.Version) bool {
	// The strings are parts of a tree, which would stay in memory with them.
	n := name{strings.Clone(dir), strings.Clone(base)}
	was, known := b.again[n] // there may be two roots of one folder
	if !known {
		was, known = b.told[n]
	}
	b.again[n] = found
	if known && was == found {
		return false
	}
	if base != "" {
		b.in.unheard(n, time.Now())
	}
	return true
}
