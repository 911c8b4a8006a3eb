package loop

import "monopoll/loop/sys"

// state is what a connection waits for. enter is the only function that sets
// it, and interest and lane say what follows from it.
type state uint8

const (
	// stateNew: accepted, not served yet; left within the same turn.
	stateNew state = iota
	// stateIdle: nothing of a request has arrived. Left by bytes, or by time.
	stateIdle
	// stateHead: part of a request's head has arrived. Left by the rest of it;
	// by time it is answered with 408.
	stateHead
	// stateBody: a request's content is being read. Left by its end.
	stateBody
	// stateSend: the peer has not taken all that is to be sent. Left when the
	// last byte is handed to the kernel.
	stateSend
	// stateDesk: a file is being opened, or read ahead. Left by the desk's
	// letter; by time the request is answered with 503.
	stateDesk
	// stateStale: a file is not what the table says of it. Left by the next
	// table, or by time: both have the request answered anew.
	stateStale
	// stateReply: the process is asked something by the control socket. Left by
	// the answer.
	stateReply
	// stateLinger: our side is closed; what the peer still sends is thrown away.
	// Left by its end, or by time.
	stateLinger
	// stateDead: closed by reap at the end of this turn.
	stateDead
)

// interest is what epoll is asked to report in a state. An error or a hang-up
// is reported in every state, asked for or not.
func (s state) interest() uint32 {
	switch s {
	case stateIdle, stateHead, stateBody, stateLinger:
		return sys.In
	case stateSend:
		return sys.Out
	}
	return 0
}

// waitsIn is the lane in which c waits in a state.
func (c *conn) waitsIn(s state) laneID {
	switch s {
	case stateIdle:
		if c.socket.control {
			return laneCommand
		}
		return laneIdle
	case stateHead:
		return laneHead
	case stateBody:
		return laneBody
	case stateSend:
		return laneSend
	case stateDesk:
		return laneDesk
	case stateStale:
		return laneStale
	case stateReply:
		return laneReply
	case stateLinger:
		return laneLinger
	}
	return laneNone
}

// absolute says that staying in a state does not renew its time. A body and an
// answer have to get on at a rate instead: see slow.go.
func (s state) absolute() bool { return s != stateIdle && s != stateDesk }

// enter puts c into a state: what epoll reports and which timeout runs follow
// from it, here and nowhere else.
func (l *Loop) enter(c *conn, s state) {
	if c.state == stateDead {
		return
	}
	if s != c.state || !s.absolute() {
		l.lanes.put(c, c.waitsIn(s), l.now)
	}
	if s != c.state {
		c.moved, c.taken = 0, 0
		if s == stateSend {
			c.taken = -l.unconfirmed(c)
		}
	}
	c.state = s
	if s == stateDead {
		if c.socket.control {
			l.controls--
		}
		l.dead = append(l.dead, c)
		return
	}
	if want := s.interest(); want != c.armed || !c.added {
		l.arm(c, want)
	}
}

func (l *Loop) arm(c *conn, events uint32) {
	var errno sys.Errno
	if c.added {
		errno = l.kernel.EpollMod(l.epoll, int(c.fd), events, c.tag())
	} else {
		errno = l.kernel.EpollAdd(l.epoll, int(c.fd), events, c.tag())
	}
	if errno != 0 { // ENOMEM, or fs.epoll.max_user_watches: this client pays for it
		l.complain("epoll", errno)
		l.enter(c, stateDead)
		return
	}
	c.added, c.armed = true, events
}
