package loop

import (
	"maps"
	"os"
	"slices"

	"monopoll/loop/sys"
	"monopoll/routes"
	"monopoll/routes/config"
)

// socket is a listening socket, and what is said on the connections it accepts.
// It is known by its address: as long as some listener of the config has that
// address, the socket stays, and with it its backlog and its connections.
type socket struct {
	fd      int
	key     string         // the address, as config.Address.String gives it
	address config.Address // what the key says
	path    string         // of a unix socket
	port    int            // of a TCP socket: what the kernel chose, where the address has 0

	echo bool // what new connections speak
	// table and listener are what requests are answered from. When the socket
	// listens no more, or echoes now, they stay what they were at last.
	table    *routes.Table
	listener *routes.Listener
	// closing puts Connection: close on the next answer of each connection.
	closing bool
	control bool // it is the control socket
	left    bool // it listens no more
	added   bool // epoll knows the descriptor

	// See overlap.go.
	within   *socket // the wildcard that it is part of
	narrowed bool    // its address is narrowed, and it is about to be left
	claim    claim

	arrivals arrivals
	conns    int
	requests int64       // answered
	sent     int64       // bytes
	file     os.FileInfo // of the unix socket, to remove no other's
}

// accept takes what waits at a socket, acceptLimit at most. A new connection is
// served at once: its request has often arrived with it, and then it need never
// be told to epoll.
func (l *Loop) accept(s *socket) {
	for range acceptLimit {
		var peer sys.Peer
		fd, errno := l.kernel.Accept(s.fd, &peer)
		if errno == 0 {
			l.welcome(s, fd, peer)
			continue
		}
		if outOfDescriptors(errno) {
			errno = l.useSpare(s)
		}
		switch {
		case errno == sys.EAGAIN:
			return
		case errno == 0 || sys.OfConnection(errno):
			// the next may be as good as any: this one has been looked after, or
			// was faster to leave than we to greet
		default:
			l.pause(errno) // ENOBUFS, ENOMEM, and no spare descriptor
			return
		}
	}
}

func (l *Loop) welcome(s *socket, fd int, peer sys.Peer) {
	if !s.control && (l.oneTooMany(&peer) || !l.makeRoom()) {
		l.refuseConnection(s, fd)
		return
	}
	if s.arrivals.count(l.now) {
		l.kernel.DeferAccept(s.fd, s.arrivals.many)
	}
	if s.control {
		l.makeControlRoom()
		l.controls++
	}
	c := l.conns.add(fd)
	c.socket, c.peer = s, peer
	l.addresses.add(&c.peer)
	switch {
	case s.control:
		c.proto = &control{loop: l, conn: c}
	case s.echo:
		c.proto = echo{}
	default:
		c.http = session{loop: l, conn: c}
		c.proto = &c.http
	}
	s.conns++
	l.stats.Accepted++
	l.serveFirst(c)
}

// serveFirst serves a connection that epoll does not know yet.
func (l *Loop) serveFirst(c *conn) {
	defer l.contain(c)
	if in := l.fill(c); len(in) > 0 || c.eof {
		l.advance(c, in)
	}
}

// makeRoom keeps to limits.connections, and leaves the process the descriptors that
// it needs besides: clients that take all there are would also hold up edits and
// large files. Those of the control socket do not count: whoever wants to stop a
// flooded server has to get through. It gives false where nobody can make way: then
// the new one is refused.
func (l *Loop) makeRoom() bool {
	most, few := l.table.Config.Limits.Connections, false
	if spare := max(l.descriptors-len(l.sockets), leastPlaces); l.descriptors > 0 && spare < most {
		most, few = spare, true
	}
	switch {
	case l.conns.open-len(l.dead)-l.controls < most:
		return true
	case few:
		l.saidDescriptors()
	default:
		l.shortOfPlaces()
	}
	return l.longestIdleGoes()
}

// oneTooMany keeps to limits.per_address.
func (l *Loop) oneTooMany(p *sys.Peer) bool {
	if !l.addresses.full(p) {
		return false
	}
	l.manyOfOne(p)
	return true
}

// longestIdleGoes ends the connection that has been idle longest; false where
// none is. One that is so new that its first request may be under way is not
// idle: to close it would break a request, and of the two the newer one, which
// is told to come back, knows what happens to it.
func (l *Loop) longestIdleGoes() bool {
	c := l.lanes[laneIdle].head
	for range idleLook {
		if c == nil {
			break
		}
		if c.served || l.now-c.since >= int64(arrivalTime) {
			l.enter(c, stateDead)
			return true
		}
		c = c.next
	}
	return false
}

// unavailable is for those who come when nothing is left for them: no memory,
// no descriptor, no place.
const unavailable = "HTTP/1.1 503 Service Unavailable\r\nServer: monopoll\r\nRetry-After: 1\r\n" +
	"Connection: close\r\nCache-Control: no-store\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 51\r\n\r\n" +
	"The server has no place free. Try again in a while\n"

// refuseConnection ends a connection that has no place, in the way that
// limits.full wants. What it tells is HTTP, which not all listeners speak.
func (l *Loop) refuseConnection(s *socket, fd int) {
	if !s.echo && !s.control && !l.table.Config.Limits.FullCloses {
		l.kernel.Read(fd, l.scratch) // unread bytes would make the close a reset
		l.kernel.Write(fd, []byte(unavailable))
	}
	l.kernel.Close(fd) // epoll never knew it
	l.stats.Refused++
}

// useSpare accepts one client that there is no descriptor for, with the one
// that was kept for this. The client takes the place of the connection that has
// been idle longest, or is told to come back; reap makes up for the spare. The
// kernel gives EMFILE before it looks whether anybody waits, so that EAGAIN is
// what usually follows.
func (l *Loop) useSpare(s *socket) sys.Errno {
	l.shortOfDescriptors()
	if l.spare < 0 {
		if len(l.dead) > 0 {
			return sys.EAGAIN // in the next turn there are some again
		}
		return sys.EMFILE
	}
	l.kernel.Close(l.spare)
	l.spare = -1
	var peer sys.Peer
	fd, errno := l.kernel.Accept(s.fd, &peer)
	if errno == 0 {
		if s.control || !l.oneTooMany(&peer) && l.longestIdleGoes() {
			l.welcome(s, fd, peer)
		} else {
			l.refuseConnection(s, fd)
		}
	}
	l.reserve()
	return errno
}

// shortOfDescriptors closes the files that are open for the next one who asks
// for them, and tells whoever can do more.
func (l *Loop) shortOfDescriptors() {
	l.files.trim(0)
	l.saidDescriptors()
}

func outOfDescriptors(errno sys.Errno) bool { return errno == sys.EMFILE || errno == sys.ENFILE }

func (l *Loop) reserve() {
	if fd, errno := l.kernel.OpenSpare(); errno == 0 {
		l.spare = fd
	}
}

// pause leaves all listeners alone for a while: what they lack will not come by
// asking.
func (l *Loop) pause(errno sys.Errno) {
	if !outOfDescriptors(errno) { // that has been said
		l.complain("accept", errno)
	}
	for _, s := range l.listening() {
		l.watch(s, 0)
	}
	l.pausedTill = l.now + int64(acceptPause)
}

// watch has epoll report a socket's clients, or nothing of it. Where the kernel
// has no memory for that, it is tried again after a pause: the socket would
// never be heard of otherwise.
func (l *Loop) watch(s *socket, events uint32) {
	call := l.kernel.EpollMod
	if !s.added {
		call = l.kernel.EpollAdd
	}
	if errno := call(l.epoll, s.fd, events, s.tag()); errno != 0 {
		l.complain("epoll", errno)
		l.pausedTill = l.now + int64(acceptPause)
		return
	}
	s.added = true
}

func (l *Loop) unpause() {
	l.pausedTill = 0
	if l.spare < 0 {
		l.reserve()
	}
	for _, s := range l.listening() {
		l.watch(s, sys.In)
	}
}

// listening gives the sockets in the order of their descriptors. Nothing that
// the loop does may depend on the order of a map: a run could not be repeated.
func (l *Loop) listening() []*socket {
	return slices.SortedFunc(maps.Values(l.sockets), func(a, b *socket) int { return a.fd - b.fd })
}

func (s *socket) tag() uint64 { return tagSocket | uint64(uint32(s.fd)) }
