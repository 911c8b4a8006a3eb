package loop

import (
	"net/netip"

	"monopoll/loop/sys"

	"golang.org/x/sys/unix"
)

// simListener is a listening socket.
type simListener struct {
	w       *simWorld
	key     string
	d       *simDescriptor
	backlog []*simConn

	// What the world knows of it, from the tables that were committed.
	echo      bool  // new connections echo
	control   bool  // it is the control socket
	history   []int // the tables that its HTTP connections were answered from, oldest first
	left      bool  // no table has it any more
	leftUntil int64 // when its connections are closed, whatever they do
	closings  int   // how often it became one whose connections are to be closed
	closed    bool
}

// close ends it. Who still waits in the backlog is reset by the kernel.
func (s *simListener) close() {
	w := s.w
	if len(s.backlog) > 0 && w.acceptTrouble != w.turns && !w.ended && !w.stopped && len(s.history) > 0 {
		w.fail("the listener %s was closed with %d clients that had not been accepted", s.key, len(s.backlog))
	}
	for _, c := range s.backlog {
		c.excuse |= excuseRefused
		c.reset()
	}
	s.backlog, s.closed = nil, true
	if w.listeners[s.key] == s {
		delete(w.listeners, s.key)
	}
}

// simConn is a connection: two queues of bytes and what has become of their
// ends. The network between the two sides is part of the queues.
type simConn struct {
	w        *simWorld
	client   *simClient
	listener *simListener
	d        *simDescriptor // the server's; nil before accept and after close
	peer     int            // of simPeers
	port     uint16
	echo     bool // what the server speaks on it, from accept on

	// from the client to the server
	recv     []byte
	recvRoom int
	fin      bool  // the client sends nothing more
	consumed int64 // bytes that the server has read
	heard    int64 // of them, those before it closed its sending side

	// from the server to the client
	send     []byte
	sendRoom int
	shut     bool  // the server sends nothing more
	written  int64 // bytes that the server has sent
	held     bool  // the kernel was told that more follows
	forgets  bool  // its close is to be a reset
	handed   *simHanded

	err    sys.Errno // reported once, by the next call
	gone   bool      // reset: both directions are closed
	closed bool      // the server has closed its descriptor
	left   bool      // the client has closed its own

	excuse  excuse
	movedAt int64 // when a byte was last taken by either side, or an end closed
	pending int   // jobs of the desk that are about it
}

// refuses notes that epoll takes no interest in a descriptor.
func (w *simWorld) refuses(d *simDescriptor, errno sys.Errno) sys.Errno {
	if d.kind == kindConn {
		d.conn.excuse |= excuseFault
	} else {
		w.deafPause = w.loop.now + int64(acceptPause)
	}
	return errno
}

// read is how much the server has read of what it may still answer: what comes
// after its end is thrown away.
func (c *simConn) read() int64 {
	if c.shut {
		return c.heard
	}
	return c.consumed
}

// poll is tcp_poll of Linux.
func (c *simConn) poll() (mask uint32) {
	if c.err != 0 {
		mask |= sys.Err
	}
	if c.gone {
		return mask | sys.Hup | sys.In | sys.Out
	}
	if c.fin || len(c.recv) > 0 {
		mask |= sys.In
	}
	if c.fin && c.shut {
		mask |= sys.Hup
	}
	if c.shut || c.sendRoom-len(c.send) >= (len(c.send)+1)/2 {
		mask |= sys.Out
	}
	return mask
}

// reset is a RST that arrives.
func (c *simConn) reset() {
	if c.gone || c.closed {
		return
	}
	c.gone, c.err = true, unix.ECONNRESET
	if c.fin {
		c.err = unix.EPIPE
	}
	c.send = nil
	c.client.wake()
}

// fails is how a call about it fails that is told of the peer's end.
func (c *simConn) fails(errno sys.Errno) sys.Errno {
	c.excuse |= excuseFault
	c.reset()
	c.err = 0
	return errno
}

func (k simKernel) Accept(fd int, peer *sys.Peer) (int, sys.Errno) {
	d := k.descriptor("accept", fd, kindListener)
	if d == nil {
		return -1, unix.EBADF
	}
	s, w := d.listener, k.simWorld
	trouble := func(errno sys.Errno) (int, sys.Errno) {
		d.touched = true
		w.acceptTrouble = w.turns
		w.note("accept %d: %v", fd, errno)
		return -1, errno
	}
	switch {
	case w.fault(faultAcceptProcess):
		return trouble(unix.EMFILE)
	case w.fault(faultAcceptSystem):
		return trouble(unix.ENFILE)
	case w.fault(faultAcceptBuffers):
		return trouble(unix.ENOBUFS)
	case w.fault(faultAcceptMemory):
		return trouble(unix.ENOMEM)
	}
	if w.full() {
		return trouble(unix.EMFILE) // before anybody looks whether somebody waits
	}
	if len(s.backlog) == 0 {
		return -1, sys.EAGAIN
	}
	c := s.backlog[0]
	if w.fault(faultAcceptNetwork) || w.fault(faultAcceptAborted) {
		s.backlog, d.touched = s.backlog[1:], true
		c.excuse |= excuseRefused
		c.reset()
		if w.chance(2) {
			return -1, unix.EPROTO
		}
		return -1, unix.ECONNABORTED
	}
	made, errno := w.allocate(kindConn)
	if errno != 0 {
		return trouble(errno)
	}
	s.backlog = s.backlog[1:]
	made.conn, c.d, c.echo, d.touched = c, made, s.echo, true
	*peer = sys.PeerFrom(netip.AddrPortFrom(simPeers[c.peer], c.port))
	w.judgeRoom(c)
	w.note("accept %d: %d from port %d", fd, made.fd, c.port)
	c.client.wake()
	return made.fd, 0
}

func (k simKernel) Read(fd int, p []byte) (int, sys.Errno) {
	d := k.descriptor("read", fd, kindConn)
	if d == nil {
		return 0, unix.EBADF
	}
	c := d.conn
	was := d.touched
	d.touched = was || !c.fin || len(c.recv) > 0 || !d.sawEnd
	switch {
	case k.fault(faultReadReset):
		return 0, c.fails(unix.ECONNRESET)
	case k.fault(faultReadTimedOut):
		return 0, c.fails(unix.ETIMEDOUT)
	case k.fault(faultReadMemory):
		c.excuse |= excuseFault
		return 0, unix.ENOMEM
	}
	if n := min(len(c.recv), len(p)); n > 0 {
		if k.fault(faultReadAgain) {
			return 0, sys.EAGAIN
		}
		if n > 1 && k.fault(faultShortRead) {
			n = k.between(1, n-1)
		}
		copy(p, c.recv[:n])
		c.recv = c.recv[n:]
		c.consumed += int64(n)
		c.judgeTime()
		c.movedAt = k.now
		c.client.wake()
		k.note("read %d: %d", fd, n)
		return n, 0
	}
	switch {
	case c.fin:
		d.sawEnd = true
		return 0, 0
	case c.err != 0:
		errno := c.err
		c.err = 0
		return 0, errno
	case c.gone:
		return 0, 0
	}
	d.touched = was
	return 0, sys.EAGAIN
}

// take is what all ways to send come to: it says how many of n bytes fit.
func (k simKernel) take(call string, fd, n int) (*simConn, int, sys.Errno) {
	d := k.descriptor(call, fd, kindConn)
	if d == nil {
		return nil, 0, unix.EBADF
	}
	c := d.conn
	d.touched = true
	c.judgeTime()
	switch {
	case c.shut:
		k.fail("%s on descriptor %d after its sending side was closed", call, fd)
		return nil, 0, unix.EPIPE
	case c.err != 0:
		errno := c.err
		c.err = 0
		return nil, 0, errno
	case c.gone:
		return nil, 0, unix.EPIPE
	case k.fault(faultWriteReset):
		return nil, 0, c.fails(unix.ECONNRESET)
	case k.fault(faultWritePipe):
		return nil, 0, c.fails(unix.EPIPE)
	case k.fault(faultWriteTimedOut):
		return nil, 0, c.fails(unix.ETIMEDOUT)
	case k.fault(faultWriteBuffers):
		c.excuse |= excuseFault
		return nil, 0, unix.ENOBUFS
	case k.fault(faultWriteMemory):
		c.excuse |= excuseFault
		return nil, 0, unix.ENOMEM
	}
	room := c.sendRoom - len(c.send)
	if room <= 0 || k.fault(faultWriteAgain) {
		return nil, 0, sys.EAGAIN
	}
	n = min(n, room)
	if n > 1 && k.fault(faultShortWrite) {
		n = k.between(1, n-1)
	}
	c.movedAt = k.now
	c.written += int64(n)
	c.held = false
	if c.left { // the client has closed: what arrives is answered with a reset
		c.reset()
	}
	k.note("%s %d: %d", call, fd, n)
	return c, n, 0
}

// put hands bytes to the client.
func (c *simConn) put(p []byte) {
	if !c.echo && !c.listener.control {
		if c.handed == nil {
			c.handed = new(simHanded)
			c.w.handed = append(c.w.handed, c.handed)
		}
		c.handed.take(p)
	}
	if !c.gone {
		c.send = append(c.send, p...)
		c.client.wake()
	}
}

func (k simKernel) Write(fd int, p []byte) (int, sys.Errno) {
	if len(p) == 0 {
		k.fail("a write of nothing to descriptor %d", fd)
	}
	c, n, errno := k.take("write", fd, len(p))
	if errno == 0 {
		c.put(p[:n])
	}
	return n, errno
}

func (k simKernel) WriteMore(fd int, p []byte) (int, sys.Errno) {
	n, errno := k.Write(fd, p)
	if errno == 0 {
		k.descriptor("write", fd, kindConn).conn.held = true
	}
	return n, errno
}

func (k simKernel) Writev(fd int, pieces [][]byte) (int, sys.Errno) {
	size := 0
	for _, p := range pieces {
		if len(p) == 0 {
			k.fail("an empty piece in writev to descriptor %d", fd)
		}
		size += len(p)
	}
	if len(pieces) > sys.MaxPieces {
		k.fail("%d pieces in writev", len(pieces))
	}
	c, n, errno := k.take("writev", fd, size)
	if errno != 0 {
		return 0, errno
	}
	left := n
	for _, p := range pieces {
		m := min(left, len(p))
		c.put(p[:m])
		left -= m
	}
	return n, 0
}

func (k simKernel) ResetOnClose(fd int) sys.Errno {
	d := k.descriptor("setsockopt", fd, kindConn)
	if d == nil {
		return unix.EBADF
	}
	d.conn.forgets = true
	return 0
}

func (k simKernel) ShutdownWrite(fd int) sys.Errno {
	d := k.descriptor("shutdown", fd, kindConn)
	if d == nil {
		return unix.EBADF
	}
	c := d.conn
	c.judgeTime()
	c.judgeEnd()
	if k.fault(faultShutdown) {
		c.excuse |= excuseFault
		c.reset()
	}
	if c.gone {
		return unix.ENOTCONN
	}
	c.shut, c.movedAt, c.heard, c.held = true, k.now, c.consumed, false
	k.note("shutdown %d", fd)
	c.client.wake()
	return 0
}

// closedByServer is close(2): a FIN after what is under way, or a RST where
// the server has not read everything, which destroys what is under way.
func (c *simConn) closedByServer() {
	w := c.w
	c.judgeTime()
	c.judgeEnd()
	c.d, c.closed = nil, true
	if c.forgets && !c.gone {
		c.gone, c.send = true, nil
	}
	if len(c.recv) > 0 && !c.gone {
		c.gone = true
		c.send = c.send[:w.between(0, len(c.send))]
	}
	if !c.shut {
		c.shut, c.heard = true, c.consumed
	}
	c.client.wake()
}

// simPeers are where clients come from. The last two are one customer's.
var simPeers = []netip.Addr{
	netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::1"),
	netip.MustParseAddr("2001:db8:1:2::3"), netip.MustParseAddr("2001:db8:1:2:f::4"),
}

// simNetwork says who is counted as one: see limits.per_address.
func simNetwork(peer int) int { return min(peer, len(simPeers)-2) }

func (k simKernel) DeferAccept(fd int, _ bool) { k.descriptor("setsockopt", fd, kindListener) }

func (k simKernel) LimitNotSent(fd int, _ bool) { k.descriptor("setsockopt", fd, kindListener) }

func (k simKernel) Unacked(fd int) (int, sys.Errno) {
	d := k.descriptor("ioctl", fd, kindConn)
	if d == nil {
		return 0, unix.EBADF
	}
	if k.noUnsent {
		return 0, unix.ENOTTY
	}
	return len(d.conn.send), 0
}
