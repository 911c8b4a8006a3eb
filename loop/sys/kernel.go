package sys

import "golang.org/x/sys/unix"

// Errno is an error number of the kernel (errno(3)); 0 is success.
type Errno = unix.Errno

// The error numbers that the loop tells apart.
const (
	EADDRINUSE    = unix.EADDRINUSE
	EADDRNOTAVAIL = unix.EADDRNOTAVAIL
	EAGAIN        = unix.EAGAIN
	EIO           = unix.EIO
	EMFILE        = unix.EMFILE
	ENFILE        = unix.ENFILE
	ENOBUFS       = unix.ENOBUFS
	ENOMEM        = unix.ENOMEM
	EPERM         = unix.EPERM
	EINVAL        = unix.EINVAL
	ENOSYS        = unix.ENOSYS
)

// OfConnection says that accept(2) failed because of the connection that it
// took from the queue, not because of the socket: the next may be as good as
// any. Its manual page names these for TCP, and EPERM for a firewall.
func OfConnection(errno Errno) bool {
	switch errno {
	case unix.ECONNABORTED, unix.EPROTO, unix.ENETDOWN, unix.ENOPROTOOPT, unix.EHOSTDOWN, unix.ENONET,
		unix.EHOSTUNREACH, unix.EOPNOTSUPP, unix.ENETUNREACH, unix.EPERM:
		return true
	}
	return false
}

// The conditions of epoll_ctl(2). Err and Hup are reported whether they are
// asked for or not.
const (
	In  = unix.EPOLLIN
	Out = unix.EPOLLOUT
	Err = unix.EPOLLERR
	Hup = unix.EPOLLHUP
)

// Event is what epoll_wait(2) tells of one descriptor. Tag is the value given
// to EpollAdd: a number, never a Go pointer, which the collector could not see.
type Event struct {
	Events uint32
	Tag    uint64
}

// Kernel is every system call of the loop. No method allocates, and none
// returns EINTR.
type Kernel interface {
	// EpollCreate makes an epoll instance (epoll_create1(2), close on exec).
	EpollCreate() (fd int, errno Errno)
	// EpollAdd, EpollMod and EpollDel change what an instance reports of fd,
	// level-triggered (epoll_ctl(2)).
	EpollAdd(epfd, fd int, events uint32, tag uint64) Errno
	EpollMod(epfd, fd int, events uint32, tag uint64) Errno
	EpollDel(epfd, fd int) Errno
	// EpollWait fills events and gives their number. It waits for timeout
	// milliseconds: 0 not at all, -1 without end; up to ShortWait without telling
	// the scheduler (epoll_wait(2)).
	EpollWait(epfd int, events []Event, timeout int) (int, Errno)

	// Eventfd makes a counter that other threads add to in order to wake the
	// loop; Wake adds to it and Drain takes it back to 0 (eventfd(2)).
	Eventfd() (fd int, errno Errno)
	Wake(fd int) Errno
	Drain(fd int) Errno

	// Accept takes a connection from a listening socket, non-blocking and close
	// on exec, and fills in who it is (accept4(2)).
	Accept(fd int, peer *Peer) (int, Errno)
	// Read gives 0 at the end of what the peer sends (read(2)).
	Read(fd int, p []byte) (int, Errno)
	Write(fd int, p []byte) (int, Errno)
	// WriteMore is Write where more follows at once, or the end (ShutdownWrite,
	// Close), so that the kernel may wait with a packet that is not full and
	// send both in one (MSG_MORE of send(2)).
	WriteMore(fd int, p []byte) (int, Errno)
	// Writev sends several pieces in order, at most MaxPieces of them; pieces
	// must not be empty (writev(2)).
	Writev(fd int, pieces [][]byte) (int, Errno)
	// Sendfile moves up to n bytes of file, from offset on, to fd. 0 means that
	// the file is shorter than that (sendfile(2)).
	Sendfile(fd, file int, offset int64, n int) (int, Errno)
	// Cached says whether all of those bytes of file are in memory, so that
	// sending them cannot wait for a disk. ENOSYS: there is no telling, because of
	// the kernel or the filesystem; true beside it: as far as it tells, they
	// are there or on their way (see Local).
	Cached(file int, offset int64, n int) (bool, Errno)
	// Fstat gives what tells one version of an open file from another: its size
	// in bytes, and the times of its last change, of content and of inode, in
	// nanoseconds since 1970 (fstat(2)). A file server may be asked for it, so it is
	// for files only of which Cached could tell; for others there is FstatWaiting.
	Fstat(file int) (size, mtime, ctime int64, errno Errno)
	// DeferAccept has a listening socket of TCP give a connection only when
	// something has arrived on it, or after a second (TCP_DEFER_ACCEPT of tcp(7)).
	DeferAccept(fd int, on bool)
	// LimitNotSent says whether the kernel takes little more of what is written to
	// the sockets that fd will accept than is on its way to their peers, or a
	// send buffer full (TCP_NOTSENT_LOWAT of tcp(7)). BindTCP has it bounded.
	LimitNotSent(fd int, bound bool)
	// Unacked is how many bytes written to fd its peer has not confirmed
	// (SIOCOUTQ of tcp(7)).
	Unacked(fd int) (int, Errno)
	// ShutdownWrite says to the peer that nothing more comes (shutdown(2)).
	ShutdownWrite(fd int) Errno
	// ResetOnClose has the Close of fd send a reset and drop what the peer has not
	// confirmed, which the kernel would otherwise keep, and try to send, for
	// minutes (SO_LINGER of socket(7), with a time of 0).
	ResetOnClose(fd int) Errno
	// Close gives the descriptor back. It is gone even if the result is not 0
	// (close(2)).
	Close(fd int) Errno
	// OpenSpare opens a descriptor that means nothing, to be closed when there
	// are none left: the one to turn a client away with.
	OpenSpare() (fd int, errno Errno)

	// Now gives the time in nanoseconds: on a clock that never jumps, for
	// timeouts, and since 1970, for Date.
	Now() (mono, wall int64)
}

// ShortWait is up to how many milliseconds a wait is not announced to Go's
// scheduler. An announced wait of more than 20 µs costs a busy server dearly:
// the monitor thread takes the processor away, for that it wakes up fifty
// thousand times a second, and the loop has to ask for a processor again when
// it wakes. Measured with one CPU and a connection a request: 29 µs a request
// with every wait announced, 22 µs with the short ones not. Longer than this
// would make a garbage collection, which has to interrupt the wait by a signal,
// the usual way for it to end.
const ShortWait = 5

// MaxPieces is the most that Writev takes: a sixteenth of IOV_MAX, and enough
// that a further piece would not fit into a socket's buffer anyway.
const MaxPieces = 64
