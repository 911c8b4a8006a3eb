package site

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// Everything below a root is opened one name at a time, relative to the
// descriptor of its directory, and no symlink is ever followed by the kernel.
// A single name without a slash cannot lead out of its directory, whatever
// somebody renames meanwhile: the guarantee of os.Root, without an os.File and
// an epoll registration for each of a hundred thousand files.
const (
	dirFlags  = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	pathFlags = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	// O_NONBLOCK: the name may be a FIFO by now, which must not hold us.
	fileFlags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
)

// openAt opens a single name in the directory at.
func openAt(at int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(at, name, flags, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// openRoot opens a root by its real path.
func openRoot(real string, flags int) (int, error) {
	return openAt(unix.AT_FDCWD, real, flags)
}

// openBelow opens the directory rel ("" for the root itself) below root.
func openBelow(root int, rel string, flags int) (int, error) {
	if rel == "" {
		return openAt(root, ".", flags)
	}
	at := root
	for more := true; more; {
		var name string
		name, rel, more = strings.Cut(rel, "/")
		step := pathFlags
		if !more {
			step = flags
		}
		fd, err := openAt(at, name, step)
		if at != root {
			unix.Close(at)
		}
		if err != nil {
			return -1, err
		}
		at = fd
	}
	return at, nil
}

func statAt(at int, name string, st *unix.Stat_t) error {
	return statBy(at, name, unix.AT_SYMLINK_NOFOLLOW, st)
}

func statBy(at int, path string, flags int, st *unix.Stat_t) error {
	for {
		if err := unix.Fstatat(at, path, st, flags); err != unix.EINTR {
			return err
		}
	}
}

func fstat(fd int, st *unix.Stat_t) error {
	for {
		if err := unix.Fstat(fd, st); err != unix.EINTR {
			return err
		}
	}
}

// readFull fills b from the start of a file and says how much it got; less
// than b means that the file is shorter.
func readFull(fd int, b []byte) (n int, err error) {
	for n < len(b) {
		m, err := unix.Read(fd, b[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return n, err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return n, nil
}

// readLink gives the target of the symlink name in at.
func readLink(at int, name string) (string, error) {
	for size := 256; ; size *= 2 {
		b := make([]byte, size)
		n, err := unix.Readlinkat(at, name, b)
		if err == unix.EINTR {
			continue
		}
		if err == unix.EINVAL { // no symlink any more
			err = unix.ENOENT
		}
		if err != nil {
			return "", err
		}
		if n < size {
			return string(b[:n]), nil
		}
	}
}

// gone says that a name is not there, or not what it was a moment ago.
func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO)
}

// starved says that we, not the file, are the reason: nothing that is seen in
// this state may be taken for the truth.
func starved(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM)
}

// denied says that it is the file: no permission, an I/O error and the like.
func denied(err error) bool {
	var errno unix.Errno
	return errors.As(err, &errno) && !gone(err) && !starved(err)
}
