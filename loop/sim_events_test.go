package loop

import (
	"fmt"

	"monopoll/loop/sys"
	"monopoll/routes/config"
)

// misfortune is what happens to the whole server.
func (w *simWorld) misfortune() {
	if w.ended {
		return
	}
	switch {
	case w.reloading == nil && w.fault(faultReload):
		w.reload()
	case w.fault(faultClockJump):
		jump := int64(w.between(1, 60_000)) * 1e6
		w.now += jump
		if jump >= w.shortest {
			for _, c := range w.conns {
				c.excuse |= excuseTime
			}
		}
	case w.fault(faultClockBack):
		w.wallOffset -= int64(w.between(1, 10_000)) * 1e6
	case w.squeezedTill == 0 && w.fault(faultDescriptors):
		open := 0
		for _, d := range w.fds {
			if d != nil {
				open++
			}
		}
		w.fdLimit = firstFD + open + w.between(-2, 4)
		w.squeezedTill = w.now + int64(w.between(1, 2000))*1e6
	case w.fault(faultPanic):
		w.plant()
	case !w.draining && w.fault(faultDrain):
		w.drain()
	case w.fault(faultStop):
		w.stop()
	}
	if w.squeezedTill != 0 && w.now >= w.squeezedTill {
		w.squeezedTill, w.fdLimit = 0, 1<<20
	}
}

// plant puts a bug into the protocol of some connection.
func (w *simWorld) plant() {
	if len(w.conns) == 0 {
		return
	}
	real := w.conns[w.rng.IntN(len(w.conns))]
	if real.d == nil || real.listener.control {
		return
	}
	if c := w.loop.conns.byFD[real.d.fd]; c != nil {
		real.excuse |= excuseFault
		c.proto = simBug{c.proto}
	}
}

// simBug is a protocol that panics after some of its work.
type simBug struct{ protocol }

const simPanic = "a bug that was planted"

func (b simBug) step(in []byte, out *output) (int, want) {
	b.protocol.step(in, out)
	panic(simPanic)
}

func (b simBug) late(s state, out *output) {
	b.protocol.late(s, out)
	panic(simPanic)
}

// reload publishes another table, as Publish does it, but for the waiting.
func (w *simWorld) reload() {
	l := w.loop
	next := simPool[w.rng.IntN(len(simPool))]
	p, err := l.prepare(next.table)
	if err != nil {
		p.abandon(l.kernel)
		return
	}
	p.bound[simControl] = l.publisher.bound[simControl]
	w.note("reload: table %d", next.id)
	w.reloading = p
	if !l.mail.post(func(l *Loop) { w.reloading = nil; w.commit(p) }) {
		w.reloading = nil
		p.abandon(l.kernel)
	}
}

// commit has the loop change over, and notes what that means.
func (w *simWorld) commit(p *plan) {
	l := w.loop
	if w.draining || l.stopping.begun {
		if _, ok := l.commit(p); ok {
			w.fail("a table was taken although the loop is ending")
		}
		p.abandon(l.kernel)
		return
	}
	var t *simTable
	for _, t = range simPool {
		if t.table == p.table {
			break
		}
	}
	w.shortest = min(w.shortest, int64(t.shortest))
	for _, key := range sortedKeys(w.listeners) {
		s := w.listeners[key]
		if t.modes[key] == "" && !s.left && !s.control {
			s.left, s.leftUntil, s.closings = true, w.now+int64(t.drain), s.closings+1
			delete(w.listeners, key) // who comes now finds nobody
		}
	}
	if _, ok := l.commit(p); !ok {
		w.fail("a table was not taken")
	}
	if c := l.lanes[laneStale].head; c != nil {
		w.fail("descriptor %d still waits for a table", c.fd)
	}
	l.publisher.bound, l.publisher.log, l.publisher.control = p.bound, p.log, p.control
	w.current = t
	for _, key := range sortedKeys(w.listeners) {
		s := w.listeners[key]
		if s.control {
			continue
		}
		if s.echo = t.modes[key] == "echo"; s.echo {
			s.closings++
		} else {
			s.history = append(s.history, t.id)
		}
	}
}

// bind stands in for making a listening socket.
func (w *simWorld) bind(a config.Address) (*socket, error) {
	if w.started && w.fault(faultBind) {
		return nil, fmt.Errorf("cannot listen on %s: %w", a, sys.EADDRINUSE)
	}
	d, errno := w.allocate(kindListener)
	if errno != 0 {
		return nil, fmt.Errorf("cannot listen on %s: %w", a, errno)
	}
	d.listener = &simListener{w: w, key: a.String(), d: d}
	w.listeners[a.String()] = d.listener
	return &socket{fd: d.fd, key: a.String()}, nil
}

// listen stands in for what bind leaves to be done.
func (w *simWorld) listen(s *socket) error {
	if w.started && w.fault(faultListen) {
		return fmt.Errorf("cannot listen on %s: %w", s.address, sys.EADDRINUSE)
	}
	return nil
}

// drain asks the loop to end when its answers are out.
func (w *simWorld) drain() {
	w.loop.mail.post(func(l *Loop) {
		w.draining, w.drainUntil = true, w.now+int64(w.current.drain)
		l.drain()
	})
}

// stop asks the loop to end now.
func (w *simWorld) stop() {
	w.loop.mail.post(func(*Loop) { w.stopped, w.draining, w.drainUntil = true, true, w.now })
	w.loop.Stop()
}
