package loop

import (
	"fmt"
	"runtime/debug"

	"monopoll/loop/sys"
)

// conn is a connection: a socket, the protocol that gives its bytes a meaning,
// and what is left over between two turns. The loop owns it. An idle one holds
// no buffer, so this struct is its whole price: see TestIdlePrice.
type conn struct {
	fd     int32
	gen    uint32
	state  state
	lane   laneID
	added  bool // epoll knows the descriptor
	eof    bool // the peer sends nothing more
	again  bool // it is in Loop.again
	served bool // a request of it has been answered
	after  want // what the protocol wanted when out was left behind

	moved  int64  // bytes of the body read, or of the answer written, in this state
	taken  int64  // of moved, what the peer had confirmed when last looked
	armed  uint32 // what epoll reports of it
	stale  uint32 // since when a file that it asks for is not as its table says, see clockOf; 0: it is
	since  int64  // when the peer last got on, for its lane
	queued int64  // when it came to its place in the lane
	prev   *conn  // in its lane
	next   *conn  // in its lane, or in the slab's free list

	proto  protocol
	http   session // proto points to it unless the listener echoes
	socket *socket // the listener that accepted it
	in     []byte  // bytes that arrived and were not taken; nil when there are none
	out    *output // what the peer has not taken yet; nil when there is nothing
	peer   sys.Peer
}

// ready serves a connection of which epoll reported something.
func (l *Loop) ready(c *conn, events uint32) {
	defer l.contain(c)
	switch c.state {
	case stateIdle, stateHead, stateBody:
		if c.again {
			return // it has more than one turn's work already: see stepAgain
		}
		if in := l.fill(c); len(in) > 0 || c.eof {
			l.advance(c, in)
		}
	case stateSend:
		if events&(sys.Err|sys.Hup) != 0 && events&sys.Out == 0 {
			l.enter(c, stateDead)
			return
		}
		l.resume(c)
	case stateDesk, stateStale, stateReply:
		l.enter(c, stateDead) // only an error or a hang-up is reported
	case stateLinger:
		l.linger(c)
	}
}

// contain turns a panic in a step into the end of that one connection. The bug
// is logged with its stack; everybody else is served on.
func (l *Loop) contain(c *conn) {
	if p := recover(); p != nil {
		l.logBroken(l.out)
		l.files.abandon(l.out)
		l.log.Error("a connection was closed because of a bug; please report it",
			"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		l.enter(c, stateDead)
	}
}

// fill reads once: into the loop's scratch, or behind what is left over from
// before. Nothing and no eof means that the socket had nothing, or has failed.
func (l *Loop) fill(c *conn) []byte {
	n, errno := l.kernel.Read(int(c.fd), l.scratch)
	if errno != 0 {
		if errno != sys.EAGAIN {
			l.enter(c, stateDead)
		} else if c.state == stateNew {
			l.enter(c, stateIdle)
		}
		return nil
	}
	if n == 0 {
		c.eof = true
		return c.in
	}
	c.moved += int64(n)
	if c.in == nil {
		return l.scratch[:n]
	}
	c.in = append(c.in, l.scratch[:n]...)
	return c.in
}

// advance steps the protocol over in until it needs something that is not
// there, sends what it leaves, and puts c into the state that follows.
func (l *Loop) advance(c *conn, in []byte) {
	for range stepLimit {
		n, w := c.proto.step(in, l.out)
		if in = in[n:]; n > 0 && c.state == stateHead {
			l.lanes.put(c, laneHead, l.now) // what follows is another head
		}
		ask, sent := l.out.ask, l.flush(c, l.out, w)
		if sent != sentAll {
			c.after = w
			l.keepOutput(c) // first: what it says of the requests lies in the input
			l.keepInput(c, in)
			l.unsent(c, sent)
			return
		}
		l.out.reset()
		if w == wantFile {
			l.keepInput(c, in)
			l.enter(c, stateDesk)
			l.desk.fetch(l, c, ask)
			return
		}
		if w != wantDrain {
			l.settle(c, in, w)
			return
		}
	}
	l.keepInput(c, in)
	l.later(c) // its turn is over, its bytes are not
}

// resume goes on sending what c has kept, and steps it again when that is done.
func (l *Loop) resume(c *conn) {
	if sent := l.flush(c, c.out, c.after); sent != sentAll {
		l.unsent(c, sent)
		return
	}
	l.outputs.put(c.out)
	c.out = nil
	if c.after.closes() {
		l.settle(c, nil, c.after)
		return
	}
	l.advance(c, c.in)
}

// unsent puts c, which has something to send, into the state it waits in.
func (l *Loop) unsent(c *conn, sent progress) {
	switch sent {
	case sentSome:
		l.enter(c, stateSend)
	case needsDisk:
		l.enter(c, stateDesk)
		l.desk.warm(l, c)
	case peerGone:
		l.enter(c, stateDead)
	}
}

// later has c stepped in the next turn, which will not sleep. Epoll sees the
// kernel's buffer only: it says nothing of bytes that are here already.
func (l *Loop) later(c *conn) {
	l.enter(c, stateHead)
	if !c.again {
		c.again = true
		l.again = append(l.again, c)
	}
}

// settle puts c, which has nothing to send, into the state it waits in.
func (l *Loop) settle(c *conn, in []byte, w want) {
	switch {
	case w == wantCloseNow && len(in) == 0 && !l.unread(c):
		l.enter(c, stateDead)
	case w == wantClose || w == wantCloseNow:
		l.goodbye(c)
	case w == wantReply:
		l.enter(c, stateReply)
	case c.eof:
		l.goodbye(c) // no further bytes can come: what is left is not a request
	case w == wantBody:
		l.keepInput(c, in)
		l.enter(c, stateBody)
	case len(in) > 0:
		l.keepInput(c, in)
		l.enter(c, stateHead)
	case l.stopping.begun:
		l.goodbye(c) // its answer was promised a next one; there will be none
	default:
		c.served = true
		l.keepInput(c, nil)
		l.enter(c, stateIdle)
	}
}

// unread says whether the peer has sent something that nobody has read, and
// throws it away: to close now would be a reset, which destroys what of the
// answer is still on its way (RFC 9112 §9.6). Old clients send an empty line
// behind a request (§2.2).
func (l *Loop) unread(c *conn) bool {
	n, errno := l.kernel.Read(int(c.fd), l.scratch)
	return errno == 0 && n > 0
}

// keepInput keeps what was not taken until more arrives. in may lie in c.in
// itself, at its end.
func (l *Loop) keepInput(c *conn, in []byte) {
	switch {
	case len(in) == 0:
		l.buffers.put(c.in)
		c.in = nil
	case c.in == nil:
		c.in = append(l.buffers.get(len(in)), in...)
	case len(in) < len(c.in):
		c.in = c.in[:copy(c.in, in)]
	}
}

// keepOutput keeps what the peer has not taken.
func (l *Loop) keepOutput(c *conn) {
	c.out = l.outputs.get()
	l.out.moveTo(c.out)
}

// goodbye ends the sending side and waits until the peer has ended its own.
func (l *Loop) goodbye(c *conn) {
	if c.eof {
		l.enter(c, stateDead)
		return
	}
	l.keepInput(c, nil)
	if l.kernel.ShutdownWrite(int(c.fd)) != 0 {
		l.enter(c, stateDead) // the peer is gone already
		return
	}
	l.enter(c, stateLinger)
}

// linger throws away what the peer still sends.
func (l *Loop) linger(c *conn) {
	n, errno := l.kernel.Read(int(c.fd), l.scratch)
	if errno != sys.EAGAIN && (errno != 0 || n == 0) {
		l.enter(c, stateDead)
	}
}
