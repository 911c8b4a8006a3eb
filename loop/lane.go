package loop

// A lane is a timeout: the connections that wait for the same thing for the
// same time, the longest waiting first. Since every one of them gets the same
// time, a queue is in order by itself and no heap is needed.
type lane struct {
	timeout    int64 // nanoseconds
	head, tail *conn
}

// laneID names a lane.
type laneID uint8

const (
	laneNone    laneID = iota
	laneIdle           // no request under way
	laneCommand        // the same, on the control socket
	laneHead           // a request's head has begun: absolute
	laneBody           // a request's content is coming: renewed if fast enough
	laneSend           // the peer is to take what is sent: renewed if fast enough
	laneDesk           // a file is being opened or read
	laneStale          // a table is to come that knows a file
	laneReply          // the process is to answer the control socket: absolute
	laneLinger         // closed for writing: absolute
	laneCount
)

type lanes [laneCount]lane

// put moves c to the end of a lane, at the time now. A connection that stays in
// its lane moves at most once in laneGrain.
func (ls *lanes) put(c *conn, id laneID, now int64) {
	if c.lane == id && now-c.queued < int64(laneGrain) {
		c.since = now
		return
	}
	ls.remove(c)
	c.since, c.queued = now, now
	c.lane = id
	if id == laneNone {
		return
	}
	l := &ls[id]
	c.prev = l.tail
	if l.tail != nil {
		l.tail.next = c
	} else {
		l.head = c
	}
	l.tail = c
}

func (ls *lanes) remove(c *conn) {
	if c.lane == laneNone {
		return
	}
	l := &ls[c.lane]
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		l.head = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		l.tail = c.prev
	}
	c.prev, c.next, c.lane = nil, nil, laneNone
}

// due gives a connection whose time is over, nil when there is none. Only the
// head of each lane is looked at: one behind it may be due by up to laneGrain
// and then has to wait for that long.
func (ls *lanes) due(now int64) *conn {
	for id := laneIdle; id < laneCount; id++ {
		if c := ls[id].head; c != nil && c.since+ls[id].timeout <= now {
			return c
		}
	}
	return nil
}

// next gives the time at which due will have something; ok is false when
// nothing waits.
func (ls *lanes) next() (at int64, ok bool) {
	for id := laneIdle; id < laneCount; id++ {
		if c := ls[id].head; c != nil {
			if t := c.since + ls[id].timeout; !ok || t < at {
				at, ok = t, true
			}
		}
	}
	return at, ok
}
