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
