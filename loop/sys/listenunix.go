package sys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// ListenUnix makes a listening unix socket at path with the given permissions.
// A socket that a dead process left there is replaced, in one step, so that no
// client ever finds nothing; one that somebody still answers on, or a file of
// another kind, is an error. Of several that want the path at the same time one
// has it; they wait for each other with patience.
func ListenUnix(path string, mode os.FileMode, patience *Patience) (fd int, err error) {
	defer patience.lockFolder(filepath.Dir(path))()
	if err := replaceable(path); err != nil {
		return -1, err
	}
	fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	fresh, err := bindBesidePath(fd, path)
	if err == nil {
		if err = putAt(fd, fresh, path, mode); err != nil {
			os.Remove(fresh)
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// freshEnds are what may be added to a path for the name that its socket is made
// by: one byte, because a path ends at 107.
const freshEnds = "~0123456789abcdefghijklmnopqrstuvwxyz"

// bindBesidePath binds a socket to a name in the folder of path. The kernel takes
// no name that is there, so what has one of these names, a user's file or a
// socket in the making, is not touched.
func bindBesidePath(fd int, path string) (fresh string, err error) {
	for _, end := range freshEnds {
		fresh = path + string(end)
		if err = unix.Bind(fd, &unix.SockaddrUnix{Name: fresh}); err != unix.EADDRINUSE {
			return fresh, err
		}
	}
	return "", fmt.Errorf("there are files of all the names %s~, %s0 to %sz, and a new socket needs one: remove those that nobody needs: %w", path, path, path, unix.EEXIST)
}

func putAt(fd int, fresh, path string, mode os.FileMode) error {
	if err := os.Chmod(fresh, mode); err != nil {
		return err
	}
	if err := unix.Listen(fd, Backlog); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

// replaceable says whether a new socket may take the place of what is at path.
func replaceable(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("a file that is not a socket is in the way: %w", unix.EEXIST)
	}
	probe, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(probe)
	err = unix.Connect(probe, &unix.SockaddrUnix{Name: path})
	if err == nil || errors.Is(err, unix.EAGAIN) {
		return unix.EADDRINUSE
	}
	return nil
}

// Patience is how long the sockets that are made together may wait for others of
// this program that make some in the same folders. It is one for all: whoever keeps
// a lock on a folder, which may be another program's for good, holds a server with
// a hundred sockets there no longer than one with a single one.
type Patience struct {
	naps int // taken so far
}

const (
	napsMost = 100 // half a second in all; others hold a lock for a millisecond
	nap      = 5 * time.Millisecond
)

// lockFolder keeps others of this program from making sockets in a folder until
// it is unlocked (flock(2)): between the look whether a socket is dead and its
// replacement, somebody else may have replaced it. Where there is no lock to be
// had, it goes without.
func (p *Patience) lockFolder(dir string) (unlock func()) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return func() {}
	}
	for unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == unix.EWOULDBLOCK && p.naps < napsMost {
		p.naps++
		time.Sleep(nap)
	}
	return func() { unix.Close(fd) }
}
