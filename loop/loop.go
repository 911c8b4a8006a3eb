package loop

import (
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"monopoll/loop/http1"
	"monopoll/loop/sys"
	"monopoll/routes"
	"monopoll/routes/config"
)

// Loop serves every listener and every connection of a Table on one goroutine:
// the one that calls Run. Its fields belong to that goroutine, except publisher,
// mail and workDone, which have locks of their own or are atomic. Other goroutines
// reach it by the methods that say so.
type Loop struct {
	kernel sys.Kernel
	log    *slog.Logger
	epoll  int
	mail   mailbox
	desk   clerk

	// what it says, and where
	table     *routes.Table
	sockets   map[int]*socket // by descriptor
	leaving   []leaving       // sockets that listen no more, with connections left
	narrowed  []leaving       // sockets whose address was narrowed, until they leave
	publisher publisher
	// The makers of listening sockets, which simulated worlds replace.
	bind         func(config.Address) (*socket, error)
	listen       func(*socket) error
	bindBeside   func(config.Address, []int) (*socket, error)
	listenBeside func(*socket, []int) error

	// who it says it to
	conns slab
	// descriptors is Options.Descriptors.
	descriptors int
	controls    int // of conns, those of the control socket, without dead ones
	lanes       lanes
	addresses   addresses
	again       []*conn // have bytes that were not looked at for lack of time
	dead        []*conn // to be closed by reap
	files       *openFiles
	outputs     outputs
	buffers     buffers

	// the turn
	now, wall  int64 // nanoseconds: on a steady clock, and since 1970
	busy       bool  // the last turn had something to serve
	mailed     bool  // the mailbox was rung
	pausedTill int64 // when listeners that found no descriptors listen again; 0: they do
	spare      int   // a descriptor to give up when there is no other; -1: given up
	yielded    int64
	alone      bool // there is one processor for all goroutines
	stopping   stopping
	controller Controller
	complained map[string]int64

	// scratch, shared by all connections: what is in it lives for one step
	scratch []byte
	pieces  [][]byte
	events  []sys.Event
	out     *output
	// piece is the most of a file that a client is sent in this turn, pieceTakers
	// how many have been sent some: see pieceSize.
	piece       int64
	pieceTakers int64
	clock       http1.Clock
	limits      http1.Limits
	req         routes.Request
	msg         http1.Message
	res         routes.Response

	access   accessLog
	stats    Stats
	sent     int64        // bytes
	workDone atomic.Int64 // see Work
}

// Options are what a Loop is made with.
type Options struct {
	// Log is told what happens to the process; requests have a log of their own.
	Log *slog.Logger
	// Control answers the control socket; nil for no control socket.
	Control Controller
	// Stale, if not nil, is told of a file on disk that was asked for and is not
	// what the Table says of it, so that somebody makes a Table that knows it. It is
	// called by other goroutines than the loop's, often for one file.
	Stale func(path string)
	// Descriptors is how many the process may use for sockets, if that is less than
	// limits.connections and the listening ones come to: what it needs besides has
	// been taken off. 0: as many as it likes.
	Descriptors int
	// Kernel is nil for the real one.
	Kernel sys.Kernel
}

// New makes a loop that listens nowhere yet: Publish gives it a Table, Run
// starts it. It needs three descriptors and starts the goroutines of the desk.
func New(o Options) (*Loop, error) {
	l := &Loop{
		kernel: o.Kernel, log: o.Log, descriptors: o.Descriptors,
		sockets: make(map[int]*socket), files: newOpenFiles(), complained: make(map[string]int64),
		scratch: make([]byte, scratchSize), pieces: make([][]byte, sys.MaxPieces),
		events: make([]sys.Event, sys.MaxEvents), out: new(output),
		piece: pieceSize, spare: -1, alone: runtime.GOMAXPROCS(0) == 1,
	}
	if l.kernel == nil {
		l.kernel = new(sys.Linux)
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	l.publisher.bound = make(map[string]*socket)
	var errno sys.Errno
	if l.epoll, errno = l.kernel.EpollCreate(); errno != 0 {
		return nil, fmt.Errorf("epoll: %w", errno)
	}
	if l.mail.fd, errno = l.kernel.Eventfd(); errno != 0 {
		l.kernel.Close(l.epoll)
		return nil, fmt.Errorf("eventfd: %w", errno)
	}
	l.mail.kernel = l.kernel
	if errno = l.kernel.EpollAdd(l.epoll, l.mail.fd, sys.In, tagMail|uint64(l.mail.fd)); errno != 0 {
		l.kernel.Close(l.mail.fd)
		l.kernel.Close(l.epoll)
		return nil, fmt.Errorf("epoll: %w", errno)
	}
	l.reserve()
	if o.Stale == nil {
		o.Stale = func(string) {}
	}
	l.desk = newDesk(&l.mail, o.Stale)
	l.lanes[laneLinger].timeout = int64(lingerTime)
	l.lanes[laneReply].timeout = int64(replyTime)
	l.lanes[laneStale].timeout = int64(staleLook)
	l.controller = o.Control
	l.bind = func(a config.Address) (*socket, error) { return bind(a, &l.publisher.patience) }
	l.listen, l.bindBeside, l.listenBeside = listen, bindBeside, listenBeside
	l.now, l.wall = l.kernel.Now()
	return l, nil
}

// Run serves until Stop or Drain has ended it, or the kernel refuses to wait.
func (l *Loop) Run() error {
	defer l.end()
	for !l.done() {
		if errno := l.turn(); errno != 0 {
			return fmt.Errorf("epoll_wait: %w", errno)
		}
		if l.alone {
			l.yield()
		}
	}
	return nil
}

// turn is: wait, serve what is ready, read the mail, expire, reap. Of what epoll
// knows, connections are closed by reap alone, and listening sockets by letters
// and by time: so while events are served, each descriptor means what it meant
// when they were reported.
func (l *Loop) turn() sys.Errno {
	n, errno := l.kernel.EpollWait(l.epoll, l.events, l.patience())
	if errno != 0 {
		return errno
	}
	l.now, l.wall = l.kernel.Now()
	l.clock.Set(l.wall / 1e9)
	for _, ev := range l.events[:n] {
		l.dispatch(ev)
	}
	l.stepAgain()
	if l.mailed {
		l.mailed = false
		l.mail.receive(l)
	}
	l.expire()
	l.reap()
	l.piece, l.pieceTakers = max(pieceSize/max(l.pieceTakers, 1), leastPiece), 0
	l.busy = n > 0
	l.workDone.Store(l.stats.Requests + l.sent/leastPiece)
	return 0
}

// patience is how long to wait for events, in milliseconds. After a turn that
// had any, more are near, and a short wait does without the scheduler.
func (l *Loop) patience() int {
	wait := l.untilDue()
	if l.busy && (wait < 0 || wait > sys.ShortWait) {
		return sys.ShortWait
	}
	return wait
}

// untilDue is how long the loop has nothing to do by itself, in milliseconds.
func (l *Loop) untilDue() int {
	if len(l.again) > 0 {
		return 0
	}
	at, ok := l.lanes.next()
	for _, t := range [...]int64{l.pausedTill, l.access.due(), l.stopping.due(), soonest(l.leaving), soonest(l.narrowed)} {
		if t != 0 && (!ok || t < at) {
			at, ok = t, true
		}
	}
	if !ok {
		return -1
	}
	if at <= l.now {
		return 0
	}
	return int(min((at-l.now+999_999)/1_000_000, int64(time.Hour/time.Millisecond)))
}

func (l *Loop) dispatch(ev sys.Event) {
	fd := tagFD(ev.Tag)
	switch ev.Tag & tagKind {
	case tagConn:
		if c := l.conns.find(fd, tagGen(ev.Tag)); c != nil && c.state != stateDead {
			l.ready(c, ev.Events)
		}
	case tagSocket:
		if s := l.sockets[fd]; s != nil {
			l.accept(s)
		}
	case tagMail:
		l.mailed = true
	}
}

// stepAgain serves those whose bytes were here already.
func (l *Loop) stepAgain() {
	waiting := l.again
	l.again = l.again[len(l.again):]
	for _, c := range waiting {
		c.again = false
		if c.state == stateHead { // it is the state of later
			func() {
				defer l.contain(c)
				l.advance(c, c.in)
			}()
		}
	}
	if len(l.again) == 0 {
		l.again = waiting[:0]
	}
}

// expire carries out the timeouts that are due.
func (l *Loop) expire() {
	for range expireLimit {
		c := l.lanes.due(l.now)
		if c == nil {
			break
		}
		l.expired(c)
	}
	if l.pausedTill != 0 && l.pausedTill <= l.now {
		l.unpause()
	}
	if t := l.access.due(); t != 0 && t <= l.now {
		l.access.hand()
	}
	l.expireNarrowed()
	l.expireLeaving()
	l.expireStopping()
}

func (l *Loop) expired(c *conn) {
	defer l.contain(c)
	if l.progressed(c) {
		return
	}
	if c.state == stateStale {
		l.later(c)
		return
	}
	if c.state == stateSend {
		// Otherwise ten thousand that read a byte a second, and are closed, leave
		// the kernel with as many answers, which it tries to deliver for minutes.
		l.kernel.ResetOnClose(int(c.fd))
	}
	if c.out != nil || c.state == stateIdle || c.state == stateSend || c.state == stateLinger {
		l.enter(c, stateDead)
		return
	}
	c.proto.late(c.state, l.out)
	c.after = wantClose
	if sent := l.flush(c, l.out, wantClose); sent != sentAll {
		l.keepOutput(c)
		l.unsent(c, sent)
		return
	}
	l.out.reset()
	l.goodbye(c)
}

// reap closes the connections that this turn has ended. Nothing else closes one
// that epoll may still report: who is refused was never told to it. And nothing
// else ends an open file: that may wait for its filesystem, so it is the desk
// that does it.
func (l *Loop) reap() {
	closed := len(l.dead) > 0
	for _, c := range l.dead {
		if c.again {
			l.again = without(l.again, c)
		}
		if c.out != nil {
			l.logBroken(c.out)
			l.files.abandon(c.out)
			l.outputs.put(c.out)
		}
		l.buffers.put(c.in)
		l.kernel.Close(int(c.fd)) // takes it out of epoll too
		l.addresses.remove(&c.peer)
		l.left(c)
		l.conns.remove(c)
	}
	clear(l.dead)
	l.dead = l.dead[:0]
	for _, fd := range l.files.dead {
		l.desk.shut(l, fd)
	}
	l.files.dead = l.files.dead[:0]
	if closed && l.spare < 0 {
		l.reserve()
	}
}

func without(list []*conn, c *conn) []*conn {
	for i := range list {
		if list[i] == c {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}

// yield lets other goroutines run where they have no processor of their own.
// runtime.Gosched would not do: the scheduler would find this goroutine again
// before it asked the kernel whether fsnotify's descriptor is readable.
func (l *Loop) yield() {
	if l.now-l.yielded >= int64(yieldEvery) {
		l.yielded = l.now
		time.Sleep(yieldFor)
	}
}

// end gives back everything that is left.
func (l *Loop) end() {
	l.conns.each(func(c *conn) { l.enter(c, stateDead) })
	l.reap()
	l.mail.close(l)
	l.desk.close()
	l.files.forget()
	l.reap()
	for _, s := range l.listening() {
		l.kernel.Close(s.fd)
		s.unlink()
	}
	clear(l.sockets)
	l.publisher.ready.end(l.kernel)
	l.access.close()
	if l.spare >= 0 {
		l.kernel.Close(l.spare)
	}
	l.kernel.Close(l.mail.fd)
	l.kernel.Close(l.epoll)
}
