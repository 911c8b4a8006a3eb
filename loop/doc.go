// Package loop is how answers are moved: one goroutine, one epoll instance,
// every listening socket and every connection.
//
// # Who may touch what
//
// The goroutine that calls Run owns the Loop and everything in it. Others reach
// it by Publish, Rebind, Drain, Stop, Stats and ReopenLog, which leave a letter in
// the mailbox (mailbox.go); Bind makes sockets that it knows nothing of yet, and
// Work reads one number. What can wait for a disk is done by the goroutines of the
// desk (desk.go) and the writer of the access log (sink.go); they own what they
// were handed, until they hand it back.
//
// # A turn
//
//	loop.go      Run: wait, serve what is ready, read the mail, expire, reap
//	address.go   how many connections an address has
//	slow.go      who is too slow to be waited for
//	arrivals.go  whether a socket's clients are many
//	limits.go    every number, its unit and its reason
//	listen.go    a socket has clients: accept them and serve them at once
//	conn.go      a connection has bytes: fill, step, flush, settle
//	state.go     what it waits for then: what epoll reports, which timeout runs
//	protocol.go  what a step is: the contract between conn.go and what follows
//	echo.go      the Echo Protocol
//	http.go      HTTP/1: parse a request, ask the Table, write the answer
//	httpbody.go  a request's body: skipped or collected, then answered
//	output.go    what is to be sent: own bytes, borrowed bodies, parts of files
//	flush.go     send it, as far as the socket takes it
//	files.go     large files that are open
//	desk.go      have a file opened, read ahead or closed, without waiting
//	stale.go     one that is not what the Table says: wait for the next Table
//	lane.go      timeouts: one queue for each kind
//	slab.go      connections by descriptor
//	pool.go      buffers that one connection leaves to the next
//	answered.go  answers that are to be logged when they have ended
//	accesslog.go a line for each request, handed over in batches (sink.go)
//	outage.go    what is said of a log that cannot be written
//	stats.go     what has been done, for whoever asks
//	control.go   the control socket: a command, and its answer
//	bind.go      make listening sockets
//	ready.go     those that wait for the first table
//	reload.go    a new Table: bind off the loop, commit on it
//	overlap.go   an address that widens or narrows on its port
//	rebind.go    a unix socket whose file is lost, or has two names
//	leave.go     an address that is given up
//	drain.go     the end
//	complain.go  what the kernel refuses, and limits that are reached
//
// http1 knows the syntax of HTTP/1.1 and nothing of sockets. sys is the kernel.
//
// # A hot request
//
// One read into a scratch buffer that all connections share; a step, which
// parses, asks the Table and appends the head, all without allocating; one
// write, in which a small body is copied behind its head and a large one is a
// second piece; nothing left over, nothing armed, no timer moved. With the wait
// that reported it these are three system calls, and for several clients at a
// time the wait is shared.
//
// # Interest and time
//
// What epoll reports of a connection and which timeout runs follow from its
// state: see state.go. Epoll is level-triggered, so nothing is lost when a turn
// does not take everything; what has been read already and not been looked at is
// in Loop.again.
//
//	waits for                    epoll   lane     leaves by
//	a request                    IN      idle     bytes
//	the rest of a head           IN      head     the rest of it, or 408
//	the rest of a body           IN      body     its end, or 408
//	the peer to take the answer  OUT     send     the last byte
//	a file                       –       desk     the desk's letter, or 503
//	a Table that knows a file    –       stale    a reload; then as it is
//	the answer to a command      –       reply    the controller's letter
//	the peer to close            IN      linger   its end
//
// # A reload
//
// Publish does everything that can fail on the caller's goroutine; commit runs
// between two turns and cannot. Connections point to their socket, and the
// socket to the Table, so that a commit touches no connection but those that wait
// for it.
//
// # What was tried
//
// For whoever wants it faster: what each idea gave on a machine of two CPUs, the
// server on one, the client on the other, as CPU time a request. Ratios are
// within one run. The floor is a C program that reads, writes and does nothing
// else; of a small file's time, 88 % is the kernel's (perf record), and the user
// half of a turn takes 0.3 us (BenchmarkTurn). Where that program has pages to
// choose from: 1,000 of 13 KB take it 0.82 of what nginx takes, with one copy 0.89,
// and us 0.91; to go round 10,000 of 1 KB 1.07 of one page, and us 1.30 of one of
// as many sites.
//
// Kept:
//
//   - TCP_DEFER_ACCEPT, while clients are many: a connection a request 12.3 →
//     8.2 us. Without it the read after accept found nothing two times of three,
//     epoll had to be told after all, and the thread slept and woke for every
//     second connection.
//   - MSG_MORE before a close, so that data and FIN are one segment: 12.6 → 11.4 us.
//   - MSG_MORE before sendfile, and epoll waits of up to 5 ms without telling
//     Go's scheduler: 1 MB files 1,843 → 4,087 a second; a connection a request
//     29.1 → 25.0 us (on an older machine).
//   - 64 KiB of a large file for each client and turn, where 512 KiB were: 64
//     clients with 10 MB each 2.0 → 1.6 ms, and a request beside eight downloads
//     of 1 GB 2.7 → 0.4 ms (median), 9 → 4 ms (99 of 100). Under BBR, which paces,
//     every packet that has to wait in the kernel's queue takes a timer.
//   - Reno on loopback addresses, on a machine whose default is BBR: 10 MB files
//     1.7 → 1.0 ms, 1 MB 0.12 → 0.08 ms, eight downloads of 1 GB 2.0 → 5.3 GB/s
//     for half the CPU; small answers as before. A machine with Cubic as its
//     default gains nothing, and loses nothing.
//   - Compression gives way to bytes sent as it does to requests: 10 MB files
//     1.8 → 1.5 ms in the minute after a start.
//   - One copy of a body of up to copyLimit behind its head, a second piece above
//     it: see there.
//   - The heap in huge pages: 10,000 sites asked in turn 8.7 → 7.8 us (cmd/monopoll,
//     hugepages.go).
//
// Not kept:
//
//   - Serving accepted connections at the end of the turn (24.6 against 25.2 us),
//     after a round of epoll (28.1), or not before epoll reports them (0.98 of
//     reading at once, before TCP_DEFER_ACCEPT made the question idle).
//   - Bodies in a memfd, sent by sendfile from 4, 8 or 16 KiB up: 0.81 to 0.87 of
//     nginx on a site of 1,000 files, where the copy has 0.82. The second call
//     eats what the copy costs.
//   - A second piece from 2, 4 or 8 KiB up, for bodies that are in no cache: 0.97,
//     1.00 and 1.01 on that site. What the copy saves the kernel pays.
//   - recv and send for read and write: 0.98 on a file of 1 KB, 1.01 on a fixed
//     response. Noise.
//   - Edge-triggered epoll for idle connections: 0.99 and 1.01. The poll that it
//     saves is 2 % of a request, and every state would have to prove that it
//     leaves no byte behind. With 10,000 connections 0.87 to 1.0.
//   - Touching all connections of a turn before the first is served, so that
//     the memory of ten thousand comes into the cache side by side: 1.24; touching
//     the one after the next while one is served: 1.04.
//   - Reading the requests of up to 16 connections of a turn first, and touching
//     what their answers will need level by level (folder, names, file, content),
//     so that what is in no cache comes side by side, as Valkey does with its keys:
//     going round 10,000 sites 0.96, one of them 1.01; of the user half 4.0 → 3.5 us
//     and 2.0 → 2.4 (25 rounds on a slow machine, where each of the six places in
//     memory that such a request comes to takes 0.25 to 0.5 us).
//   - Pieces of 1, 2 or 8 MiB, which is what nginx sends at a time: 2.1, 2.0 and
//     3.1 ms for 10 MB under BBR, where 64 KiB are 1.6. Under Reno 128, 256 and
//     512 KiB are 0.92, 0.78 and 0.76 of the CPU of 64, and the slowest of 64
//     clients waits two to three times as long.
//   - TCP_CORK while a large file is sent, as nginx has it with tcp_nopush: 1.8
//     times the CPU of 10 MB with 64 KiB a turn, 1.3 times with 512 (under BBR).
//   - Profile-guided optimisation: 0.94 of the user half, half a per cent of a
//     request, for builds that take twice as long.
package loop
