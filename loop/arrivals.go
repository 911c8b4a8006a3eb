package loop

// arrivals is how fast connections come to a socket.
//
// Where they are many, the kernel is asked to give one only when something has
// arrived on it. The client speaks first in everything that is served, so such a
// connection is accepted with its request in it, needs neither a second look nor
// to be told to epoll, and the loop is woken once for it: a third less CPU for a
// request on a connection of its own. The price is a client that says nothing,
// which is seen a second later, so that it is paid by busy sockets only.
type arrivals struct {
	since int64 // when they were counted from
	n     int
	many  bool
}

// count notes one, and says whether many has changed.
func (a *arrivals) count(now int64) (changed bool) {
	a.n++
	took := now - a.since
	if took < int64(arrivalsLook) {
		return false
	}
	many := float64(a.n) > arrivalsMany*float64(took)/1e9
	a.since, a.n, changed = now, 0, many != a.many
	a.many = many
	return changed
}
