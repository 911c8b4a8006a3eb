package loop

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"

	"monopoll/loop/sys"
	"monopoll/routes/config"
)

// A socket is bound when a config asks for it, and listens when there is a table
// to answer from: a port that accepts is a server that answers, and whoever
// watches over it by connecting (a load balancer, a Kubernetes probe) is not
// told so while a large root is still being read. That the port is another's is
// known at once all the same. A unix socket listens at once, since to find it
// silent is how a second server knows that the first is dead.

// bind makes the socket of an address. It is called off the loop: it may wait,
// and it may fail.
func bind(a config.Address, patience *sys.Patience) (*socket, error) {
	s := &socket{key: a.String(), path: a.Unix}
	var err error
	if a.Unix != "" {
		s.fd, err = sys.ListenUnix(a.Unix, 0o666, patience)
		if err == nil {
			s.file, _ = os.Lstat(a.Unix)
		}
	} else {
		var host netip.Addr
		if host, err = hostOf(a); err == nil {
			s.fd, s.port, err = sys.BindTCP(host, a.Port)
		}
	}
	if err != nil {
		return nil, listenError(a, err)
	}
	return s, nil
}

// listen has a socket of bind listen.
func listen(s *socket) error {
	if s.path != "" {
		return nil
	}
	if err := sys.Listen(s.fd); err != nil {
		return listenError(s.address, err)
	}
	return nil
}

// listenFresh has the sockets listen that a plan has bound. It comes when nothing
// else can fail: clients go to them from then on, and would be lost if the
// reload was refused.
func (l *Loop) listenFresh(p *plan) (errs []error) {
	for _, s := range p.fresh {
		if slices.Contains(p.beside, s) {
			if err := l.listenBeside(s, l.beside(p, s.address)); err != nil {
				errs = p.cannotHave(errs, s.address, overlapError(s.address, err))
			}
		} else if err := l.listen(s); err != nil {
			errs = p.cannotHave(errs, s.address, err)
		}
	}
	return errs
}

// cannotHave adds that an address cannot be had to errs.
func (p *plan) cannotHave(errs []error, a config.Address, err error) []error {
	return cannotHave(errs, p.table.Config, a, err)
}

// cannotHave adds that an address cannot be had to errs, with its place in the config.
// That there are no descriptors left is said once, not for each of a hundred ports.
func cannotHave(errs []error, c *config.Config, a config.Address, err error) []error {
	if errors.Is(err, sys.EMFILE) && slices.ContainsFunc(errs, func(e error) bool { return errors.Is(e, sys.EMFILE) }) {
		return errs
	}
	if a.Line > 0 {
		m := config.NewMistake(c, a.Pos, "", err.Error())
		m.Cause = err
		err = m
	}
	return append(errs, err)
}

func listenError(a config.Address, err error) error {
	return fmt.Errorf("cannot listen on %s: %w%s", a, err, remedy(err))
}

// remedy says what a person can do about a failure to listen.
func remedy(err error) string {
	switch {
	case errors.Is(err, sys.EADDRINUSE):
		return "; another program, or another monopoll, has it: stop that one, or choose another port"
	case errors.Is(err, fs.ErrPermission):
		return "; ports below 1024 need root or CAP_NET_BIND_SERVICE, a unix socket needs a folder that can be written to"
	case errors.Is(err, sys.EMFILE):
		return "; this process may have no more descriptors: raise its limit (ulimit -n, or LimitNOFILE= in a systemd unit), or listen on fewer ports"
	case errors.Is(err, sys.EADDRNOTAVAIL):
		return "; no network interface of this machine has that address"
	}
	return ""
}

// unlink removes the file of a unix socket, unless another has taken its place.
func (s *socket) unlink() {
	if s.path == "" {
		return
	}
	if now, err := os.Lstat(s.path); err == nil && s.file != nil && os.SameFile(now, s.file) {
		os.Remove(s.path)
	}
}

// bindBeside binds an address that overlaps those of own, which are sockets of
// this process. It does not listen yet: see listenBeside.
func bindBeside(a config.Address, own []int) (*socket, error) {
	host, err := hostOf(a)
	if err != nil {
		return nil, err
	}
	s := &socket{key: a.String()}
	s.fd, s.port, err = sys.BindBeside(host, a.Port, own)
	return s, err
}

func listenBeside(s *socket, own []int) error { return sys.ListenBeside(s.fd, own) }

// hostOf gives the zero address for all addresses.
func hostOf(a config.Address) (host netip.Addr, err error) {
	if a.Host != "" {
		host, err = netip.ParseAddr(a.Host)
	}
	return host, err
}
