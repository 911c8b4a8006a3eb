package loop

import (
	"testing"

	"monopoll/loop/sys"
)

// scarce is a kernel that has no more of something, and counts what is open.
type scarce struct {
	sys.Linux
	noEventfd, noEpollAdd bool
	open                  map[int]bool
}

func (k *scarce) EpollCreate() (int, sys.Errno) {
	fd, errno := k.Linux.EpollCreate()
	k.open[fd] = true
	return fd, errno
}

func (k *scarce) Eventfd() (int, sys.Errno) {
	if k.noEventfd {
		return -1, sys.EMFILE
	}
	fd, errno := k.Linux.Eventfd()
	k.open[fd] = true
	return fd, errno
}

func (k *scarce) EpollAdd(epfd, fd int, events uint32, tag uint64) sys.Errno {
	if k.noEpollAdd {
		return sys.ENOMEM
	}
	return k.Linux.EpollAdd(epfd, fd, events, tag)
}

func (k *scarce) Close(fd int) sys.Errno {
	delete(k.open, fd)
	return k.Linux.Close(fd)
}

// A loop that cannot be made leaves nothing open.
func TestNewThatFails(t *testing.T) {
	for _, k := range []*scarce{{noEventfd: true}, {noEpollAdd: true}} {
		k.open = map[int]bool{}
		if _, err := New(Options{Kernel: k}); err == nil || len(k.open) > 0 {
			t.Errorf("%v; left open: %v", err, k.open)
		}
	}
}
