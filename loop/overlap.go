package loop

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"monopoll/loop/sys"
	"monopoll/routes"
	"monopoll/routes/config"
)

// An address may widen or narrow on its port in one reload: 127.0.0.1:8080
// becomes :8080, or the other way round. The kernel lets nobody listen on an
// address that overlaps one that is listened on, not even ourselves, unless
// both sockets ask for SO_REUSEPORT; and where both listen, it gives a client
// to the socket whose address says more.
//
// When it widens, the old socket stays for as long as the wildcard does, and
// serves what the wildcard serves: clients of its address go on to arrive
// there, and to close it would end their handshakes. In the counts it is part
// of the wildcard. When it narrows, the new socket has all that begin to
// connect to its address; the old one listens for narrowTime more, for the
// handshakes that had begun, and is left then like one that was removed.

// covers says that a socket on the wildcard a takes clients of b too (ip(7),
// ipv6(7)).
func covers(a, b config.Address) bool {
	if a.Unix != "" || b.Unix != "" || a.Port != b.Port || a.Port == 0 || a.Host == b.Host {
		return false
	}
	return a.Host == "" || a.Host == "0.0.0.0" && b.Host != "" && !strings.Contains(b.Host, ":")
}

// wildcards are the addresses that may cover a.
func wildcards(a config.Address) [2]string {
	return [2]string{config.Address{Port: a.Port}.String(), config.Address{Port: a.Port, Host: "0.0.0.0"}.String()}
}

// claim is who decides on a socket that was narrowed: the loop, which closes
// it, or a reload, which may want to have it back.
type claim struct{ state atomic.Int32 }

const (
	claimNone int32 = iota
	claimReload
	claimLoop
)

func (c *claim) acquire(who int32) bool { return c.state.CompareAndSwap(claimNone, who) }
func (c *claim) release()               { c.state.Store(claimNone) }

// claimNarrowed keeps the loop from closing sockets that were narrowed, until
// the plan is carried out or abandoned.
func (l *Loop) claimNarrowed(p *plan) {
	for _, s := range l.publisher.narrowed {
		if s.claim.acquire(claimReload) {
			p.claimed = append(p.claimed, s)
		}
	}
}

// running finds the socket of an address among those that listen.
func (l *Loop) running(p *plan, key string) *socket {
	if s := l.publisher.bound[key]; s != nil {
		return s
	}
	for _, s := range p.claimed {
		if s.key == key {
			return s
		}
	}
	return nil
}

// beside gives the descriptors of our own whose addresses overlap a.
func (l *Loop) beside(p *plan, a config.Address) (own []int) {
	add := func(s *socket) {
		if covers(s.address, a) || covers(a, s.address) {
			own = append(own, s.fd)
		}
	}
	for _, s := range l.publisher.bound {
		add(s)
	}
	for _, s := range p.claimed {
		add(s)
	}
	slices.Sort(own)
	return own
}

// bindOverlapping binds the addresses that were in use by ourselves.
func (l *Loop) bindOverlapping(p *plan) (errs []error) {
	for _, a := range p.overlapping {
		s, err := l.bindBeside(a, l.beside(p, a))
		if err != nil {
			errs = p.cannotHave(errs, a, overlapError(a, err))
			continue
		}
		s.address = a
		p.fresh, p.bound[s.key] = append(p.fresh, s), s
		p.beside = append(p.beside, s)
	}
	return errs
}

func overlapError(a config.Address, err error) error {
	why := ""
	if errors.Is(err, sys.EADDRINUSE) {
		why = "; another program has it too, or this server took the port as another user (user: in the config): stop that program, or restart this one"
	}
	return fmt.Errorf("cannot listen on %s beside what this server has on the port: %w%s", a, err, why)
}

// sortOut says what becomes of the sockets whose address the table has no more.
func (l *Loop) sortOut(p *plan) {
	old := make([]*socket, 0)
	for key, s := range l.publisher.bound {
		if p.bound[key] == nil && !s.control {
			old = append(old, s)
		}
	}
	slices.SortFunc(old, func(a, b *socket) int { return a.fd - b.fd })
	for _, s := range old {
		for _, key := range wildcards(s.address) {
			if wide := p.bound[key]; wide != nil && p.bound[s.key] == nil && covers(wide.address, s.address) {
				if p.inside == nil {
					p.inside = make(map[*socket][]*socket)
				}
				p.inside[wide] = append(p.inside[wide], s)
				p.bound[s.key] = s
			}
		}
		if p.bound[s.key] == nil && slices.ContainsFunc(p.beside, func(f *socket) bool { return covers(s.address, f.address) }) {
			p.narrows = append(p.narrows, s)
		}
	}
	p.narrowed = slices.Clone(p.narrows)
	for _, s := range p.claimed {
		if p.bound[s.key] != s {
			p.narrowed = append(p.narrowed, s)
		}
	}
}

// serveInside has the sockets inside a wildcard serve what it serves.
func (l *Loop) serveInside(p *plan, wide *socket, listener *routes.Listener) {
	for _, s := range p.inside[wide] {
		l.assign(s, listener)
		s.within = wide
	}
}

// narrow begins the time in which a narrowed socket still accepts.
func (l *Loop) narrow(s *socket) {
	s.closing, s.narrowed, s.within = true, true, nil
	l.narrowed = append(l.narrowed, leaving{s, l.now + int64(narrowTime)})
}

// narrowedNoMore forgets the time of a narrowed socket: it is left, or wanted
// again.
func (l *Loop) narrowedNoMore(s *socket) {
	if s.narrowed {
		s.narrowed = false
		l.narrowed = slices.DeleteFunc(l.narrowed, func(g leaving) bool { return g.socket == s })
	}
}

// expireNarrowed leaves the sockets whose time is over. One that a reload
// under way may want to have back is looked at again a little later.
func (l *Loop) expireNarrowed() {
	for i := len(l.narrowed) - 1; i >= 0; i-- {
		g := &l.narrowed[i]
		switch {
		case g.until > l.now:
		case g.socket.claim.acquire(claimLoop):
			l.leave(g.socket)
		default:
			g.until = l.now + int64(claimRetry)
		}
	}
}
