package loop

import (
	"fmt"
	"strings"
)

// Stats are counts since the start.
type Stats struct {
	Accepted int64 // connections
	Refused  int64 // connections, for lack of a place or a descriptor
	Requests int64 // answered
	Sent     int64 // bytes, heads included
	Open     int   // connections at the moment
	Dropped  int64 // lines of the access log that nobody took in time, or that could not be written

	Listeners []ListenerStats
}

// ListenerStats is what a listening socket has at the moment.
type ListenerStats struct {
	Address     string // as config.Address.String gives it, with the port that the kernel chose
	Control     bool   // it is the control socket
	Connections int
	Requests    int64
	Sent        int64 // bytes, heads included
}

// Work is how much has been done for clients, as of the last turn: an answer
// counts as one, and so do 64 KiB that are sent, which cost as much CPU. Any
// goroutine may call it.
func (l *Loop) Work() int64 { return l.workDone.Load() }

// Stats asks the loop for its counts. ok is false when it has ended. Any
// goroutine may call it.
func (l *Loop) Stats() (s Stats, ok bool) {
	done := make(chan Stats, 1)
	ok = l.mail.post(func(l *Loop) {
		s := l.stats
		s.Open = l.conns.open - len(l.dead)
		s.Dropped = l.access.dropped + l.access.lost.Load()
		s.Listeners = l.listeners()
		for _, k := range l.sockets {
			s.Sent += k.sent
		}
		for _, g := range l.leaving {
			s.Sent += g.socket.sent
		}
		done <- s
	})
	if ok {
		s = <-done
	}
	return s, ok
}

// listeners gives a line for each address of the table.
func (l *Loop) listeners() (all []ListenerStats) {
	line := make(map[*socket]int)
	sockets := l.listening()
	for _, k := range sockets {
		if k.within == nil && !k.narrowed {
			line[k] = len(all)
			all = append(all, ListenerStats{k.where(), k.control, k.conns, k.requests, k.sent})
		}
	}
	for _, k := range sockets {
		if i, part := line[k.within]; part {
			all[i].Connections += k.conns
			all[i].Requests += k.requests
			all[i].Sent += k.sent
		}
	}
	return all
}

// where is where the socket listens. A key may have port 0, which stands for
// any.
func (s *socket) where() string {
	if host, any := strings.CutSuffix(s.key, ":0"); any && s.port != 0 {
		return fmt.Sprintf("%s:%d", host, s.port)
	}
	return s.key
}
