package loop

// simWait is the last wait, and what it had been asked for.
type simWait struct {
	happened    bool
	empty       bool     // it was over, and nothing had come
	idle        int      // turns in a row in which nothing was done
	timers      [3]int64 // of the access log, of a pause, and of the lanes
	interrupted bool
}

// inspectIdling sees to it that the loop does not spin: two turns in a row in
// which nothing came and nothing was done.
func (w *simWorld) inspectIdling(timeout int) {
	l := w.loop
	last := &w.last
	due, _ := l.lanes.next()
	timers := [3]int64{l.access.handAt, l.pausedTill, due}
	if last.happened && last.empty && !last.interrupted && w.calls == 0 && len(l.again) == 0 && last.timers == timers {
		last.idle++
		if last.idle >= 2 {
			w.fail("the loop spins: %d turns without anything to do, and now it waits for %d ms", last.idle, timeout)
		}
	} else {
		last.idle = 0
	}
	last.timers = timers
	w.calls = 0
}

// waited notes how a wait has ended.
func (w *simWorld) waited(_, n int, interrupted bool) {
	w.last.happened, w.last.empty, w.last.interrupted = true, n == 0, interrupted
}

// mostIgnored is how often a descriptor may be reported without anything
// happening to it: more than by chance.
const mostIgnored = 8

// told notes that the loop was told of a descriptor.
func (w *simWorld) told(d *simDescriptor) {
	if d.touched {
		d.touched, d.ignored = false, 0
		return
	}
	if d.ignored++; d.ignored > mostIgnored {
		w.fail("the loop spins: descriptor %d (kind %d) was reported %d times, and nothing was done about it", d.fd, d.kind, d.ignored)
	}
}
