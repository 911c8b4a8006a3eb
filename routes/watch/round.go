package watch

import (
	"context"
	"runtime"
	"sync"
	"time"

	"monopoll/routes/site"
)

const (
	// handFirst is when the first results are published; each time after is
	// twice as far away, up to handMost, since handing over costs a look at
	// the whole tree.
	handFirst = 500 * time.Millisecond
	handMost  = 16 * time.Second
	// triesMost is how often results are handed over in vain, since the tree has
	// changed each time, before the watcher has to take them.
	triesMost = 8
	// workersMost is how many processors compress, of machines with many.
	workersMost = 4
)

// round is one run of the background work over all trees.
type round struct {
	ctx   context.Context
	made  chan<- made
	ended <-chan struct{} // nobody takes what is made any more
	cache *site.Cache
	limit int64 // limits.memory
	room  int64 // what it has left
	roots []*root
	trees []*site.Tree
	// complete is how many of them, from the first on, are done with.
	complete int

	served func() int64 // Options.Work; nil: there is nobody to give way to
}

// workers is how many goroutines compress: one on one or two processors, of
// which the loop has one, a quarter of more.
func workers() int { return min(max(runtime.GOMAXPROCS(0)/4, 1), workersMost) }

// work makes everything that can be made for all trees, unless it is cancelled.
func (s *round) work() {
	encoders := make([]site.Encoder, workers())
	for i := range encoders {
		encoders[i].Cache = s.cache
	}
	for i := range s.trees {
		s.placeBodies(i)
	}
	for i := range s.trees {
		s.compress(i, encoders)
		s.hash(i)
		s.compress(i, encoders) // the large files that have their tags now
		if s.ctx.Err() != nil {
			return
		}
		s.complete++
	}
}

// worked gives the trees that the round has done everything for.
func (s *round) worked() map[*root]*site.Tree {
	done := map[*root]*site.Tree{}
	for i := range s.complete {
		done[s.roots[i]] = s.trees[i]
	}
	return done
}

// placeBodies brings the bodies of one tree to where they ought to be. A tree that
// takes the place of another gets few of its bodies at first: there is no room
// for both.
func (s *round) placeBodies(i int) {
	var loader site.Loader
	out, in := loader.Misplaced(s.trees[i], max(s.trees[i].Memory()+s.room, 1))
	h := newHandover(s, i)
	h.results.moves = out
	h.give()
	pace := pace{s: s}
	for _, f := range in {
		if s.ctx.Err() != nil {
			return
		}
		pace.begin()
		if m, err := loader.Fetch(f); err == nil { // else it has changed, and its event is on its way
			h.results.moves = append(h.results.moves, m)
			h.due()
		}
		pace.end()
	}
	h.give()
}

// compress makes the variants of one tree, as long as there is room for some.
func (s *round) compress(i int, encoders []site.Encoder) {
	if spare(s.limit, s.room) == 0 {
		return
	}
	ctx, enough := context.WithCancel(s.ctx)
	defer enough()
	plan := s.trees[i].Plan()
	work := make(chan site.Work)
	out := make(chan site.Variant)
	go func() {
		defer close(work)
		for _, one := range plan {
			select {
			case work <- one:
			case <-ctx.Done():
				return
			}
		}
	}()
	var all sync.WaitGroup
	for k := range encoders {
		all.Go(func() { s.encode(&encoders[k], work, out) })
	}
	go func() {
		all.Wait()
		close(out)
	}()
	h := newHandover(s, i)
	for v := range out {
		h.results.variants = append(h.results.variants, v)
		if h.due(); spare(s.limit, s.room) == 0 {
			enough()
		}
	}
	h.give()
}

// encode makes variants one by one.
func (s *round) encode(e *site.Encoder, work <-chan site.Work, out chan<- site.Variant) {
	pace := pace{s: s, last: longPiece}
	for one := range work {
		pace.giveWay()
		pace.begin()
		v, err := e.Do(s.ctx, one)
		if err != nil {
			continue // cancelled, or a body that this coding cannot have, or another by now
		}
		out <- v
		pace.end()
	}
}

// hash finds the strong entity tags of the large files of one tree.
func (s *round) hash(i int) {
	h := newHandover(s, i)
	h.results.tags = map[*site.File]string{}
	var loader site.Loader
	pace := pace{s: s}
	for _, f := range s.trees[i].Unhashed() {
		pace.begin()
		tag, err := loader.Hash(f, func() error {
			pace.end()
			pace.giveWay()
			pace.begin()
			return s.ctx.Err()
		})
		if s.ctx.Err() != nil {
			break
		}
		if err == nil { // else it has changed, and its event is on its way
			h.results.tags[f] = tag
			h.due()
		}
	}
	h.give()
}

// handover gives results to the watcher, more and more of them at a time.
type handover struct {
	s       *round
	i       int
	results results
	every   time.Duration
	next    time.Time
}

func newHandover(s *round, i int) *handover {
	return &handover{s: s, i: i, every: handFirst, next: time.Now().Add(handFirst)}
}

// due gives what there is, if it is time.
func (h *handover) due() {
	if time.Now().Before(h.next) {
		return
	}
	h.give()
	h.every = min(2*h.every, handMost)
	h.next = time.Now().Add(h.every)
}

// give hands over. The tree is made here, so that the watcher, which has events
// to see to, need not go through all of it; where an edit was faster, it is made
// again of what that left.
func (h *handover) give() {
	s := h.s
	for try := 1; !h.results.empty(); try++ {
		from := s.trees[h.i]
		to := h.results.apply(from, spare(s.limit, s.room))
		m := made{root: s.roots[h.i], from: from, to: to, with: h.results, insist: try == triesMost, reply: make(chan handed, 1)}
		select {
		case s.made <- m:
		case <-s.ended:
			return
		}
		got := <-m.reply
		if got.now != nil {
			s.trees[h.i] = got.now
		}
		if got.taken {
			s.room -= to.Memory() - from.Memory()
		}
		if got.taken || got.now == nil {
			h.results = results{tags: map[*site.File]string{}}
		}
	}
}
