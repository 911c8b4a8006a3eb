package loop

import (
	"errors"
	"sync"

	"monopoll/loop/sys"
	"monopoll/routes"
	"monopoll/routes/config"
)

// publisher is what the goroutines that publish share. Everything that can fail
// is theirs; the loop only carries out what can not.
type publisher struct {
	mu    sync.Mutex
	bound map[string]*socket // by address
	ready readySockets       // bound by Bind, for the first table
	// patience is that of the sockets which are being made.
	patience sys.Patience
	// narrowed are sockets whose address was narrowed, some closed meanwhile.
	narrowed []*socket
	log      string // where the access log goes
	// control is where the control socket is, or could not be had.
	control string
	table   *routes.Table  // what is served
	looked  *config.Config // for which unix sockets were looked for: see rebind.go
}

// plan is a reload of which everything that can fail has been done.
type plan struct {
	table   *routes.Table
	fresh   []*socket          // bound, and known to nobody yet
	duties  []duty             // who serves what
	bound   map[string]*socket // all that listen afterwards
	log     string
	control string
	sink    *sink // a new access log; nil: as before

	// For unix sockets: see rebind.go.
	look      bool       // for those that are lost
	again     []Rebound  // addresses that were bound anew
	lost      []error    // why others could not be
	renamings []renaming // those of which the path is another

	// For addresses that widen or narrow: see overlap.go.
	overlapping []config.Address      // in use by sockets of our own
	beside      []*socket             // those bound to them
	inside      map[*socket][]*socket // by wildcard, those that become part of it
	narrows     []*socket             // will listen for a short while only
	narrowed    []*socket             // these, and those that do so already
	claimed     []*socket             // not to be closed before the plan is done with
}

// duty is a socket and the listener that it is to serve.
type duty struct {
	socket   *socket
	listener *routes.Listener
}

// distribute gives the sockets their listeners: a thousand addresses are two
// hundred microseconds of looking up, which the loop is spared.
func (p *plan) distribute() {
	p.duties = make([]duty, 0, len(p.bound))
	for _, listener := range p.table.Listeners {
		for _, a := range listener.Addresses {
			p.duties = append(p.duties, duty{p.bound[a.String()], listener})
		}
	}
}

// Outcome is what a reload meant for those who were connected.
type Outcome struct {
	Kept     int // connections that go on with the new table
	Draining int // connections of listeners that are gone
}

// ErrStopped says that the loop has ended and takes no table.
var ErrStopped = errors.New("the server has stopped")

// Publish makes t what the loop serves. It binds the addresses that are new and
// opens a new access log before anything changes; if one of that fails, the
// error says which, and nothing has changed. Then the loop changes over between
// two turns: an answer under way ends as it began, the next request on the same
// connection is answered from t. It returns after that. Any goroutine may call
// it; calls come one after the other.
func (l *Loop) Publish(t *routes.Table) (Outcome, error) {
	l.publisher.mu.Lock()
	defer l.publisher.mu.Unlock()
	_, out, err := l.change(t)
	return out, err
}

// change is Publish, for whoever holds the lock.
func (l *Loop) change(t *routes.Table) (*plan, Outcome, error) {
	p, err := l.prepare(t)
	if err != nil {
		p.abandon(l.kernel)
		return &plan{}, Outcome{}, err
	}
	var out Outcome
	done := make(chan bool, 1)
	if !l.mail.post(func(l *Loop) {
		ok := false
		out, ok = l.commit(p)
		done <- ok
	}) || !<-done {
		p.abandon(l.kernel)
		return &plan{}, Outcome{}, ErrStopped
	}
	l.publisher.took(p)
	for _, one := range p.again {
		what := "a unix socket that nobody could find is there again"
		if one.First {
			what = "the control socket that could not be had is there"
		}
		l.log.Info(what, "address", one.Address)
	}
	for _, err := range p.lost {
		l.log.Warn("a unix socket is lost", "error", err)
	}
	return p, out, nil
}

// took is what is true once a plan has been carried out.
func (u *publisher) took(p *plan) {
	u.bound, u.log, u.control, u.narrowed = p.bound, p.log, p.control, p.narrowed
	u.table, u.looked = p.table, p.table.Config
}

func (l *Loop) prepare(t *routes.Table) (*plan, error) {
	p := &plan{table: t, bound: make(map[string]*socket, len(l.publisher.bound)), look: t.Config != l.publisher.looked}
	l.publisher.patience = sys.Patience{}
	l.claimNarrowed(p)
	var errs []error
	for _, listener := range t.Listeners {
		for _, a := range listener.Addresses {
			s := l.serving(p, a)
			if s == nil {
				var err error
				s, err = l.boundTo(a)
				if errors.Is(err, sys.EADDRINUSE) && len(l.beside(p, a)) > 0 {
					p.overlapping = append(p.overlapping, a)
					continue
				}
				if err != nil {
					errs = p.cannotHave(errs, a, ownError(err, a, p.bound, l.publisher.bound))
					continue
				}
				s.address = a
				p.fresh = append(p.fresh, s)
			}
			p.bound[a.String()] = s
		}
	}
	l.prepareControl(p, t.Config.Control)
	p.log = t.Config.Log.Access
	if p.log != l.publisher.log {
		var err error
		if p.sink, err = openSink(p.log, l.log, &l.access.lost); err != nil {
			errs = append(errs, err)
		}
	}
	errs = append(errs, l.bindOverlapping(p)...)
	if len(errs) == 0 {
		errs = l.listenFresh(p)
	}
	if len(errs) == 0 {
		l.sortOut(p)
		p.distribute()
	}
	return p, errors.Join(errs...)
}

// prepareControl sees to it that the control socket is where the config has it.
func (l *Loop) prepareControl(p *plan, path string) {
	if l.controller == nil || path == "" {
		return
	}
	p.control = path
	a := config.Address{Unix: path}
	s := l.publisher.bound[a.String()]
	lost := s != nil && p.look && s.lost()
	if _, other := sameFile(l.publisher.bound, a); s == nil && other != nil && other.control {
		p.renamings = append(p.renamings, renaming{other, a})
		s = other
	}
	if s == nil || lost {
		said := s == nil && path == l.publisher.control
		if said && !p.look {
			return
		}
		if fresh := l.bindControl(path, said); fresh != nil {
			if s != nil || said {
				p.again = append(p.again, Rebound{fresh.key, s == nil})
			}
			p.fresh = append(p.fresh, fresh)
			s = fresh
		}
	}
	if s != nil {
		p.bound[a.String()] = s
	}
}

func (p *plan) abandon(k sys.Kernel) {
	for _, s := range p.fresh {
		s.undo(k)
	}
	for _, s := range p.claimed {
		s.claim.release()
	}
	if p.sink != nil {
		p.sink.close()
	}
}

// commit changes over to a table, between two turns. Its time goes by the number
// of listeners, and of connections that wait for it (of all of them where
// limits.per_address has changed). It cannot fail: a socket that epoll_ctl(2)
// refuses is tried again after acceptPause. ok is false when the loop is ending: it
// listens no more, and nothing has changed.
func (l *Loop) commit(p *plan) (out Outcome, ok bool) {
	if l.stopping.begun {
		return out, false
	}
	l.table = p.table
	l.configure(p.table.Config)
	l.files.forget()
	if p.sink != nil {
		l.access.change(p.sink)
	}
	for _, r := range p.renamings {
		r.socket.key, r.socket.address, r.socket.path = r.address.String(), r.address, r.address.Unix
	}
	for _, s := range p.fresh {
		l.sockets[s.fd] = s
		events := uint32(sys.In)
		if l.pausedTill != 0 {
			events = 0 // it waits with the others: see pause
		}
		l.watch(s, events)
	}
	for _, d := range p.duties {
		l.assign(d.socket, d.listener)
		l.serveInside(p, d.socket, d.listener)
	}
	for _, s := range p.narrows {
		l.narrow(s)
	}
	for _, s := range l.listening() {
		if p.bound[s.key] != s && !s.narrowed {
			l.leave(s)
		}
	}
	for _, s := range p.claimed {
		s.claim.release()
	}
	l.tableCame()
	return l.outcome(), true
}

// outcome counts the clients. Whoever asks for the reload by the control socket
// is none.
func (l *Loop) outcome() (out Outcome) {
	for _, s := range l.sockets {
		switch {
		case s.control:
		case s.narrowed:
			out.Draining += s.conns
		default:
			out.Kept += s.conns
		}
	}
	for _, g := range l.leaving {
		if !g.socket.control {
			out.Draining += g.socket.conns
		}
	}
	for _, c := range l.dead { // counted by its socket until it is reaped
		switch {
		case c.socket.control:
		case c.socket.left || c.socket.narrowed:
			out.Draining--
		default:
			out.Kept--
		}
	}
	return out
}

// assign has a socket serve a listener of the current table. A listener that
// echoes now does so on new connections only: those that speak HTTP get their
// next answer from what the socket served before, and are closed after it.
func (l *Loop) assign(s *socket, listener *routes.Listener) {
	l.narrowedNoMore(s)
	s.within = nil
	if s.echo != listener.Echo {
		// What echo has not been rid of, it does not read: its clients bound
		// themselves. With the bound, 1 MB messages have a third less throughput.
		l.kernel.LimitNotSent(s.fd, !listener.Echo)
	}
	s.echo, s.closing = listener.Echo, listener.Echo
	if !listener.Echo {
		s.table, s.listener = l.table, listener
	}
}

// configure takes over what the config says about limits and timeouts.
func (l *Loop) configure(c *config.Config) {
	l.limits.Head = c.Limits.Head
	l.lanes[laneIdle].timeout = int64(c.Timeouts.Idle)
	l.lanes[laneCommand].timeout = int64(c.Timeouts.Idle)
	l.lanes[laneHead].timeout = int64(c.Timeouts.Head)
	l.lanes[laneBody].timeout = int64(c.Timeouts.Send)
	l.lanes[laneSend].timeout = int64(c.Timeouts.Send)
	l.lanes[laneDesk].timeout = int64(c.Timeouts.Desk)
	l.access.format(c.Log.JSON)
	l.addresses.limitTo(c.Limits.PerAddress, &l.conns)
}
