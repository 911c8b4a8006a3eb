package site

import (
	"errors"
	"fmt"
	"path"

	"golang.org/x/sys/unix"
)

// Place is where a body is that stays on disk.
type Place struct {
	root string // real path of the document root
	rel  string // path inside it, free of symlinks
	size int64  // bytes
}

// ErrChanged says that a file is not any more what the table says of it. The
// next table, a few milliseconds away, will know it.
var ErrChanged = errors.New("the file has changed since it was read into the table")

// Open opens the body of a File that stays on disk: a descriptor for reading
// that belongs to the caller alone, close-on-exec. The error wraps ErrChanged
// if there is another version, or none, in its place. It waits for the disk:
// not for use on the loop.
func (f *File) Open() (fd int, err error) {
	p := f.place
	if p == nil {
		return -1, errors.New("the body of this file is in memory")
	}
	root, err := openRoot(p.root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC)
	if err == nil {
		fd, err = openBelow(root, p.rel, fileFlags)
		unix.Close(root)
	}
	if err != nil {
		if gone(err) {
			return -1, fmt.Errorf("%s: %w: %w", path.Join(p.root, p.rel), ErrChanged, err)
		}
		return -1, fmt.Errorf("%s: cannot be opened: %w", path.Join(p.root, p.rel), err)
	}
	var st unix.Stat_t
	if err := fstat(fd, &st); err != nil || !f.is(&st) {
		unix.Close(fd)
		return -1, p.failed(ErrChanged)
	}
	return fd, nil
}

// failed says at which file something failed.
func (p *Place) failed(err error) error {
	return fmt.Errorf("%s: %w", path.Join(p.root, p.rel), err)
}

// Path gives where the body is, for a message; "" when it is in memory.
func (f *File) Path() string {
	if f.place == nil {
		return ""
	}
	return path.Join(f.place.root, f.place.rel)
}
