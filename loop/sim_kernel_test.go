package loop

import (
	"monopoll/loop/sys"

	"golang.org/x/sys/unix"
)

// simKernel is a kernel of descriptors, sockets, one epoll instance and a
// clock, all of it made of memory. It answers as Linux does; where Linux may
// answer in several ways, the world's random numbers decide. Only the loop's
// goroutine calls it, and the world moves in EpollWait alone.
type simKernel struct{ *simWorld }

// simKind is what a descriptor stands for.
type simKind uint8

const (
	kindFree simKind = iota
	kindEpoll
	kindEvent
	kindSpare
	kindListener
	kindConn
	kindFile
)

// simDescriptor is an open descriptor, and what epoll knows of it.
type simDescriptor struct {
	kind     simKind
	fd       int
	conn     *simConn
	listener *simListener
	file     *simFile
	counter  int // of an eventfd

	watched bool
	events  uint32
	tag     uint64

	touched bool // something happened to it since it was last reported
	sawEnd  bool // it has given the end of its input
	ignored int  // how often it was reported, and nothing happened
}

// firstFD is the first number that is given out: 0 to 2 are the standard streams.
const firstFD = 3

// allocate gives out the smallest free number, as the kernel does, so that a
// descriptor that was closed comes back at once.
func (w *simWorld) allocate(kind simKind) (*simDescriptor, sys.Errno) {
	fd := firstFD
	for fd < len(w.fds) && w.fds[fd] != nil {
		fd++
	}
	if fd >= w.fdLimit {
		return nil, unix.EMFILE
	}
	d := &simDescriptor{kind: kind, fd: fd}
	for fd >= len(w.fds) {
		w.fds = append(w.fds, nil)
	}
	w.fds[fd] = d
	return d, 0
}

// full says that allocate would fail.
func (w *simWorld) full() bool {
	for fd := firstFD; fd < w.fdLimit; fd++ {
		if fd >= len(w.fds) || w.fds[fd] == nil {
			return false
		}
	}
	return true
}

// descriptor finds what a call is about. That there is none is a bug of the
// caller's: it speaks of what it has closed, or never had.
func (w *simWorld) descriptor(call string, fd int, kind simKind) *simDescriptor {
	if fd < 0 || fd >= len(w.fds) || w.fds[fd] == nil {
		w.fail("%s of descriptor %d, which is not open", call, fd)
		return nil
	}
	d := w.fds[fd]
	if kind != kindFree && d.kind != kind {
		w.fail("%s of descriptor %d, which is of another kind (%d, not %d)", call, fd, d.kind, kind)
		return nil
	}
	w.calls++
	return d
}

func (k simKernel) EpollCreate() (int, sys.Errno) {
	d, errno := k.allocate(kindEpoll)
	if errno != 0 {
		return -1, errno
	}
	return d.fd, 0
}

func (k simKernel) EpollAdd(epfd, fd int, events uint32, tag uint64) sys.Errno {
	d := k.ctl("epoll_ctl(ADD)", epfd, fd)
	if d == nil {
		return unix.EBADF
	}
	if d.watched {
		k.fail("epoll_ctl(ADD) of descriptor %d, which epoll has already", fd)
		return unix.EEXIST
	}
	switch {
	case k.started && k.fault(faultCtlMemory):
		return k.refuses(d, unix.ENOMEM)
	case k.started && k.fault(faultCtlSpace):
		return k.refuses(d, unix.ENOSPC)
	}
	d.watched, d.events, d.tag, d.touched = true, events, tag, true
	k.note("add %d %#x", fd, events)
	return 0
}

func (k simKernel) EpollMod(epfd, fd int, events uint32, tag uint64) sys.Errno {
	d := k.ctl("epoll_ctl(MOD)", epfd, fd)
	if d == nil {
		return unix.EBADF
	}
	if !d.watched {
		k.fail("epoll_ctl(MOD) of descriptor %d, which epoll does not have", fd)
		return unix.ENOENT
	}
	if d.kind == kindConn && k.fault(faultCtlMemory) {
		return k.refuses(d, unix.ENOMEM)
	}
	d.events, d.tag, d.touched = events, tag, true
	k.note("mod %d %#x", fd, events)
	return 0
}

func (k simKernel) EpollDel(epfd, fd int) sys.Errno {
	d := k.ctl("epoll_ctl(DEL)", epfd, fd)
	if d == nil {
		return unix.EBADF
	}
	if !d.watched {
		return unix.ENOENT
	}
	d.watched = false
	return 0
}

func (w *simWorld) ctl(call string, epfd, fd int) *simDescriptor {
	if w.descriptor(call, epfd, kindEpoll) == nil {
		return nil
	}
	return w.descriptor(call, fd, kindFree)
}

func (k simKernel) Eventfd() (int, sys.Errno) {
	d, errno := k.allocate(kindEvent)
	if errno != 0 {
		return -1, errno
	}
	return d.fd, 0
}

func (k simKernel) Wake(fd int) sys.Errno {
	if d := k.descriptor("a write to the eventfd", fd, kindEvent); d != nil {
		d.counter++
	}
	return 0
}

func (k simKernel) Drain(fd int) sys.Errno {
	d := k.descriptor("a read of the eventfd", fd, kindEvent)
	if d == nil || d.counter == 0 {
		return sys.EAGAIN
	}
	d.counter, d.touched = 0, true
	return 0
}

func (k simKernel) OpenSpare() (int, sys.Errno) {
	if k.started && k.fault(faultReserve) {
		return -1, unix.ENFILE
	}
	d, errno := k.allocate(kindSpare)
	if errno != 0 {
		return -1, errno
	}
	return d.fd, 0
}

func (k simKernel) Close(fd int) sys.Errno {
	d := k.descriptor("close", fd, kindFree)
	if d == nil {
		return unix.EBADF
	}
	k.note("close %d", fd)
	k.fds[fd] = nil
	switch d.kind {
	case kindConn:
		d.conn.closedByServer()
	case kindListener:
		d.listener.close()
	case kindFile:
		d.file.open--
	}
	return 0
}

func (k simKernel) Now() (mono, wall int64) { return k.now, k.now + k.wallOffset }

// poll is what is true of a descriptor: what the poll method of its file gives
// in Linux.
func (d *simDescriptor) poll() uint32 {
	switch d.kind {
	case kindEvent:
		if d.counter > 0 {
			return sys.In
		}
	case kindListener:
		if len(d.listener.backlog) > 0 {
			return sys.In
		}
	case kindConn:
		return d.conn.poll()
	}
	return 0
}

// EpollWait is where the world moves: the turn that ended is looked at, then
// everybody but the loop acts, then the loop is told of some of it.
func (k simKernel) EpollWait(epfd int, events []sys.Event, timeout int) (int, sys.Errno) {
	w := k.simWorld
	w.inspect(timeout)
	if w.broken != nil {
		return 0, sys.EINVAL
	}
	w.turns++
	w.now += int64(w.between(1, 30_000))
	w.move()
	if w.fault(faultInterrupted) {
		w.waited(timeout, 0, true)
		return 0, 0
	}
	deadline := int64(simNever)
	if timeout >= 0 {
		deadline = w.now + int64(timeout)*1e6
	}
	n := w.collect(events)
	for n == 0 && w.now < deadline && w.broken == nil {
		next := w.nextAct()
		if next == simNever && deadline == simNever {
			w.fail("the loop sleeps without end, and nobody will wake it:\n%s", w.owed())
			break
		}
		if next > deadline {
			w.now = deadline
			break
		}
		w.now = max(w.now, next)
		w.move()
		n = w.collect(events)
	}
	w.waited(timeout, n, false)
	w.note("waited %d ms: %d", timeout, n)
	return n, 0
}

// collect gives what is ready: some of it at least, in any order, and now and
// then something that is not.
func (w *simWorld) collect(events []sys.Event) int {
	ready := w.ready[:0]
	for _, d := range w.fds {
		if d == nil || !d.watched {
			continue
		}
		if what := d.poll() & (d.events | sys.Err | sys.Hup); what != 0 {
			ready = append(ready, simReport{d, what, true})
		} else if d.events != 0 && d.kind != kindEvent && w.fault(faultSpurious) {
			ready = append(ready, simReport{d, d.events, false})
		}
	}
	w.ready = ready
	w.rng.Shuffle(len(ready), func(i, j int) { ready[i], ready[j] = ready[j], ready[i] })
	n := min(len(ready), len(events))
	if n > 1 && w.fault(faultHeld) {
		n = w.between(1, n-1) // the others are reported later, as if they had come later
	}
	for i, r := range ready[:n] {
		events[i] = sys.Event{Events: r.what, Tag: r.d.tag}
		if r.real {
			w.told(r.d)
		}
		w.note("event %d %#x", r.d.fd, r.what)
	}
	return n
}

// simReport is one event before it is told.
type simReport struct {
	d    *simDescriptor
	what uint32
	real bool
}
