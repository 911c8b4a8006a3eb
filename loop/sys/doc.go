// Package sys is the kernel as the loop sees it: epoll, sockets, sendfile and
// the clock:
//
//	kernel.go      Kernel: every call the loop makes, as one interface
//	linux.go       Linux: those calls made for real
//	cached.go      of them, whether a part of a file can be sent without a wait
//	peer.go        Peer: the address of a client, kept without an allocation
//
// Off the loop are made
//
//	listen.go      listening TCP sockets
//	listenunix.go  and unix sockets, in place of dead ones
//	readahead.go   what may wait for a disk, and is for other goroutines
//	append.go      a log, opened without waiting for its reader
//
// and, off the loop too, is what the process asks of the kernel for itself:
// landlock.go and hugepage.go. All of it is for Linux on 64-bit processors, where an
// int has room for any offset; on others unsupported.go says so.
//
// EINTR ends here. What comes out is a count and an Errno, never an error
// value, because a conversion to an interface is an allocation and the loop
// asks millions of times a minute.
//
// The interface is the seam at which tests put another kernel under the real
// loop: one that is short of everything, in any order. Its price was measured
// with BenchmarkSeam in this package: 1 to 2 ns a call beside a call of 200 ns
// or more, so there is no build tag and no second loop.
//
// # Raw or not
//
// A call that cannot block (a non-blocking read, an epoll wait of 0) is made
// raw, without telling Go's scheduler. Telling it costs about 50 ns at each end
// and, worse, lets the monitor thread take the processor away when a call lasts
// longer than 20 µs, as every busy send on loopback does. Only a wait that may
// sleep is announced.
package sys
