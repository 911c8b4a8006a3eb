package loop

import "time"

// A client that takes, or sends, a byte now and then would hold a connection
// for as long as it likes if every byte renewed its time. So the time of an
// answer and of a body is renewed when it runs out, and only if the peer got on
// at a rate worth waiting for.

// progressed says whether the peer was fast enough in the time that has just run
// out, and begins the next.
func (l *Loop) progressed(c *conn) bool {
	if c.state != stateSend && c.state != stateBody {
		return false
	}
	done := c.moved
	if c.state == stateSend {
		done -= l.unconfirmed(c) // the kernel's buffer takes megabytes from us that nobody has read
	}
	least := slowest * l.lanes[c.lane].timeout / int64(time.Second)
	if done-c.taken <= least {
		return false
	}
	c.taken = done
	l.lanes.put(c, c.lane, l.now)
	return true
}

// unconfirmed is how many bytes have been written to c that its peer has not
// confirmed. Where the kernel cannot tell, all count as taken.
func (l *Loop) unconfirmed(c *conn) int64 {
	n, errno := l.kernel.Unacked(int(c.fd))
	if errno != 0 {
		return 0
	}
	return int64(n)
}
