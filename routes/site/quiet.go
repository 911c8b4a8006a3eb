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
	// tick is the coarsest step of a file system's clock, a jiffy at 100 Hz, with
	// some more for the clock of a file server; coarseTick is for file systems
	// that count seconds (two of them on FAT).
	tick       = 20 * time.Millisecond
	coarseTick = 2100 * time.Millisecond
)

// errBusy says that somebody is writing the file at this moment.
var errBusy = errors.New("somebody is writing the file")

// modified gives the time for Last-Modified, which is never later than Date
// (RFC 9110 §8.8.2.1), and the flags that the times of a file give rise to.
func (s *scan) modified(st *unix.Stat_t) (time.Time, flags) {
	var flags flags
	modified := time.Unix(st.Mtim.Unix())
	if modified.After(s.now) {
		modified, flags = s.now, flagFuture
	}
	if modified.Unix() < 0 {
		modified = time.Unix(0, 0)
	}
	if s.now.Sub(time.Unix(st.Ctim.Unix())) < stepOf(st.Ctim.Nano()) {
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
// middle of its work all the same, at an instant when it writes nothing: the
// kernel gives a read lease (fcntl(2), F_SETLEASE) only on a file that nobody
// has open for writing. It is given back at once: a writer that opens the file
// within that microsecond waits for it. Files of others (EACCES) and file
// systems without leases (EINVAL) are judged by their stamp alone.
func (s *scan) unchanged(fd int, before *unix.Stat_t, force bool) error {
	changed := time.Unix(before.Ctim.Unix())
	if m := time.Unix(before.Mtim.Unix()); m.After(changed) {
		changed = m
	}
	if !force && s.now.Sub(changed) < quietAfter {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
		if err == unix.EAGAIN {
			return errBusy
		}
		if err == nil {
			_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK) // cannot fail: we hold it
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
