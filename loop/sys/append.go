package sys

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrNoReader says that a FIFO has nobody who reads it.
var ErrNoReader = errors.New("it is a FIFO that nobody reads")

// OpenAppend opens a file to append to, and makes it where there is none. To
// open a FIFO is to wait for a reader (fifo(7)): one that nobody reads is
// ErrNoReader instead. A regular file is not asked for O_NONBLOCK, since where
// somebody has a lease on it that would be an error.
func OpenAppend(path string, mode os.FileMode) (*os.File, error) {
	flags := os.O_WRONLY | os.O_APPEND | os.O_CREATE
	info, err := os.Stat(path)
	fifo := err == nil && info.Mode().Type() == os.ModeNamedPipe
	if fifo {
		flags |= unix.O_NONBLOCK
	}
	f, err := os.OpenFile(path, flags, mode)
	if fifo && errors.Is(err, unix.ENXIO) {
		return nil, fmt.Errorf("%s: %w", path, ErrNoReader)
	}
	return f, err
}
