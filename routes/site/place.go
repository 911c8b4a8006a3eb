package site

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// place is where a body is that stays on disk. A File has it in its data in the
// place of the body, the two separated by a NUL: most Files have none, and a
// field for it would make them larger.
type place struct {
	root string // real path of the document root
	rel  string // path inside it, free of symlinks
}

// place gives it; zero when the body is in memory.
func (f *File) place() (p place) {
	if f.onDisk() {
		p.root, p.rel, _ = strings.Cut(f.data[f.bodyAt:], "\x00")
	}
	return p
}

// onDisk says that the body stays on disk.
func (f *File) onDisk() bool { return f.flags&flagDisk != 0 }

// moveTo leaves the body of a File in the making to the disk.
func (f *File) moveTo(p place) {
	f.data = f.data[:f.bodyAt] + p.root + "\x00" + p.rel
	f.flags |= flagDisk
}

// sizeOnDisk gives the length of a body that stays there: it stands in the head.
func (f *File) sizeOnDisk() (n int64) {
	for _, digit := range []byte(f.data[int(f.lengthAt)+len("Content-Length: ") : f.bodyAt-4]) {
		n = 10*n + int64(digit-'0')
	}
	return n
}

// ErrChanged says that a file is not any more what the table says of it. A table to
// come will know it: in a few milliseconds, unless somebody is still writing it.
var ErrChanged = errors.New("the file has changed since it was read into the table")

// Open opens the body of a File that stays on disk: a descriptor for reading
// that belongs to the caller alone, close-on-exec. The error wraps ErrChanged
// if there is another version, or none, in its place. It waits for the disk:
// not for use on the loop.
func (f *File) Open() (fd int, err error) {
	now, fd, err := f.OpenNow()
	if err == nil && now != f {
		unix.Close(fd)
		return -1, f.place().failed(ErrChanged)
	}
	return fd, err
}

// OpenNow is Open for whoever cannot wait until a table knows the file: it opens
// what is in its place at this moment, which somebody may be writing, and
// describes that. now is f itself where f is still true of it. The error wraps
// ErrChanged if there is no such file any more.
func (f *File) OpenNow() (now *File, fd int, err error) {
	if !f.onDisk() {
		return nil, -1, errors.New("the body of this file is in memory")
	}
	fd, st, err := f.place().open()
	if err != nil || f.is(&st) {
		return f, fd, err
	}
	modified, flags := modifiedBy(time.Now(), &st)
	h := newHead(&modified, weakTag(weakSum(stampOf(&st), st.Size)), st.Size, 0)
	now = h.file()
	now.moveTo(f.place())
	now.setStamp(stampOf(&st))
	now.flags |= flags | flagTwice
	now.shared = f.shared
	return now, fd, nil
}

// Still says whether an open file of the given size, mtime and ctime is the
// version that f was made of; Open had it so.
func (f *File) Still(size, mtime, ctime int64) bool {
	return f.mtime == mtime && f.ctime == ctime && f.Size() == size
}

// open opens the regular file that is there.
func (p place) open() (fd int, st unix.Stat_t, err error) {
	root, err := openRoot(p.root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC)
	if err == nil {
		fd, err = openBelow(root, p.rel, fileFlags)
		unix.Close(root)
	}
	if err != nil {
		if gone(err) {
			return -1, st, p.failed(fmt.Errorf("%w: %w", ErrChanged, err))
		}
		return -1, st, p.failed(fmt.Errorf("cannot be opened: %w", err))
	}
	if err := fstat(fd, &st); err != nil || typeOf(st.Mode) != unix.DT_REG {
		unix.Close(fd)
		return -1, st, p.failed(fmt.Errorf("%w: %w", ErrChanged, unix.ENOENT)) // a folder, say
	}
	return fd, st, nil
}

// failed says at which file something failed.
func (p place) failed(err error) error {
	return fmt.Errorf("%s: %w", path.Join(p.root, p.rel), err)
}

// Path gives where the body is, for a message; "" when it is in memory.
func (f *File) Path() string {
	p := f.place()
	return path.Join(p.root, p.rel)
}
