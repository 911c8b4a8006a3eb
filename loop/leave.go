package loop

import (
	"slices"

	"monopoll/loop/sys"
)

// leaving is a socket that listens no more while connections of it live on.
type leaving struct {
	socket *socket
	until  int64
}

// leave ends a socket: what already waits at it is accepted, then it is closed.
// Its connections get their next answer with Connection: close; what is under
// way after the drain time is closed.
func (l *Loop) leave(s *socket) {
	l.narrowedNoMore(s)
	s.closing = true
	for range (sys.Backlog + acceptLimit - 1) / acceptLimit {
		before := l.stats.Accepted + l.stats.Refused
		if l.accept(s); l.stats.Accepted+l.stats.Refused == before {
			break
		}
	}
	s.left = true
	delete(l.sockets, s.fd)
	l.kernel.EpollDel(l.epoll, s.fd)
	l.kernel.Close(s.fd)
	s.unlink()
	if s.conns > 0 {
		l.leaving = append(l.leaving, leaving{s, l.now + int64(l.table.Config.Timeouts.Drain)})
	} else {
		l.stats.Sent += s.sent
	}
}

// left notes that a connection of a socket is closed.
func (l *Loop) left(c *conn) {
	s := c.socket
	if s.conns--; s.conns > 0 || !s.left {
		return
	}
	l.stats.Sent += s.sent
	l.leaving = slices.DeleteFunc(l.leaving, func(g leaving) bool { return g.socket == s })
}

// soonest is when the first of some times is over; 0: there are none. They are
// in no order, since each table has its own drain time.
func soonest(all []leaving) (due int64) {
	for _, g := range all {
		if due == 0 || g.until < due {
			due = g.until
		}
	}
	return due
}

// expireLeaving closes the connections of sockets whose drain time is over.
func (l *Loop) expireLeaving() {
	if due := soonest(l.leaving); due == 0 || due > l.now {
		return
	}
	late := make(map[*socket]bool)
	l.leaving = slices.DeleteFunc(l.leaving, func(g leaving) bool {
		late[g.socket] = g.until <= l.now
		return late[g.socket]
	})
	l.conns.each(func(c *conn) {
		if late[c.socket] {
			l.enter(c, stateDead)
		}
	})
}
