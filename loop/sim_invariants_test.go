package loop

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"monopoll/loop/sys"
)

// What has to be true between any two turns is looked at here, by other means
// than the loop's own: the states are spelt out again, the lanes are walked,
// the references counted.

// simStates says what follows from a state: what epoll reports, and the lane.
var simStates = map[state]struct {
	events uint32
	lane   laneID
}{
	stateIdle:   {sys.In, laneIdle},
	stateHead:   {sys.In, laneHead},
	stateBody:   {sys.In, laneBody},
	stateSend:   {sys.Out, laneSend},
	stateDesk:   {0, laneDesk},
	stateStale:  {0, laneStale},
	stateReply:  {0, laneReply},
	stateLinger: {sys.In, laneLinger},
}

// The most memory that a connection may hold: what was read and not looked at,
// and what was answered and not taken. Twice, because slices grow.
const (
	simMostIn  = 2 * (scratchSize + simHeadLimit)
	simMostOut = 2 * (outputLimit + copyLimit + simHeadLimit + simBodyLimit + 16<<10)
)

// shadow is what the inspection knew of a descriptor's connection.
type shadow struct {
	conn *conn
	gen  uint32
	real *simConn
}

type shadows map[int]shadow

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// inspect looks at the turn that has ended. timeout is how long the loop wants
// to wait now.
func (w *simWorld) inspect(timeout int) {
	if w.broken != nil {
		return
	}
	w.inspectConns()
	w.inspectLanes(timeout)
	w.inspectStale()
	w.inspectFiles()
	w.inspectSockets()
	w.inspectScratch()
	w.inspectIdling(timeout)
}

func (w *simWorld) inspectConns() {
	l := w.loop
	open, again, controls := 0, 0, 0
	if w.shadows == nil {
		w.shadows = make(shadows)
	}
	for fd, c := range l.conns.byFD {
		if c == nil {
			continue
		}
		open++
		if c.again {
			again++
		}
		if c.socket.control {
			controls++
		}
		if int(c.fd) != fd {
			w.fail("the connection of descriptor %d stands at %d", c.fd, fd)
			return
		}
		if err := w.inspectConn(c); err != nil {
			w.fail("descriptor %d, state %d: %v", fd, c.state, err)
			return
		}
	}
	real := 0
	for _, d := range w.fds {
		if d != nil && d.kind == kindConn {
			real++
		}
	}
	if open != l.conns.open || open != real {
		w.fail("%d connections are open, %d are counted, %d are known to the kernel", open, l.conns.open, real)
	}
	if controls != l.controls {
		w.fail("%d connections are of the control socket, %d are counted", controls, l.controls)
	}
	if again != len(l.again) {
		w.fail("%d connections are to be stepped again, %d are listed", again, len(l.again))
	}
	if len(l.dead) != 0 || len(l.files.dead) != 0 {
		w.fail("%d connections and %d files were not reaped", len(l.dead), len(l.files.dead))
	}
}

func (w *simWorld) inspectConn(c *conn) error {
	fd := int(c.fd)
	var d *simDescriptor
	if fd < len(w.fds) {
		d = w.fds[fd]
	}
	if d == nil || d.kind != kindConn {
		return fmt.Errorf("the kernel has no such connection")
	}
	now := shadow{c, c.gen, d.conn}
	if was, ok := w.shadows[fd]; ok && (was.real == now.real) != (was.conn == now.conn && was.gen == now.gen) {
		return fmt.Errorf("one connection has become another")
	}
	w.shadows[fd] = now
	wants, ok := simStates[c.state]
	if c.state == stateIdle && d.conn.listener.control {
		wants.lane = laneCommand
	}
	switch {
	case !ok:
		return fmt.Errorf("nothing may be in this state between two turns")
	case !d.watched || !c.added:
		return fmt.Errorf("epoll does not know it")
	case d.events != wants.events || c.armed != wants.events:
		return fmt.Errorf("epoll reports %#x, and it is thought to report %#x; it has to be %#x", d.events, c.armed, wants.events)
	case c.lane != wants.lane:
		return fmt.Errorf("it is in lane %d, not in %d", c.lane, wants.lane)
	case c.state == stateSend && (c.out == nil || c.out.empty()):
		return fmt.Errorf("it waits to send nothing")
	case c.state != stateSend && c.state != stateDesk && c.out != nil:
		return fmt.Errorf("%d segments are forgotten", len(c.out.segs)-c.out.first)
	case c.out != nil && !simToldInTime(c.out):
		return fmt.Errorf("of %d answers %d are logged, with %d bytes taken", len(c.out.answers), c.out.told, c.out.taken)
	case d.conn.held && c.out == nil:
		return fmt.Errorf("more was announced, and nothing has followed")
	case c.state == stateIdle && c.in != nil:
		return fmt.Errorf("%d bytes are forgotten", len(c.in))
	case c.again && c.state != stateHead:
		return fmt.Errorf("it is to be stepped again")
	case cap(c.in) > simMostIn:
		return fmt.Errorf("it keeps %d bytes of input", cap(c.in))
	case c.out != nil && cap(c.out.own) > simMostOut:
		return fmt.Errorf("it keeps %d bytes of output", cap(c.out.own))
	case c.out != nil && cap(c.out.text) > simMostIn:
		return fmt.Errorf("it keeps %d bytes for the log", cap(c.out.text))
	}
	return nil
}

func (w *simWorld) inspectLanes(timeout int) {
	l := w.loop
	counted := 0
	for id := laneIdle; id < laneCount; id++ {
		lane := &l.lanes[id]
		if lane.timeout <= 0 && lane.head != nil {
			w.fail("lane %d has no timeout", id)
		}
		var prev *conn
		for c := lane.head; c != nil; prev, c = c, c.next {
			counted++
			if c.lane != id || c.prev != prev || prev != nil && prev.queued > c.queued {
				w.fail("descriptor %d is at a wrong place in lane %d", c.fd, id)
				return
			}
			if late := l.now - c.since - lane.timeout; late > int64(laneGrain) && timeout != 0 {
				w.fail("the timeout of descriptor %d in lane %d is %d ns late", c.fd, id, late)
				return
			}
			if counted > l.conns.open {
				break
			}
		}
		if lane.tail != prev {
			w.fail("lane %d has a loose end", id)
			return
		}
	}
	if counted != l.conns.open {
		w.fail("%d connections are in lanes, of %d", counted, l.conns.open)
	}
}

// inspectStale looks at those whose file has changed: nobody waits much longer for
// a table than one takes.
func (w *simWorld) inspectStale() {
	l := w.loop
	most := staleTime + staleLook + laneGrain
	for c := l.lanes[laneStale].head; c != nil; c = c.next {
		if waits := clockOf(l.now) - c.stale; waits > uint32(most/time.Millisecond) && w.now == l.now {
			w.fail("descriptor %d has waited for a table for %d ms", c.fd, waits)
		}
	}
}

// inspectFiles counts who refers to each open file.
func (w *simWorld) inspectFiles() {
	l := w.loop
	refs := make(map[*openFile]int)
	for _, c := range l.conns.byFD {
		if c == nil || c.out == nil {
			continue
		}
		for i := range c.out.segs {
			if f := c.out.segs[i].file; f != nil {
				refs[f]++
			}
		}
	}
	for f, n := range w.warming {
		refs[f] += n
	}
	idle := 0
	for f := l.files.idle.next; f != &l.files.idle; f = f.next {
		idle++
		if f.refs != 0 || l.files.byFile[f.what] != f {
			w.fail("a file with %d references is among the idle ones", f.refs)
			return
		}
	}
	if idle != l.files.count || idle > idleFilesMost {
		w.fail("%d files are idle, %d are counted", idle, l.files.count)
	}
	for _, f := range l.files.byFile {
		if _, ok := refs[f]; !ok {
			refs[f] = 0
		}
	}
	open := len(w.inMail) + len(w.shutting)
	for f, n := range refs {
		open++
		if f.refs != n {
			w.fail("the file at descriptor %d has %d references, not %d", f.fd, f.refs, n)
			return
		}
		if f.fd >= len(w.fds) || w.fds[f.fd] == nil || w.fds[f.fd].kind != kindFile || w.shutting[f.fd] {
			w.fail("the file at descriptor %d is not open", f.fd)
			return
		}
	}
	for _, d := range w.fds {
		if d != nil && d.kind == kindFile {
			open--
		}
	}
	if open != 0 {
		w.fail("%d files too few are open (%d known, %d in letters)", open, len(refs), len(w.inMail))
	}
}

func (w *simWorld) inspectSockets() {
	l := w.loop
	conns := make(map[*socket]int)
	for _, c := range l.conns.byFD {
		if c != nil {
			conns[c.socket]++
		}
	}
	known := make(map[*socket]bool)
	for fd, s := range l.sockets {
		known[s] = true
		if s.conns != conns[s] {
			w.fail("%s counts %d connections, not %d", s.key, s.conns, conns[s])
		}
		if fd >= len(w.fds) || w.fds[fd] == nil || w.fds[fd].kind != kindListener {
			w.fail("%s is not open", s.key)
			return
		}
		d := w.fds[fd]
		if l.pausedTill == 0 && (!d.watched || d.events != sys.In) {
			w.fail("%s: epoll reports nothing of it", s.key)
		}
		if l.pausedTill != 0 && l.pausedTill != w.deafPause && d.watched && d.events != 0 {
			w.fail("%s: epoll reports clients that cannot be accepted", s.key)
		}
	}
	for _, g := range l.leaving {
		known[g.socket] = true
		if g.socket.conns != conns[g.socket] || g.socket.conns == 0 {
			w.fail("%s leaves with %d connections, not %d", g.socket.key, g.socket.conns, conns[g.socket])
		}
		if g.until <= l.now && l.now != 0 && w.last.happened {
			w.fail("%s should have been left %d ns ago", g.socket.key, l.now-g.until)
		}
	}
	for s := range conns {
		if !known[s] && !l.stopping.begun {
			w.fail("nobody knows the socket %s of %d connections", s.key, conns[s])
		}
	}
	listening := 0
	for _, d := range w.fds {
		if d != nil && d.kind == kindListener {
			listening++
		}
	}
	if w.reloading != nil {
		listening -= len(w.reloading.fresh)
	}
	if listening != len(l.sockets) {
		w.fail("%d sockets listen, %d are known", listening, len(l.sockets))
	}
	if l.stopping.begun && len(l.sockets) > 0 {
		w.fail("%d sockets listen although the loop is ending", len(l.sockets))
	}
}

func (w *simWorld) inspectScratch() {
	l := w.loop
	if o := l.out; len(o.own)+len(o.segs)+len(o.answers)+o.sealed+o.first+o.told+int(o.taken) != 0 || o.ask != (errand{}) || o.had != (window{}) || o.failed != nil || o.instead != nil {
		w.fail("the loop's output holds %d bytes and %d segments of nobody", len(o.own), len(o.segs))
	}
	spares := 0
	for _, d := range w.fds {
		if d != nil && d.kind == kindSpare {
			spares++
		}
	}
	if spares > 1 || (spares == 1) != (l.spare >= 0) {
		w.fail("%d spare descriptors are open, and %d is thought to be", spares, l.spare)
	}
}

// owed says who waits for what, when nobody will do anything any more.
func (w *simWorld) owed() string {
	var b strings.Builder
	for _, c := range w.clients {
		if c.conn == nil {
			continue
		}
		fmt.Fprintf(&b, "client %d: vanished %v, done %v, %d bytes to send, closed %v, gone %v\n",
			c.id, c.vanished, c.talk.done(), len(c.out), c.conn.closed, c.conn.gone)
	}
	for _, c := range w.loop.conns.byFD {
		if c != nil {
			fmt.Fprintf(&b, "descriptor %d: state %d, lane %d\n", c.fd, c.state, c.lane)
		}
	}
	return b.String()
}

// inspectEnd looks at what Run has left behind.
func (w *simWorld) inspectEnd() {
	if w.broken != nil {
		return
	}
	if w.reloading != nil {
		w.fail("a reload was neither committed nor refused")
	}
	for _, j := range w.clerk.jobs {
		w.now = max(w.now, j.at)
	}
	w.clerk.work()
	for _, d := range w.fds {
		if d != nil && !(d.kind == kindFile && slices.Contains(w.kept, d.fd)) {
			w.fail("descriptor %d (kind %d) is still open after the end", d.fd, d.kind)
		}
	}
	for _, c := range w.clients {
		for c.conn != nil && w.broken == nil && !c.vanished {
			before := c.conn
			c.act()
			if c.conn == before && len(before.send) == 0 && !before.shut && !before.gone {
				w.fail("client %d is still connected after the end", c.id)
			}
		}
	}
	w.inspectLog()
}
