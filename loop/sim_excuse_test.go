package loop

// excuse says why an answer may stay away.
type excuse uint16

const (
	excuseFault   excuse = 1 << iota // the kernel refused a call about it
	excuseFile                       // the file it was being sent broke
	excuseDesk                       // the desk could not have its file
	excuseTime                       // the client took longer than it may
	excuseRefused                    // there was no place for it
	excuseOver                       // the time to finish was over: drain, or stop
	excuseRoom                       // it was idle while others needed a place
	excuseEnding                     // the server, or the listener, was ending
)

// excuseAlways are those that need no further circumstance.
const excuseAlways = excuseFault | excuseFile | excuseTime | excuseRefused | excuseOver

// judgeRoom notes who may have to go, or cannot stay, when there is no place.
func (w *simWorld) judgeRoom(c *simConn) {
	c.movedAt = w.now
	l := w.loop
	if w.acceptTrouble == w.turns {
		c.excuse |= excuseRefused
		w.excuseRoom()
	}
	limits, same := &l.table.Config.Limits, 0
	for _, other := range w.conns {
		if other != c && other.d != nil && simNetwork(other.peer) == simNetwork(c.peer) {
			same++
		}
	}
	if limits.PerAddress > 0 && same >= limits.PerAddress {
		c.excuse |= excuseRefused
	}
	if c.listener.control {
		w.judgeControlRoom(c)
		return
	}
	clients := 0
	for _, other := range l.conns.byFD {
		if other != nil && other.state != stateDead && !other.socket.control {
			clients++
		}
	}
	if clients < limits.Connections {
		return
	}
	c.excuse |= excuseRefused
	w.excuseRoom()
}

// judgeControlRoom notes who may have to go where many keep the control socket open:
// who has said nothing of a command for a while.
func (w *simWorld) judgeControlRoom(c *simConn) {
	var rest []*simConn
	for _, other := range w.conns {
		if other != c && other.d != nil && other.listener.control {
			rest = append(rest, other)
		}
	}
	if len(rest) < controlPlaces {
		return
	}
	for _, other := range rest {
		if other.consumed == 0 && w.now-other.movedAt >= int64(arrivalTime) {
			other.excuse |= excuseTime
		}
	}
}

// excuseRoom notes that whoever is idle may have to go.
func (w *simWorld) excuseRoom() {
	for _, other := range w.conns {
		if other.d != nil {
			other.excuse |= excuseRoom
		}
	}
}

// judgeTime notes that the client has taken longer than it may. A client that
// waits for the server has not.
func (c *simConn) judgeTime() {
	w := c.w
	if c.client == nil {
		return
	}
	patient := c.pending == 0 && !c.listener.control && len(c.send) == 0 && c.client.talk.waits() && !c.client.vanished
	if w.now-c.movedAt >= w.shortest && !patient {
		c.excuse |= excuseTime
	}
	if since := c.client.talk.since(); since != 0 && w.now-since >= w.shortest {
		c.excuse |= excuseTime
	}
}

// judgeEnd notes why the server may close a connection just now.
func (c *simConn) judgeEnd() {
	w, s := c.w, c.listener
	if w.draining {
		c.excuse |= excuseEnding
		if w.stopped || w.now >= w.drainUntil {
			c.excuse |= excuseOver
		}
	}
	if s.left {
		c.excuse |= excuseEnding
		if w.now >= s.leftUntil {
			c.excuse |= excuseOver
		}
	}
}
