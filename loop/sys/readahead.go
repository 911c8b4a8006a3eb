package sys

import (
	"errors"

	"golang.org/x/sys/unix"
)

// ReadAhead brings length bytes of file, from offset at, into memory, and asks
// the kernel to fetch as much again after them. It waits for the disk, so it is
// for goroutines other than the loop's. A file that ends early is no error.
func ReadAhead(file int, at, length int64) error {
	// Advice only: it is not an error that a filesystem cannot follow it.
	unix.Fadvise(file, at, 2*length, unix.FADV_WILLNEED)
	buf := make([]byte, 64<<10)
	for length > 0 {
		n, err := unix.Pread(file, buf[:min(length, int64(len(buf)))], at)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		at += int64(n)
		length -= int64(n)
	}
	return nil
}

// FstatWaiting is Kernel.Fstat for whoever may wait.
func FstatWaiting(file int) (size, mtime, ctime int64, err error) {
	var st unix.Stat_t
	for {
		if err = unix.Fstat(file, &st); err != unix.EINTR {
			return st.Size, st.Mtim.Nano(), st.Ctim.Nano(), err
		}
	}
}

// CloseFile is Kernel.Close for whoever may wait: a filesystem that hangs holds
// who closes one of its files, and would hold a processor of Go's scheduler with
// him if that were not told (see syscall.RawSyscall).
func CloseFile(file int) { _ = unix.Close(file) }
