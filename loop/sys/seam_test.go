package sys

import (
	"testing"

	"golang.org/x/sys/unix"
)

// seam is a Kernel that the compiler cannot see through.
var seam Kernel = new(Linux)

// BenchmarkSeam measures what it costs that the loop calls the kernel through
// an interface: the same calls made directly beside them. A read of a socket
// that has nothing is the cheapest call there is, so it shows the difference
// best; the pair of a write and a read is what a request costs at least.
func BenchmarkSeam(b *testing.B) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	p := make([]byte, 64)
	direct := new(Linux)
	b.Run("read/direct", func(b *testing.B) {
		for b.Loop() {
			if _, errno := direct.Read(pair[0], p); errno != EAGAIN {
				b.Fatal(errno)
			}
		}
	})
	b.Run("read/seam", func(b *testing.B) {
		for b.Loop() {
			if _, errno := seam.Read(pair[0], p); errno != EAGAIN {
				b.Fatal(errno)
			}
		}
	})
	b.Run("request/direct", func(b *testing.B) {
		for b.Loop() {
			if n, errno := direct.Write(pair[1], p); n != len(p) || errno != 0 {
				b.Fatal(n, errno)
			}
			if n, errno := direct.Read(pair[0], p); n != len(p) || errno != 0 {
				b.Fatal(n, errno)
			}
		}
	})
	b.Run("request/seam", func(b *testing.B) {
		for b.Loop() {
			if n, errno := seam.Write(pair[1], p); n != len(p) || errno != 0 {
				b.Fatal(n, errno)
			}
			if n, errno := seam.Read(pair[0], p); n != len(p) || errno != 0 {
				b.Fatal(n, errno)
			}
		}
	})
	b.Run("nothing/direct", func(b *testing.B) {
		for b.Loop() {
			direct.nothing()
		}
	})
	b.Run("nothing/seam", func(b *testing.B) {
		var k interface{ nothing() } = direct
		if b.N < 0 {
			k = nil
		}
		for b.Loop() {
			k.nothing()
		}
	})
}

// nothing is a call of the kernel without the kernel.
//
//go:noinline
func (*Linux) nothing() {}

// TestSeamAllocatesNothing: an interface must not move what it is handed to
// the heap, since the loop hands it its buffers on every request.
func TestSeamAllocatesNothing(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	p := make([]byte, 64)
	pieces := [][]byte{p[:10], p[10:]}
	if n := testing.AllocsPerRun(100, func() {
		seam.Write(pair[1], p)
		seam.Read(pair[0], p)
		seam.Writev(pair[1], pieces)
		seam.Read(pair[0], p)
		seam.Now()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
