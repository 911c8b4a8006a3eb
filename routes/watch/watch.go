package watch

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"monopoll/routes"
	"monopoll/routes/site"
)

// Options are what a Watcher is told at its start.
type Options struct {
	// Path is the config file; "" and "-" mean that there is none to watch.
	Path string
	// Table is the one being served.
	Table *routes.Table
	// Loader reads document roots. It belongs to the Watcher from New on.
	Loader *site.Loader
	// Publish has a table served and returns after the commit; with an error,
	// nothing has changed.
	Publish func(*routes.Table) (Outcome, error)
	// Log gets one record for each verdict, and what there is to say about
	// watching. Nil means slog.Default.
	Log *slog.Logger
	// Work gives how much has been done for clients so far, counted so that a
	// thousand is what a busy server does in a second: background work gives way
	// to it then. Nil means that it never has to.
	Work func() int64
	// Idle is called when content has come to rest: before background work on it
	// begins, and when all of that is done and there may be nothing to do for a
	// while; by a goroutine of its own. It is to return when its context ends, as
	// content changes again. Nil means that nobody wants to know.
	Idle func(context.Context)
	// Report is told every verdict, after it was logged, by the goroutine of
	// Run; nil means nobody is.
	Report func(Verdict)

	// wrap, if not nil, comes between us and the kernel: the seam where tests
	// let watches run out and events get lost.
	wrap func(notifier) notifier
}

// Outcome is what a commit meant for those who were connected.
type Outcome struct {
	Kept     int // connections that go on with the new table
	Draining int // connections of listeners that are gone
}

// Watcher makes what is on disk what is being served. Everything in it belongs
// to the goroutine of Run, save the inbox, the requests and the board.
type Watcher struct {
	opt    Options
	log    *slog.Logger
	loader *site.Loader

	in      *inbox
	kernel  *fsnotify.Watcher // nil where there is no inotify
	watches *watches
	config  *configFile

	table *routes.Table
	roots []*root // parallel to the table's trees
	born  int     // how many roots there have been, for their owners' names
	index index   // of roots, by the names that matter to them
	// entering is the root that the loader is scanning.
	entering *root

	rescan     bool // everything is to be looked at
	pulse      pulse
	background background
	patrol     patrol
	said       map[string]bool // what need not be said again

	requests chan chan Verdict
	asking   asking
	alive    chan *root    // a polled root whose filesystem answers
	ended    chan struct{} // Run is over
	board    board
}

// eventBuffer is how many events fsnotify may hand over ahead of the inbox,
// so that its reader and ours wake each other less often.
const eventBuffer = 512

// New starts to watch what opt.Table was made of, but changes nothing until Run
// is called. It fails only if the config's path cannot be made absolute: where
// the kernel does not watch, roots are polled.
func New(opt Options) (*Watcher, error) {
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	file, err := newConfigFile(opt.Path)
	if err != nil {
		return nil, err
	}
	w := &Watcher{
		opt: opt, log: opt.Log, loader: opt.Loader, table: opt.Table,
		in: newInbox(), config: file,
		said:     map[string]bool{},
		requests: make(chan chan Verdict),
		alive:    make(chan *root),
		ended:    make(chan struct{}),
	}
	file.unsettled = w.in.written
	w.patrol = patrol{in: w.in, ended: w.ended, hung: map[string]bool{}}
	w.opt.Table = nil // or the first table, with all its bodies, would be kept for good
	w.background.init()
	kernel, err := fsnotify.NewBufferedWatcher(eventBuffer)
	if err != nil {
		w.watches = newWatches(deaf{err})
	} else {
		w.kernel, w.watches = kernel, newWatches(kernel)
		go w.in.fill(kernel.Events, kernel.Errors)
	}
	if opt.wrap != nil {
		w.watches.kernel = opt.wrap(w.watches.kernel)
	}
	w.begin(time.Now())
	return w, nil
}

// begin brings everything under watch that the first table was made of. What
// happened between its making and the watches is found by Run's first rescan.
func (w *Watcher) begin(now time.Time) {
	w.loader.Enter = w.enter
	w.pulse.begin(now)
	w.config.remember(w.table.Config, now)
	w.followConfig()
	w.inspectConfig(now)
	for _, tree := range w.table.Trees() {
		r := w.newRoot(tree)
		w.roots = append(w.roots, r)
		w.follow(r, tree)
		w.inspect(r, now)
	}
	w.rescan = true
	w.background.touch(now)
	w.board.publish(w.table, now)
	w.tidy()
}

// Run watches until ctx ends, and returns its error. What it cannot read or
// build is reported and leaves the table that is being served as it is. It is
// to be called once.
func (w *Watcher) Run(ctx context.Context) error {
	defer w.close()
	w.patrol.tend(time.Now())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(w.turn(time.Now()))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.in.wake:
		case <-timer.C:
		case reply := <-w.requests:
			w.asking.add(reply)
			w.retryWatches()
		case r := <-w.alive:
			w.poll(r)
		case made := <-w.background.made:
			w.collect(made)
		}
	}
}

// close ends what New and Run began.
func (w *Watcher) close() {
	close(w.ended)
	w.background.stop()
	_ = w.watches.close() // an inotify descriptor that cannot be closed is the kernel's affair
}

// turn does what is due, and says how long nothing else will be.
func (w *Watcher) turn(now time.Time) time.Duration {
	news := w.in.read(now)
	if news.broken != nil {
		w.goDeaf(news.broken)
	}
	if news.overflow {
		w.log.Debug("events came faster than they could be read; everything is looked at again")
	}
	j := w.sort(news.settled, now)
	j.all = w.rescan || news.overflow || news.broken != nil
	j.config = j.config || j.all
	w.rescan = false
	w.beat(j, now)
	w.asking.join(j)
	if j.all || j.config || len(j.changes) > 0 {
		v := w.perform(j)
		w.asking.reply(j, v)
	}
	now = time.Now()
	w.background.start(w, now)
	next := earliest(w.in.next(now), w.pulse.next, w.nextPoll(), w.background.next())
	return max(time.Until(next), 0)
}

// earliest gives the first of some times; zero times do not count.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// Unheard has a file looked at that is not as it is served, of which perhaps no
// event has told. Any goroutine may call it; it waits for nothing.
func (w *Watcher) Unheard(path string) {
	dir, base := filepath.Split(path)
	w.in.unheard(name{filepath.Clean(dir), base}, time.Now())
}
