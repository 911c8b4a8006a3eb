package sys

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Backlog is how many connections the kernel holds until the loop accepts them.
// The kernel cuts it to net.core.somaxconn, 4096 since Linux 5.4.
const Backlog = 4096

// deferSeconds is how long the kernel keeps a connection to itself on which
// nothing has arrived: the shortest time that TCP_DEFER_ACCEPT knows, one try
// of the handshake. Timeouts of such a client begin that much later.
const deferSeconds = 1

// unsentLimit is how many bytes of an answer the kernel takes from us beyond
// those that are on their way to the peer. Without it the kernel takes up to
// tcp_wmem[2], 4 MiB, of each client that does not read; some hundreds of them
// use up the memory for TCP of the whole machine (tcp_mem), and then everybody
// waits for seconds: 4,000 from slowhttptest -X -w 512 -y 1024 had 2.2 GiB of
// it, and have 0.3 GiB (/proc/net/sockstat). It is no bound on the speed, since
// what is on its way does not count, and what is added is still in the cache.
const unsentLimit = 32 << 10

// localCongestion is the congestion control (tcp(7)) of addresses that only this
// machine can reach. There is no network to be gentle with, and one that paces,
// such as the BBR that some distributions have as their default, sends every
// packet by a timer: 10 MB files 1.7 ms of CPU instead of 1.0, eight downloads
// at a time 5.3 GB/s instead of 2.0. Every kernel has Reno, and lets everybody
// use it.
const localCongestion = "reno"

// BindTCP makes a socket that has an address and does not listen yet,
// non-blocking and close on exec. The zero address is all addresses, IPv6 and
// IPv4 alike, or IPv4 alone where the machine has no IPv6. Port 0 asks the
// kernel for one. The port is returned. EADDRINUSE means that somebody listens
// there: of several who only bind, the first to listen has the address.
func BindTCP(addr netip.Addr, port int) (fd, bound int, err error) {
	return openTCP(addr, port, unix.Bind)
}

// Listen has a socket of BindTCP listen. Clients come from then on.
func Listen(fd int) error { return unix.Listen(fd, Backlog) }

// BindBeside is BindTCP for an address that overlaps those of own, listening
// sockets of this process. ListenBeside has it listen.
func BindBeside(addr netip.Addr, port int, own []int) (fd, bound int, err error) {
	return openTCP(addr, port, func(fd int, name unix.Sockaddr) error {
		return share(fd, own, func() error { return unix.Bind(fd, name) })
	})
}

// ListenBeside has a socket of BindBeside listen. From then on it gets the
// clients of its address that one of own had got.
func ListenBeside(fd int, own []int) error {
	return share(fd, own, func() error { return unix.Listen(fd, Backlog) })
}

// share carries out what the kernel allows only to sockets that all share their
// port (SO_REUSEPORT), which it looks at then and not afterwards (socket(7)).
// So the flags are taken back, and another program that comes by accident
// finds the port in use. One of the same user that shares its ports too may be
// let in: the kernel notes that the port was shared until somebody binds to it
// who does not (inet_csk_update_fastreuse).
func share(fd int, own []int, what func() error) error {
	defer shares(fd, own, 0)
	if err := shares(fd, own, 1); err != nil {
		return err
	}
	return what()
}

func shares(fd int, own []int, flag int) (err error) {
	for _, one := range append([]int{fd}, own...) {
		err = errors.Join(err, unix.SetsockoptInt(one, unix.SOL_SOCKET, unix.SO_REUSEPORT, flag))
	}
	return err
}

// openTCP makes a socket and has it bound. The zero address is the wildcard that
// the machine has.
func openTCP(addr netip.Addr, port int, bind func(fd int, name unix.Sockaddr) error) (fd, bound int, err error) {
	if !addr.IsValid() {
		fd, bound, err = openTCP(netip.IPv6Unspecified(), port, bind)
		if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL) {
			fd, bound, err = openTCP(netip.IPv4Unspecified(), port, bind)
		}
		return fd, bound, err
	}
	family, name := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: port, Addr: addr.As16()})
	if addr.Is4() {
		family, name = unix.AF_INET, &unix.SockaddrInet4{Port: port, Addr: addr.As4()}
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, 0, err
	}
	if addr.Unmap().IsLoopback() {
		// Advice only: without it the same bytes take longer.
		_ = unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, localCongestion)
	}
	if err = prepareTCP(fd, name, addr == netip.IPv6Unspecified()); err == nil {
		err = bind(fd, name)
	}
	if err == nil {
		bound, err = portOf(fd)
	}
	if err != nil {
		unix.Close(fd)
	}
	return fd, bound, err
}

// prepareTCP sets what must be set before a socket is bound. both has an IPv6
// socket take IPv4 too.
func prepareTCP(fd int, name unix.Sockaddr, both bool) (err error) {
	// A restart must not wait for the TIME_WAIT of what the last run served.
	if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	// Accepted sockets inherit it, so it costs nothing per connection.
	if err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return err
	}
	// Inherited like the above.
	if err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentLimit); err != nil {
		return err
	}
	if _, six := name.(*unix.SockaddrInet6); six {
		only := 1
		if both {
			only = 0
		}
		if err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return err
		}
	}
	return nil
}

func portOf(fd int) (int, error) {
	self, err := unix.Getsockname(fd)
	switch self := self.(type) {
	case *unix.SockaddrInet4:
		return self.Port, err
	case *unix.SockaddrInet6:
		return self.Port, err
	}
	return 0, err
}
