package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// load is the client at work: a number of connections, each with a request
// under way, on one thread and one level-triggered epoll. The next request is
// sent as soon as the answer to the last is there.
type load struct {
	epoll    int
	to       syscall.SockaddrInet4
	requests []request
	next     int // of requests, for the connection that is free next
	batch    int
	close    bool
	conns    []conn
	began    time.Time
	now      time.Duration // since began

	scratch []byte
	tally   tally
	latency quantiles
}

// request is what is sent at once, and what every answer to it has to be.
type request struct {
	bytes  []byte
	status int
	length int64
}

// tally is what has been counted since it was last set to zero.
type tally struct {
	answers  int64
	bytes    int64 // that came, heads included
	bad      int64 // answers with another status or length than they should have
	lost     int64 // connections that ended in the middle of an answer or before one
	reopened int64 // connections that the server closed after an answer
	problem  error // the first of bad and lost
}

// conn is one connection of the load.
type conn struct {
	fd      int
	request *request
	unsent  []byte
	pending int // answers that are still to come
	sent    time.Duration
	waits   bool // for room to send, so epoll tells of that too
	answer  answer
}

const (
	// scratchSize is how much is read at once, in bytes: as much as curl does.
	// It matters for large files: nginx, which uses sendfile, took a third less
	// CPU for 100 KiB with 256 KiB here than with 8 KiB.
	scratchSize = 16 << 10
	// readsInTurn is how often a connection is read before the next has its turn.
	readsInTurn = 16
	// maxLost is after how many lost connections there is nothing to measure.
	maxLost = 1000
	maxWait = 100 // ms; so that the end is noticed where nothing comes
)

// newLoad opens the connections and sends the first requests.
func newLoad(o *order) (*load, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	l := &load{
		epoll: epoll, to: syscall.SockaddrInet4{Port: o.Port, Addr: [4]byte{127, 0, 0, 1}},
		batch: max(1, o.Batch), close: o.Close, conns: make([]conn, o.Conns),
		began: time.Now(), scratch: make([]byte, scratchSize),
	}
	for i := range o.Asks {
		a := &o.Asks[i]
		r := request{status: a.Status, length: a.Length}
		for range l.batch {
			r.bytes = append(r.bytes, a.bytes(o.Port)...)
		}
		l.requests = append(l.requests, r)
	}
	for i := range l.conns {
		l.conns[i].fd = -1
	}
	for i := range l.conns {
		if err := l.open(i); err != nil {
			l.shut()
			return nil, err
		}
	}
	return l, nil
}

// shut closes everything.
func (l *load) shut() {
	for i := range l.conns {
		if l.conns[i].fd >= 0 {
			syscall.Close(l.conns[i].fd)
		}
	}
	syscall.Close(l.epoll)
}

// run goes on for some time, and with patience until something was answered.
func (l *load) run(d, patience time.Duration) error {
	var events [256]syscall.EpollEvent
	l.now = time.Since(l.began)
	for end := l.now + d; l.now < end || l.tally.answers == 0 && l.now < end+patience; {
		n, err := syscall.EpollWait(l.epoll, events[:], maxWait)
		if err != nil && err != syscall.EINTR {
			return os.NewSyscallError("epoll_wait", err)
		}
		for i := range max(0, n) {
			if err := l.serve(int(events[i].Fd), events[i].Events); err != nil {
				return err
			}
		}
		l.now = time.Since(l.began)
	}
	return nil
}

// serve does what an event asks for.
func (l *load) serve(i int, events uint32) error {
	c := &l.conns[i]
	if events&syscall.EPOLLOUT != 0 && len(c.unsent) > 0 {
		if err := l.send(i); err != nil {
			return err
		}
	}
	if events&^syscall.EPOLLOUT == 0 {
		return nil
	}
	for range readsInTurn {
		n, err := syscall.Read(c.fd, l.scratch)
		l.now = time.Since(l.began)
		switch {
		case err == syscall.EAGAIN || err == syscall.EINTR:
			return nil
		case err != nil || n == 0:
			return l.ended(i, err)
		}
		l.tally.bytes += int64(n)
		if err := l.received(i, l.scratch[:n]); err != nil || n < len(l.scratch) {
			return err
		}
	}
	return nil
}

// received takes bytes that came.
func (l *load) received(i int, p []byte) error {
	c := &l.conns[i]
	for len(p) > 0 {
		n, done, err := c.answer.read(p)
		if err != nil {
			return fmt.Errorf("%w: %.40q", err, p)
		}
		if p = p[n:]; !done {
			continue
		}
		if c.pending == 0 {
			return fmt.Errorf("an answer came that nobody asked for: %.40q", p)
		}
		l.answered(c)
		if c.answer.closes && !l.close {
			l.tally.reopened++
			return l.reopen(i)
		}
	}
	if c.pending > 0 || l.close { // the server has yet to close
		return nil
	}
	l.assign(c)
	return l.send(i)
}

// answered counts an answer.
func (l *load) answered(c *conn) {
	c.pending--
	l.tally.answers++
	l.latency.add(l.now - c.sent)
	if a := &c.answer; a.status != c.request.status || c.request.length >= 0 && a.length != c.request.length {
		l.tally.bad++
		l.complain(a.judge(c.request.status, c.request.length))
	}
}

func (l *load) complain(err error) {
	if l.tally.problem == nil {
		l.tally.problem = err
	}
}

var errLost = errors.New("a connection was closed before its answer had come")

// ended is called when no more bytes come on a connection; err is nil where the
// server closed it.
func (l *load) ended(i int, err error) error {
	c := &l.conns[i]
	if c.pending > 0 && err == nil && c.answer.end() {
		l.answered(c)
	}
	switch {
	case err == syscall.ECONNREFUSED:
		return os.NewSyscallError("connect", err)
	case c.pending == l.batch && !c.answer.begun() && !l.close:
		l.tally.reopened++ // it was idle for the server, and the request crossed its close
	case c.pending > 0:
		l.tally.lost++
		l.complain(errors.Join(errLost, err))
		if l.tally.lost > maxLost {
			return fmt.Errorf("%d connections were lost: %w", l.tally.lost, l.tally.problem)
		}
	}
	return l.reopen(i)
}

func (l *load) reopen(i int) error {
	syscall.Close(l.conns[i].fd) // epoll forgets it by that
	l.conns[i].fd = -1
	return l.open(i)
}

// open makes a new connection and sends a request on it. On loopback the
// connection is there when connect returns, though it says that it is under way.
func (l *load) open(i int) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	c := &l.conns[i]
	c.fd, c.waits = fd, false
	c.answer.reset()
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	l.assign(c)
	c.sent = time.Since(l.began)
	if err := syscall.Connect(fd, &l.to); err != nil && err != syscall.EINPROGRESS {
		return os.NewSyscallError("connect", err)
	}
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(i)}
	if err := syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, fd, &event); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	return l.send(i)
}

// assign gives a connection its next request.
func (l *load) assign(c *conn) {
	c.request = &l.requests[l.next]
	if l.next++; l.next == len(l.requests) {
		l.next = 0
	}
	c.unsent, c.pending, c.sent = c.request.bytes, l.batch, l.now
}

// send sends what is left of a request, as far as there is room.
func (l *load) send(i int) error {
	c := &l.conns[i]
	n, err := syscall.Write(c.fd, c.unsent)
	switch {
	case err == syscall.ECONNREFUSED: // the kernel says so only once
		return os.NewSyscallError("connect", err)
	case err != nil && err != syscall.EAGAIN && err != syscall.EINTR:
		return nil // it is gone, and the next event says so
	}
	c.unsent = c.unsent[max(0, n):]
	if waits := len(c.unsent) > 0; waits != c.waits {
		c.waits = waits
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(i)}
		if waits {
			event.Events |= syscall.EPOLLOUT
		}
		if err := syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_MOD, c.fd, &event); err != nil {
			return os.NewSyscallError("epoll_ctl", err)
		}
	}
	return nil
}
