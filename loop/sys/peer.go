package sys

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Peer is who is at the other end of a connection: an IP address, IPv4 in its
// IPv6 form, and a port. It is zero for a unix socket. 18 bytes, because every
// idle connection keeps one.
type Peer struct {
	ip   [16]byte
	port uint16
}

func (p *Peer) set(name *unix.RawSockaddrAny) {
	switch name.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		p.ip = [16]byte{10: 0xff, 11: 0xff}
		copy(p.ip[12:], in.Addr[:])
		p.port = in.Port<<8 | in.Port>>8
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(name))
		p.ip = in.Addr
		p.port = in.Port<<8 | in.Port>>8
	default:
		*p = Peer{}
	}
}

// PeerFrom makes a Peer of an address and a port.
func PeerFrom(a netip.AddrPort) Peer { return Peer{a.Addr().As16(), a.Port()} }

// Addr is the IP address, IPv4 as such; invalid for a unix socket.
func (p *Peer) Addr() netip.Addr {
	if *p == (Peer{}) {
		return netip.Addr{}
	}
	return netip.AddrFrom16(p.ip).Unmap()
}

// Network is what one customer of an access provider is given: the IPv4 address,
// or the first 64 bits of an IPv6 address.
func (p *Peer) Network() [16]byte {
	n := p.ip
	if a := p.Addr(); a.Is6() {
		clear(n[8:])
	}
	return n
}

// AppendText appends the address without its port, "unix:" for a unix socket.
func (p *Peer) AppendText(dst []byte) []byte {
	a := p.Addr()
	if !a.IsValid() {
		return append(dst, "unix:"...)
	}
	return a.AppendTo(dst)
}

// Port is the port; 0 for a unix socket.
func (p *Peer) Port() uint16 { return p.port }
