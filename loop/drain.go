package loop

import "monopoll/loop/sys"

// stopping is how the loop ends: by itself when the last connection is closed,
// or when its time is over.
type stopping struct {
	begun bool
	now   bool
	until int64
}

func (s *stopping) due() int64 {
	if !s.begun {
		return 0
	}
	return s.until
}

// Drain has the loop accept nothing more, finish the answers under way within
// the config's drain time, and end. It returns at once; Run returns when it is
// done. Any goroutine may call it.
func (l *Loop) Drain() { l.mail.post((*Loop).drain) }

// Stop has the loop end after this turn. Any goroutine may call it.
func (l *Loop) Stop() {
	l.mail.post(func(l *Loop) { l.stopping = stopping{begun: true, now: true, until: l.now} })
}

func (l *Loop) drain() {
	if l.stopping.begun {
		return
	}
	l.stopping.begun, l.stopping.until = true, l.now
	if l.table != nil {
		l.stopping.until += int64(l.table.Config.Timeouts.Drain)
	}
	for _, s := range l.listening() {
		l.leave(s)
	}
	// An idle connection may have a request in the kernel that epoll has not
	// told of yet: one read tells.
	l.conns.each(func(c *conn) {
		if c.state == stateIdle {
			l.ready(c, sys.In)
			if c.state == stateIdle {
				l.enter(c, stateDead)
			}
		}
	})
}

func (l *Loop) expireStopping() {
	if l.stopping.begun && l.stopping.until <= l.now {
		l.stopping.now = true
	}
}

func (l *Loop) done() bool {
	return l.stopping.now || l.stopping.begun && l.conns.open == 0
}
