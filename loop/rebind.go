package loop

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"monopoll/loop/sys"
	"monopoll/routes/config"
)

// The name of a unix socket is a file, and can be lost while the socket listens:
// somebody tidies up, or a folder is made anew. A reload by an edit of the config,
// or one that somebody asks for, looks for that, and binds the address again; the
// old socket is left like one that was removed. And one file can have several
// names, where a folder is a symlink: the socket is the same then.

// lost says that the file of a unix socket is gone, or is another's. While the
// socket is open, no other file has its inode.
func (s *socket) lost() bool {
	if s.path == "" || s.file == nil {
		return false
	}
	now, err := os.Lstat(s.path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, s.file)
}

// serving finds the socket that serves an address already; nil: there is none. One
// that cannot be found any more is bound anew, if the plan looks for that. What is
// found by another name of its file is not lost, whatever became of the old name.
func (l *Loop) serving(p *plan, a config.Address) *socket {
	s := l.running(p, a.String())
	if s == nil {
		return l.renamed(p, a)
	}
	if p.look && s.lost() {
		return l.rebound(p, a, s)
	}
	return s
}

// rebound gives a new socket for one that was lost, and the old one where there is
// none to be had: nothing is worse then. It is nil where the table has the old one
// by another name.
func (l *Loop) rebound(p *plan, a config.Address, old *socket) *socket {
	s, err := l.bind(a)
	if err != nil && p.renames(old) {
		return nil
	}
	if err != nil {
		p.lost = append(p.lost, fmt.Errorf("its file is gone, so nobody finds it, and it cannot be made anew: %w", err))
		return old
	}
	s.address = a
	p.fresh = append(p.fresh, s)
	p.again = append(p.again, Rebound{Address: s.key})
	return s
}

// Rebound is a unix socket that clients find since Rebind, and did not before.
type Rebound struct {
	Address string // as the config has it
	First   bool   // it could never be had before, as may be with the control socket
}

// Rebind looks whether the unix sockets can still be found, and binds those anew
// that cannot: it gives them, and why others are lost for now. A control socket
// that could not be had is tried again. The log has it all too. Any goroutine may
// call it.
func (l *Loop) Rebind() (again []Rebound, err error) {
	l.publisher.mu.Lock()
	defer l.publisher.mu.Unlock()
	u := &l.publisher
	if u.table == nil || !l.goesOn() || !l.anyLost() {
		return nil, nil
	}
	u.looked = nil
	p, _, err := l.change(u.table)
	if err != nil && !errors.Is(err, ErrStopped) {
		l.log.Warn("unix sockets that nobody finds are not bound anew", "error", err)
	}
	return p.again, errors.Join(append(p.lost, err)...)
}

// goesOn says that the loop is not ending: then the sockets are gone because they
// are to be.
func (l *Loop) goesOn() bool {
	ok := make(chan bool, 1)
	return l.mail.post(func(l *Loop) { ok <- !l.stopping.begun }) && <-ok
}

func (l *Loop) anyLost() bool {
	u := &l.publisher
	for _, s := range u.bound {
		if s.lost() {
			return true
		}
	}
	return l.controller != nil && u.control != "" && u.bound[config.Address{Unix: u.control}.String()] == nil
}

// renaming is a unix socket that a table knows by another path to the same file.
type renaming struct {
	socket  *socket
	address config.Address
}

// renamed finds the socket that serves a unix address under another name, which
// the table has no more, or by which it is lost. Of several new names for one socket
// the first has it.
func (l *Loop) renamed(p *plan, a config.Address) *socket {
	_, s := sameFile(l.publisher.bound, a)
	if s == nil || s.control || p.renames(s) || p.bound[s.key] == s || p.names(s.key) && !(p.look && s.lost()) {
		return nil
	}
	p.renamings = append(p.renamings, renaming{s, a})
	return s
}

func (p *plan) renames(s *socket) bool {
	return slices.ContainsFunc(p.renamings, func(r renaming) bool { return r.socket == s })
}

func (p *plan) names(key string) bool {
	for _, listener := range p.table.Listeners {
		for _, a := range listener.Addresses {
			if a.String() == key {
				return true
			}
		}
	}
	return false
}

// sameFile finds the socket that has the file of a unix address, and the address
// by which all knows it.
func sameFile(all map[string]*socket, a config.Address) (key string, s *socket) {
	if a.Unix == "" {
		return "", nil
	}
	info, err := os.Lstat(a.Unix)
	if err != nil {
		return "", nil
	}
	for key, s := range all {
		if s.file != nil && os.SameFile(info, s.file) {
			return key, s
		}
	}
	return "", nil
}

// ownError says so where it is not another program that has a unix address.
func ownError(err error, a config.Address, all ...map[string]*socket) error {
	if !errors.Is(err, sys.EADDRINUSE) {
		return err
	}
	for _, some := range all {
		if key, s := sameFile(some, a); s != nil {
			return fmt.Errorf("cannot listen on %s: it is the same file as %s, which this server has; name it once: %w", a, key, sys.EADDRINUSE)
		}
	}
	return err
}
