package loop

import (
	"errors"
	"sync"

	"monopoll/loop/sys"
	"monopoll/routes/config"
)

// readySockets are bound and wait for the first table. They have a lock of their
// own, and each is here as soon as it is made: when the loop ends, none is left
// behind, whatever the goroutine that makes them waits for.
type readySockets struct {
	mu   sync.Mutex
	all  map[string]*socket // by address
	over bool               // the loop has ended
}

// add keeps a socket; false: there is nobody any more to keep it for.
func (r *readySockets) add(s *socket) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return false
	}
	if r.all == nil {
		r.all = make(map[string]*socket)
	}
	r.all[s.key] = s
	return true
}

// take gives the socket of an address to the caller, who closes it; nil: there is
// none.
func (r *readySockets) take(key string) *socket {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.all[key]
	delete(r.all, key)
	return s
}

// end closes what was never given to a table, and takes no more.
func (r *readySockets) end(k sys.Kernel) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.all {
		s.undo(k)
	}
	r.all, r.over = nil, true
}

// undo closes a socket that nobody knows yet.
func (s *socket) undo(k sys.Kernel) {
	k.Close(s.fd)
	s.unlink()
}

// Bind makes the sockets of a config before there is a table, so that what needs
// a privilege can be done before it is given up, and what is in use is known
// before a large root is read. Publish uses them, and has them listen. If one
// cannot be had, none is kept; ErrStopped says that the loop has ended meanwhile.
func (l *Loop) Bind(c *config.Config) error {
	l.publisher.mu.Lock()
	defer l.publisher.mu.Unlock()
	l.publisher.patience = sys.Patience{}
	var errs []error
	made := make(map[string]*socket)
	for _, listener := range c.Listeners {
		for _, a := range listener.Addresses {
			s, err := l.bind(a)
			if err != nil {
				errs = cannotHave(errs, c, a, ownError(err, a, made))
				continue
			}
			s.address = a
			if made[s.key] = s; !l.publisher.ready.add(s) {
				s.undo(l.kernel)
				return ErrStopped
			}
		}
	}
	if len(errs) > 0 {
		for key := range made {
			if s := l.publisher.ready.take(key); s != nil {
				s.undo(l.kernel)
			}
		}
	}
	return errors.Join(errs...)
}

// boundTo gives a socket that is bound to an address and known to nobody yet.
func (l *Loop) boundTo(a config.Address) (*socket, error) {
	if s := l.publisher.ready.take(a.String()); s != nil {
		return s, nil
	}
	return l.bind(a)
}
