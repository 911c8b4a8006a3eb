package site

import (
	"bytes"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// quietAfter is how long after its last change a file counts as finished
	// without asking who has it open: longer than any writer is waited for.
	quietAfter = 5 * time.Second
	// emptyFor is for how long a file that has lost all of its bytes in place is
	// taken for one that is about to get others: scripts truncate and then
	// compute. Long enough for those that do it by hand, too short to wonder why
	// an emptied page is still there.
	emptyFor = 300 * time.Millisecond
	// QuietUntold is how long after its last change a file that is written in
	// place counts as finished where the kernel does not tell whether somebody has
	// it open: programs that copy or upload pause for some ten milliseconds.
	QuietUntold = 300 * time.Millisecond
	// HeardAfter is how old a change is by the time that its event has come for
	// sure, or nearly so on a busy machine: until then nobody knows whether a new
	// file was written where it is or renamed there.
	HeardAfter = 10 * time.Millisecond
	// tick is the coarsest step of a file system's clock, a jiffy at 100 Hz, with
	// some more for the clock of a file server; coarseTick is for file systems
	// that count seconds (two of them on FAT).
	tick       = 20 * time.Millisecond
	coarseTick = 2100 * time.Millisecond
)

// errBusy says that somebody is writing the file at this moment.
var errBusy = errors.New("somebody is writing the file")

// Writing is what the kernel says of who has a file open for writing.
type Writing uint8

const (
	AtRest Writing = iota // nobody has, or the file system cannot tell
	Busy                  // somebody has
	// Untold: the file belongs to another user, and this process has not the
	// right to ask (CAP_LEASE).
	Untold
)

// WritingOf asks for a read lease (fcntl(2), F_SETLEASE), which the kernel gives
// only on a file that nobody has open for writing. It is given back at once: a
// writer that opens the file within that microsecond waits for it. A file system
// without leases (EINVAL) is believed to be at rest.
func WritingOf(fd int) Writing {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
	switch err {
	case nil:
		_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK) // cannot fail: we hold it
	case unix.EAGAIN:
		return Busy
	case unix.EACCES, unix.EPERM:
		return Untold
	}
	return AtRest
}

// Untold says that WritingOf is not told of the files of a root, as far as one of
// them shows: the first that there is, or else the folder.
func (t *Tree) Untold() bool {
	dir, name := t.plain.first("")
	fd, err := openRoot(t.realPath(join(dir, name)), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC)
	if t.gone || err != nil {
		return false
	}
	defer unix.Close(fd)
	return WritingOf(fd) == Untold
}

// first gives the first file of a directory, or of the first below it that has
// one, by its path from the root; no name if there is none.
func (d *Dir) first(rel string) (dir, name string) {
	if d.files.names.len() > 0 {
		return rel, d.files.names.at(0)
	}
	for i, e := range d.dirs.list {
		if dir, name = e.first(join(rel, d.dirs.names.at(i))); name != "" {
			return dir, name
		}
	}
	return "", ""
}

// modifiedBy gives the time for Last-Modified, which is never later than Date
// (RFC 9110 §8.8.2.1), and the flags that the times of a file give rise to.
func modifiedBy(now time.Time, st *unix.Stat_t) (time.Time, flags) {
	var flags flags
	modified := time.Unix(st.Mtim.Unix())
	if modified.After(now) {
		modified, flags = now, flagFuture
	}
	if modified.Unix() < 0 {
		modified = time.Unix(0, 0)
	}
	if now.Sub(time.Unix(st.Ctim.Unix())) < stepOf(st.Ctim.Nano()) {
		flags |= flagRacy
	}
	return modified, flags
}

// stepOf gives the longest time in which two changes may leave the ctime that a
// file has, in nanoseconds.
func stepOf(ctime int64) time.Duration {
	if ctime%1e9 == 0 {
		return coarseTick
	}
	return tick
}

// unchanged says whether what was read through fd since before is one version.
// The same stamp before and after is needed in any case. A writer may be in the
// middle of its work all the same, at an instant when it writes nothing, which
// the kernel knows (WritingOf). Where it does not tell us, the file must have been
// quiet for so long.
func (s *scan) unchanged(fd int, before *unix.Stat_t, force bool, quiet time.Duration) error {
	changed := time.Unix(before.Ctim.Unix())
	if m := time.Unix(before.Mtim.Unix()); m.After(changed) {
		changed = m
	}
	if !force && s.now.Sub(changed) < quietAfter {
		switch WritingOf(fd) {
		case Busy:
			return errBusy
		case Untold:
			// A write sets the ctime, which nobody can set ahead of the clock.
			if s.now.Sub(time.Unix(before.Ctim.Unix())) < quiet {
				return errBusy
			}
		}
	}
	var after unix.Stat_t
	if err := fstat(fd, &after); err != nil {
		return err
	}
	if stampOf(&after) != stampOf(before) || after.Size != before.Size {
		return errBusy
	}
	return nil
}

// quiet gives how long a file must have been at rest where the kernel does not tell
// who writes it. One that was renamed to where it is was complete by then; one
// that was written where it is need not be: it is the inode it was with other
// content, or an event told of it, or it has no content yet. Of what comes up with
// a whole folder, or at the start, we do not know; and nothing is gained by hiding
// a folder that has just been put in place.
func (s *scan) quiet(p spot, st *unix.Stat_t, prev *File) time.Duration {
	dir := s.tree.realPath(p.dir)
	_, asked := s.changes[dir][p.name]
	switch {
	case prev != nil && !prev.Forbidden() && prev.ino == st.Ino && prev.dev == uint32(st.Dev):
		if prev.mtime != st.Mtim.Nano() || prev.flags&flagRacy != 0 {
			return QuietUntold
		}
		return 0
	case asked && st.Size == 0, s.Written != nil && s.Written(dir, p.name):
		return QuietUntold
	case asked:
		return HeardAfter
	}
	return 0
}

// emptied says that all that was in a file was cut off a moment ago.
func (s *scan) emptied(st *unix.Stat_t, prev *File) bool {
	return st.Size == 0 && prev.Size() > 0 && prev.ino == st.Ino && prev.dev == uint32(st.Dev) &&
		s.now.Sub(time.Unix(st.Mtim.Unix())) < emptyFor
}

// reads says that fd still reads as body. It is asked for a file that was
// changed within the last tick, where another change need not show in the stamp.
func (s *scan) reads(fd int, body []byte) error {
	if _, err := unix.Seek(fd, 0, 0); err != nil {
		return err
	}
	if cap(s.scratch) < len(body) {
		s.scratch = make([]byte, len(body))
	}
	again := s.scratch[:len(body)]
	n, err := readFull(fd, again)
	if err == nil && !bytes.Equal(again[:n], body) {
		err = errBusy
	}
	return err
}
