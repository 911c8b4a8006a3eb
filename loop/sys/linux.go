package sys

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Linux is the kernel of this machine. It keeps the scratch that calls need, so
// each loop has its own.
type Linux struct {
	iov  [MaxPieces]unix.Iovec
	name unix.RawSockaddrAny
	ev   [MaxEvents]unix.EpollEvent
}

// MaxEvents bounds what one EpollWait reports. At 512 the events of a busy turn
// fill 6 KiB, which stays in the first-level cache; more would only lengthen a
// turn and with it the time until the next request of the first client.
const MaxEvents = 512

var start = time.Now()

func (*Linux) Now() (mono, wall int64) {
	now := time.Now()
	return int64(now.Sub(start)), now.UnixNano()
}

func (*Linux) EpollCreate() (int, Errno) { return result(unix.EpollCreate1(unix.EPOLL_CLOEXEC)) }

func (k *Linux) EpollAdd(epfd, fd int, events uint32, tag uint64) Errno {
	return k.ctl(unix.EPOLL_CTL_ADD, epfd, fd, events, tag)
}

func (k *Linux) EpollMod(epfd, fd int, events uint32, tag uint64) Errno {
	return k.ctl(unix.EPOLL_CTL_MOD, epfd, fd, events, tag)
}

func (k *Linux) EpollDel(epfd, fd int) Errno {
	return k.ctl(unix.EPOLL_CTL_DEL, epfd, fd, 0, 0)
}

func (*Linux) ctl(op, epfd, fd int, events uint32, tag uint64) Errno {
	ev := unix.EpollEvent{Events: events, Fd: int32(uint32(tag)), Pad: int32(uint32(tag >> 32))}
	_, _, e := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epfd), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	return e
}

func (k *Linux) EpollWait(epfd int, events []Event, timeout int) (int, Errno) {
	room := min(len(events), MaxEvents)
	var n uintptr
	var e Errno
	if timeout >= 0 && timeout <= ShortWait {
		n, _, e = unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epfd), uintptr(unsafe.Pointer(&k.ev)), uintptr(room), uintptr(timeout), 0, 0)
	} else {
		n, _, e = unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(epfd), uintptr(unsafe.Pointer(&k.ev)), uintptr(room), uintptr(timeout), 0, 0)
	}
	if e == unix.EINTR {
		return 0, 0 // a turn without events: the caller asks its clock and waits again
	}
	if e != 0 {
		return 0, e
	}
	for i, ev := range k.ev[:n] {
		events[i] = Event{Events: ev.Events, Tag: uint64(uint32(ev.Fd)) | uint64(uint32(ev.Pad))<<32}
	}
	return int(n), 0
}

func (*Linux) Eventfd() (int, Errno) {
	return result(unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK))
}

func (*Linux) Wake(fd int) Errno {
	one := uint64(1)
	_, _, e := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&one)), 8)
	return e
}

func (*Linux) Drain(fd int) Errno {
	var count uint64
	_, _, e := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&count)), 8)
	return e
}

func (k *Linux) Accept(fd int, peer *Peer) (int, Errno) {
	for {
		size := uint32(unsafe.Sizeof(k.name))
		n, _, e := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&k.name)),
			uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return -1, e
		}
		peer.set(&k.name)
		return int(n), 0
	}
}

func (*Linux) Read(fd int, p []byte) (int, Errno) {
	return retryEINTR(unix.SYS_READ, fd, unsafe.Pointer(unsafe.SliceData(p)), len(p))
}

func (*Linux) Write(fd int, p []byte) (int, Errno) {
	return retryEINTR(unix.SYS_WRITE, fd, unsafe.Pointer(unsafe.SliceData(p)), len(p))
}

func (*Linux) WriteMore(fd int, p []byte) (int, Errno) {
	for {
		r, _, e := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_MORE|unix.MSG_NOSIGNAL, 0, 0)
		if e == 0 {
			return int(r), 0
		}
		if e != unix.EINTR {
			return 0, e
		}
	}
}

func (k *Linux) Writev(fd int, pieces [][]byte) (int, Errno) {
	for i, p := range pieces {
		k.iov[i].Base = unsafe.SliceData(p)
		k.iov[i].SetLen(len(p))
	}
	n, e := retryEINTR(unix.SYS_WRITEV, fd, unsafe.Pointer(&k.iov), len(pieces))
	for i := range pieces {
		k.iov[i].Base = nil // a body must not stay alive because it was sent once
	}
	return n, e
}

// retryEINTR makes a call of three arguments that cannot block, until no signal
// interrupts it.
func retryEINTR(call uintptr, fd int, p unsafe.Pointer, n int) (int, Errno) {
	for {
		r, _, e := unix.RawSyscall(call, uintptr(fd), uintptr(p), uintptr(n))
		if e == 0 {
			return int(r), 0
		}
		if e != unix.EINTR {
			return 0, e
		}
	}
}

func (*Linux) Sendfile(fd, file int, offset int64, n int) (int, Errno) {
	for {
		r, _, e := unix.RawSyscall6(unix.SYS_SENDFILE, uintptr(fd), uintptr(file), uintptr(unsafe.Pointer(&offset)), uintptr(n), 0, 0)
		if e == 0 {
			return int(r), 0
		}
		if e != unix.EINTR {
			return 0, e
		}
	}
}

func (*Linux) Fstat(file int) (size, mtime, ctime int64, errno Errno) {
	var st unix.Stat_t
	_, _, errno = unix.RawSyscall(unix.SYS_FSTAT, uintptr(file), uintptr(unsafe.Pointer(&st)), 0)
	return st.Size, st.Mtim.Nano(), st.Ctim.Nano(), errno
}

func (*Linux) DeferAccept(fd int, on bool) {
	n := 0
	if on {
		n = deferSeconds
	}
	// A socket that is not of TCP has no such thing.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, n)
}

func (*Linux) LimitNotSent(fd int, bound bool) {
	n := 0 // as net.ipv4.tcp_notsent_lowat says
	if bound {
		n = unsentLimit
	}
	// A socket that is not of TCP has no such thing.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, n)
}

func (*Linux) Unacked(fd int) (int, Errno) {
	n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	_, errno := result(0, err)
	return n, errno
}

func (*Linux) ShutdownWrite(fd int) Errno {
	_, _, e := unix.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0)
	return e
}

func (*Linux) ResetOnClose(fd int) Errno {
	_, errno := result(0, unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
	return errno
}

func (*Linux) Close(fd int) Errno {
	_, _, e := unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
	return e
}

func (*Linux) OpenSpare() (int, Errno) {
	return result(unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0))
}

func result(fd int, err error) (int, Errno) {
	if err == nil {
		return fd, 0
	}
	if e, ok := err.(Errno); ok {
		return -1, e
	}
	return -1, EINVAL
}
