package loop

import "monopoll/loop/sys"

// addresses counts the connections of each client address, IPv6 by its first 64
// bits, while limits.per_address asks for it. It is off by default: behind a
// proxy, or a large office's one address, everybody has the same.
type addresses struct {
	limit int
	count map[[16]byte]int32
}

// limitTo takes over what the config says. Connections from before count from
// the first reload that turns the limit on.
func (a *addresses) limitTo(limit int, conns *slab) {
	if limit == a.limit {
		return
	}
	a.limit = limit
	a.count = nil
	if limit > 0 {
		a.count = make(map[[16]byte]int32)
		conns.each(func(c *conn) { a.add(&c.peer) })
	}
}

// full says that an address has as many connections as it may.
func (a *addresses) full(p *sys.Peer) bool {
	return a.limit > 0 && p.Addr().IsValid() && int(a.count[p.Network()]) >= a.limit
}

func (a *addresses) add(p *sys.Peer) {
	if a.limit > 0 {
		a.count[p.Network()]++
	}
}

func (a *addresses) remove(p *sys.Peer) {
	if a.limit > 0 {
		if n := p.Network(); a.count[n] > 1 {
			a.count[n]--
		} else {
			delete(a.count, n)
		}
	}
}
