package sys

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Where there is no network, nothing is paced; elsewhere it is as the machine
// has it.
func TestCongestion(t *testing.T) {
	usual := func() string {
		text, err := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	for _, c := range []struct{ address, want string }{
		{"127.0.0.1", localCongestion}, {"127.1.2.3", localCongestion}, {"::1", localCongestion}, {"0.0.0.0", usual()},
	} {
		fd, _, err := BindTCP(netip.MustParseAddr(c.address), 0)
		if errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.EAFNOSUPPORT) {
			continue // a machine without IPv6
		}
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if got, err := unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION); err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.address, got, err, c.want)
		}
	}
}

// A client that does not read is given a bounded part of what there is for it,
// however large the buffers are that the kernel has.
func TestUnsentIsBounded(t *testing.T) {
	listener, port, err := BindTCP(netip.MustParseAddr("127.0.0.1"), 0)
	if err == nil {
		err = Listen(listener)
	}
	if err != nil {
		t.Fatal(err)
	}
	k := new(Linux)
	defer k.Close(listener)
	client, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.(*net.TCPConn).SetReadBuffer(4096)
	fmt.Fprint(client, "x") // without a byte it would be accepted later
	fd := -1
	for errno := EAGAIN; errno == EAGAIN; {
		var peer Peer
		if fd, errno = k.Accept(listener, &peer); errno != 0 && errno != EAGAIN {
			t.Fatal(errno)
		}
	}
	defer k.Close(fd)
	taken, piece := 0, make([]byte, 16<<10)
	for {
		n, errno := k.Write(fd, piece)
		if errno == EAGAIN {
			break
		}
		if errno != 0 {
			t.Fatal(errno)
		}
		taken += n
	}
	if most := 8 * unsentLimit; taken > most {
		t.Errorf("the kernel takes %d bytes that nobody reads, more than %d", taken, most)
	}
}
