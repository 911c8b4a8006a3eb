package loop

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
)

// simWorld is everything around the loop: its kernel, its clients, the desk,
// the one who edits the config, and time. One seed decides all of it. The loop
// itself is the real one, and its goroutine the only one.
type simWorld struct {
	seed   uint64
	rng    *rand.Rand
	odds   [simFaults]int // one in so many; 0: never
	counts simCounts
	broken error // the first thing that was wrong

	diskDay  bool // most requests are for files on disk, and the disk is slow
	flooding bool // one client sends as fast as it can

	// the kernel's
	now, wallOffset int64
	fds             []*simDescriptor
	fdLimit         int
	squeezedTill    int64
	noCachestat     bool
	noUnsent        bool
	ready           []simReport
	disk            map[string]*simFile
	port            uint16

	// those who take part
	loop      *Loop
	clerk     *simClerk
	clients   []*simClient
	conns     []*simConn // those that the server has not closed
	listeners map[string]*simListener
	current   *simTable
	reloading *plan

	// the course of things
	started, draining, stopped, ended bool
	drainUntil                        int64
	budget                            int // requests that may still be made
	asked, answered                   int
	lives                             int
	turns                             int
	acceptTrouble                     int   // the turn in which accept failed last
	deafPause                         int64 // the end of a pause that only a deaf listener has
	shortest                          int64 // the shortest timeout of the tables so far
	tags                              map[simThing]string

	// for the inspection between two turns
	shadows  shadows
	inMail   map[int]bool      // descriptors of files in letters not read yet
	warming  map[*openFile]int // jobs that hold a file
	shutting map[int]bool      // descriptors of files that the desk is to close
	kept     []int             // files of jobs that came after the end
	calls    int               // of the kernel, since it was waited for
	last     simWait
	log      simLog
	handed   []*simHanded // what the kernel has been handed, for each connection that speaks HTTP
	trace    []string
	tracing  bool
}

func newSimWorld(seed uint64, requests int) *simWorld {
	w := &simWorld{
		seed: seed, rng: rand.New(rand.NewPCG(seed, 0x6d6f6e6f706f6c6c)),
		disk: make(map[string]*simFile), tags: make(map[simThing]string),
		now: 1e9, wallOffset: 1_700_000_000e9, budget: requests,
	}
	w.arrange()
	w.noCachestat, w.noUnsent = w.chance(4), w.chance(4)
	return w
}

// fail notes what is wrong. The world ends at the next wait: a panic here would
// be taken for one of the connection's.
func (w *simWorld) fail(format string, args ...any) {
	if w.broken == nil {
		w.broken = fmt.Errorf("turn %d: %s", w.turns, fmt.Sprintf(format, args...))
		if w.tracing {
			w.broken = fmt.Errorf("%w\n%s", w.broken, debug.Stack())
		}
	}
}

// note keeps a line of what happened, if somebody wants to know.
func (w *simWorld) note(format string, args ...any) {
	if w.tracing {
		w.trace = append(w.trace, fmt.Sprintf("%6d %13d ", w.turns, w.now)+fmt.Sprintf(format, args...))
	}
}

// run lets lives of the loop follow each other until all requests were made.
func (w *simWorld) run() error {
	for w.budget > 0 && w.broken == nil {
		w.live()
	}
	return w.broken
}

// live is one life of the loop, from New to the end of Run.
func (w *simWorld) live() {
	w.lives++
	w.started, w.draining, w.stopped, w.ended = false, false, false, false
	w.fds, w.fdLimit, w.squeezedTill = nil, 1<<20, 0
	w.listeners, w.conns, w.clients = make(map[string]*simListener), nil, nil
	w.inMail, w.warming, w.shutting, w.kept = make(map[int]bool), make(map[*openFile]int), make(map[int]bool), nil
	w.shadows, w.last, w.shortest, w.reloading = nil, simWait{}, simNever, nil
	w.clerk = &simClerk{w: w}
	w.log.lines, w.log.bytes, w.handed = 0, 0, nil

	l, err := New(Options{Kernel: simKernel{w}, Log: slog.New(simHandler{w}), Control: w.command})
	if err != nil {
		w.fail("%v", err)
		return
	}
	l.desk.close() // the goroutines of the real one
	l.desk, l.bind, l.listen, l.alone = w.clerk, w.bind, w.listen, false
	l.conns.gen = genMask - uint32(w.between(0, 50)) // it will begin again
	l.publisher.log = "off"                          // so that no table changes the log of the world
	l.access.sink = w.log.sink()
	w.loop = l
	p, err := l.prepare(simPool[w.rng.IntN(len(simPool))].table)
	if err != nil {
		w.fail("%v", err)
		return
	}
	w.bindControl(p)
	w.commit(p)
	w.started = true
	for i := range w.between(1, 40) {
		w.clients = append(w.clients, &simClient{w: w, id: i, at: w.now + int64(w.between(0, 5_000_000))})
	}
	if err := w.serve(); err != nil && w.broken == nil {
		w.fail("Run: %v", err)
	}
	w.inspectEnd()
}

// serve is Run, in which a panic is a failure like any other.
func (w *simWorld) serve() (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.fail("a panic that nobody contained: %v\n%s", p, debug.Stack())
		}
	}()
	return w.loop.Run()
}

// move lets everybody act whose time has come. It runs while the loop waits.
func (w *simWorld) move() {
	w.misfortune()
	w.clerk.work()
	for _, c := range w.clients {
		for n := 0; c.at <= w.now && n < 4 && w.broken == nil; n++ {
			c.act()
		}
	}
	w.log.drain(w)
	w.sweep()
	if !w.ended && w.budget <= 0 && w.settled() {
		w.ended = true
		if w.chance(2) {
			w.stop()
		} else {
			w.drain()
		}
	}
}

// settled says that no client is under way any more.
func (w *simWorld) settled() bool {
	for _, c := range w.clients {
		if c.conn != nil && !(c.talk.done() || c.vanished || c.talk.waits() && w.stopped) {
			return false
		}
	}
	return true
}

// sweep forgets connections that the server has closed.
func (w *simWorld) sweep() {
	kept := w.conns[:0]
	for _, c := range w.conns {
		if !c.closed {
			kept = append(kept, c)
		}
	}
	clear(w.conns[len(kept):])
	w.conns = kept
}

// nextAct is when somebody acts next.
func (w *simWorld) nextAct() int64 {
	at := w.clerk.next()
	for _, c := range w.clients {
		at = min(at, c.at)
	}
	return at
}

func (w *simWorld) anyListener() *simListener {
	keys := sortedKeys(w.listeners)
	if len(keys) == 0 {
		return nil
	}
	return w.listeners[keys[w.rng.IntN(len(keys))]]
}
