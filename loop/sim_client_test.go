package loop

import "fmt"

// simClient is somebody who connects, asks, checks what comes back, and goes.
// It acts when its time has come, and when the server has done something.
type simClient struct {
	w    *simWorld
	id   int
	at   int64 // when it acts next; simNever: when it is woken
	conn *simConn
	talk simTalk

	out  []byte // what is to be sent
	sent int64  // bytes given to the network so far
	gate int64  // it sends no byte from here on until it may; simNever: no gate
	open int64  // when it goes on past the gate all the same

	sendAt int64 // when it sends again

	// its temper, for this connection
	sendMost, readMost int
	sendGap, readGap   int // nanoseconds between two acts, at most
	slow               bool
	ragged             bool // what it sends seldom ends where a request does
	vanished           bool // it does nothing any more
	stays              bool // it leaves the connection open until the server ends it
	ended              bool // it has sent its FIN
}

// simTalk is what a client says on a connection.
type simTalk interface {
	// more thinks of something more to send.
	more()
	// delivered is called when bytes were given to the network.
	delivered()
	// take gets bytes that came.
	take(p []byte) error
	// over says what is wrong with the connection ending here, by a reset or not.
	over(reset bool) error
	// done says that nothing is left to be said or heard.
	done() bool
	// waits says that it has been sent all that it owes, and owes an answer.
	waits() bool
	// since is when the client began what it has not finished sending; 0: nothing.
	since() int64
}

const simNever = 1 << 62

// wake has the client act soon: it learns of something.
func (c *simClient) wake() {
	if c == nil || c.vanished && !c.conn.closed && !c.conn.gone {
		return
	}
	c.at = min(c.at, c.w.now+int64(c.w.rng.IntN(c.readGap+1)))
}

// act does a little of what is to be done.
func (c *simClient) act() {
	c.at = simNever
	switch {
	case c.conn == nil:
		c.connect()
		return
	case c.vanished:
		if c.conn.closed || c.conn.gone {
			c.leave()
		}
		return
	case c.w.fault(faultPeerReset):
		c.conn.reset()
		c.leave()
		return
	case c.w.fault(faultPeerClose):
		c.close()
		return
	case c.w.fault(faultVanish):
		if c.vanished = true; c.conn.closed || c.conn.gone {
			c.leave()
		}
		return
	}
	c.talk.more()
	c.send()
	c.receive()
}

// connect goes to some listener, or comes back later.
func (c *simClient) connect() {
	w := c.w
	if w.budget <= 0 {
		return
	}
	s := w.anyListener()
	if s == nil || len(s.backlog) >= 128 {
		c.at = w.now + int64(w.between(1, 20))*1e6
		return
	}
	w.port++
	conn := &simConn{w: w, client: c, listener: s, peer: w.rng.IntN(len(simPeers)), port: w.port, movedAt: w.now}
	conn.recvRoom, conn.sendRoom = w.buffer(), w.buffer()
	if w.flooding {
		conn.recvRoom, conn.sendRoom = 1<<20, 1<<20
	}
	s.backlog = append(s.backlog, conn)
	w.conns = append(w.conns, conn)
	*c = simClient{w: w, id: c.id, conn: conn, gate: simNever, open: simNever}
	c.sendMost, c.readMost, c.sendGap, c.readGap = 1<<20, 1<<20, w.between(0, 100_000), w.between(0, 100_000)
	switch w.rng.IntN(12) {
	case 0: // one byte at a time
		c.sendMost, c.sendGap = 1, 1_000_000
	case 1: // reads as if by hand
		c.readMost, c.readGap, c.slow = 300, 20_000_000, true
	case 2:
		c.sendMost, c.readMost = w.between(1, 3000), w.between(100, 3000)
		c.slow = c.readMost < 1000
	case 3: // a little at a time, so that a request is seldom whole
		c.sendMost, c.sendGap, c.ragged = w.between(20, 150), 80_000_000, true
	}
	switch {
	case s.control:
		c.talk = newControlTalk(c)
	case s.echo:
		c.talk = newEchoTalk(c)
	default:
		c.talk = newHTTPTalk(c)
	}
	c.at = w.now + int64(w.rng.IntN(200_000))
	if w.flooding {
		c.sendMost, c.readMost, c.sendGap, c.readGap = 1<<20, 1<<20, 0, 0
	}
}

// buffer is the size of a socket's buffer: most are large.
func (w *simWorld) buffer() int {
	if w.chance(4) {
		return w.between(64, 5000)
	}
	return w.between(5000, 400_000)
}

// send gives bytes to the network, as many as it takes and the client likes.
func (c *simClient) send() {
	conn := c.conn
	n := min(len(c.out), c.sendMost, conn.recvRoom-len(conn.recv))
	if c.gate != simNever {
		if c.w.now >= c.open {
			c.gate = simNever
		} else {
			n = min(n, int(c.gate-c.sent))
			c.at = min(c.at, c.open)
		}
	}
	if n <= 0 || conn.gone || conn.fin {
		return
	}
	if c.w.now < c.sendAt {
		c.at = min(c.at, c.sendAt)
		return
	}
	if c.sendMost > 1 && c.w.chance(4) {
		n = c.w.between(1, n)
	}
	if conn.closed {
		conn.gone = true // the server's kernel resets what comes too late
		return
	}
	conn.recv = append(conn.recv, c.out[:n]...)
	c.out = c.out[n:]
	c.sent += int64(n)
	c.talk.delivered()
	if len(c.out) > 0 {
		c.sendAt = c.w.now + int64(c.w.rng.IntN(c.sendGap+1))
		c.at = min(c.at, c.sendAt)
	}
}

// receive takes bytes from the network, and notices the end.
func (c *simClient) receive() {
	conn := c.conn
	if n := min(len(conn.send), c.readMost); n > 0 {
		if c.w.chance(4) {
			n = c.w.between(1, n)
		}
		p := conn.send[:n]
		conn.send = conn.send[n:]
		if err := c.talk.take(p); err != nil {
			c.complain("%v", err)
			return
		}
		c.at = min(c.at, c.w.now+int64(c.w.rng.IntN(c.readGap+1)))
		return
	}
	switch {
	case conn.gone:
		c.judge(true)
		c.leave()
	case conn.shut:
		c.judge(false)
		c.farewell()
	case c.talk.done() && !c.stays && !c.ended:
		if c.w.chance(2) {
			c.close()
			return
		}
		c.halfClose()
	}
}

// farewell is what is done when the server has sent its last byte: mostly to
// close at once, sometimes to go on sending for a while.
func (c *simClient) farewell() {
	if !c.conn.closed && len(c.out) > 0 && c.w.chance(2) {
		c.at = min(c.at, c.w.now+int64(c.w.between(0, 50_000_000)))
		if c.w.chance(5) {
			c.close()
		}
		return
	}
	c.close()
}

// judge asks the talk whether the connection may end here.
func (c *simClient) judge(reset bool) {
	if err := c.talk.over(reset); err != nil {
		c.complain("%v", err)
	}
}

func (c *simClient) complain(format string, args ...any) {
	conn := c.conn
	fd := -1
	if conn.d != nil {
		fd = conn.d.fd
	}
	c.w.fail("client %d (port %d, descriptor %d, excuses %#x): %s", c.id, conn.port, fd, conn.excuse, fmt.Sprintf(format, args...))
}

func (c *simClient) halfClose() {
	if !c.ended {
		c.ended, c.conn.fin = true, true
	}
}

// close is close(2) of the client: a reset where it has not read everything.
func (c *simClient) close() {
	if len(c.conn.send) > 0 {
		c.conn.reset()
	} else {
		c.conn.fin, c.conn.left = true, true
	}
	c.leave()
}

// leave forgets the connection; another one comes after a while.
func (c *simClient) leave() {
	c.conn.left = true
	c.conn.client = nil
	c.conn = nil
	c.at = c.w.now + int64(c.w.between(0, 3_000_000))
	if c.w.chance(20) {
		c.at += int64(c.w.between(0, 1000)) * 1e6
	}
}
