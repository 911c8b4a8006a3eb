package loop

import "time"

// Every number of the loop, its unit and its reason. What a user may want to
// change is in the config instead (limits and timeouts).
const (
	// scratchSize is the most that one read takes, in bytes: one buffer for all
	// connections, small enough to stay in the second-level cache. Echo moves
	// its bytes through it too, and gains nothing above this.
	scratchSize = 128 << 10

	// copyLimit is the largest body, in bytes, that is copied behind its head so
	// that one write sends both. Above it a second piece for writev(2) is
	// cheaper than the copy: measured on loopback, 10 KiB costs 6 % more than a
	// bare write when copied and 13 % more as a second piece; at 100 KiB it is
	// the other way round.
	copyLimit = 24 << 10

	// outputLimit is how many bytes of answers may be waiting before no further
	// pipelined request of the connection is answered.
	outputLimit = 64 << 10

	// stepLimit is how often a connection is stepped in one turn, so that a
	// client with a deep pipeline waits for its neighbours.
	stepLimit = 4

	// pieceSize is the most of files that one turn sends, in bytes, shared out
	// among the clients that the turn before sent some to; leastPiece is what
	// each gets at least. Eight clients pulling a large file at full speed then
	// hold a turn for a quarter of a millisecond. 64 KiB is what the kernel makes
	// one packet of: more at a time only waits in its queue, and under a
	// congestion control with pacing (BBR) each packet there takes a timer. With
	// 512 KiB for each of 64 clients a 10 MB file cost 2.0 ms of CPU, with 64 KiB
	// 1.6 ms. One client alone is served better by larger pieces.
	pieceSize  = 512 << 10
	leastPiece = 64 << 10

	// aheadSize is how much of a file the desk brings into memory at a time,
	// once the kernel says that it is not there.
	aheadSize = 1 << 20

	// acceptLimit is how many connections one turn takes from one listener: a
	// flood of them must not keep the others waiting.
	acceptLimit = 64

	// leastPlaces is how many clients there is a place for even where listening
	// sockets take nearly all descriptors: when these are used up, that is seen too.
	leastPlaces = 16

	// arrivalTime is how long the first request of a connection may be under way
	// before the connection counts as idle, and has to go where places are short.
	arrivalTime = time.Second

	// idleLook is how many idle connections are looked at for one that may go.
	// They are in order of age, so that more than this are passed over only when
	// that many have come within arrivalTime.
	idleLook = 64

	// expireLimit is how many timeouts one turn carries out.
	expireLimit = 64

	// acceptPause is how long a listener is left alone when there are no
	// descriptors or no memory for another connection. The kernel keeps
	// reporting the listener as ready all that time: not to pause is to spin.
	acceptPause = 100 * time.Millisecond

	// lingerTime is how long what a refused client still sends is read and
	// thrown away. To close with unread bytes makes the kernel send a reset,
	// which can destroy the answer before the client has read it.
	lingerTime = time.Second

	// narrowTime is how long a socket still accepts whose address was narrowed.
	// A handshake that had begun at it ends there: within a round trip, or after
	// a second, when the kernel answers again a client that was not heard or has
	// said nothing (TCP_DEFER_ACCEPT). The other second is for that client.
	narrowTime = 2 * time.Second

	// claimRetry is when such a socket is looked at again if a reload is under
	// way, which may want to have it back.
	claimRetry = 100 * time.Millisecond

	// replyTime is how long the control socket waits for a reload to be done.
	// A table of many thousand files on a slow disk takes minutes to build.
	replyTime = 10 * time.Minute

	// slowest is how fast a peer must at least take an answer, or send a request's
	// content, in bytes a second over timeouts.send. A modem of 1990 is faster;
	// who is slower wants to hold the connection, not the bytes. Apache has the
	// same figure for content (RequestReadTimeout's MinRate).
	slowest = 500

	// laneGrain is how much later than its time a timeout may come. Within it a
	// busy connection need not move to the end of its queue, which saves two
	// cache misses a request when there are thousands.
	laneGrain = 500 * time.Millisecond

	// accessBatch is when a batch of the access log is handed over before its time,
	// in bytes.
	accessBatch = 48 << 10

	// accessDelay is the longest that a line of it waits for others. It is too
	// short for somebody who watches the log, and long enough that at one request
	// after another the hand-over costs one part in hundreds.
	accessDelay = 20 * time.Millisecond

	// sinkDepth is how many batches may wait for a slow disk: 64 × 48 KiB are about
	// 3 MiB, or 30,000 lines.
	sinkDepth = 64

	// sinkEnds is how long the end of the server waits for the last batch: a pipe
	// that nobody reads must not keep the process from ending.
	sinkEnds = time.Second

	// longestCommand bounds a line of the control socket, in bytes: a word and a
	// path, which has up to 4,096 (PATH_MAX).
	longestCommand = 5 << 10

	// controlPlaces is how many connections to the control socket may rest: they take
	// no client's place, and somebody who opens one after the other and forgets them
	// must not use up the descriptors. Beyond it those go that have rested longest.
	controlPlaces = 16

	// connChunk is how many connections are made at a time, so that ten thousand
	// cost a few dozen allocations and lie side by side.
	connChunk = 128

	// complainOften is how long nothing more is said of a call that the kernel
	// refuses, and complainSeldom of what only somebody who administers the machine
	// can mend: a full disk, too few descriptors.
	complainOften  = time.Second
	complainSeldom = time.Minute

	// deskWorkers are the goroutines that open and read large files. They wait
	// for disks, so their number is about how many disks answer at a time, not
	// about processors.
	deskWorkers = 4

	// deskQueue is how many wait for them. Beyond it a large file is answered
	// with 503 at once: the disk is not keeping up.
	deskQueue = 1024

	// staleTime is how long a request waits for a table that knows the file it
	// asks for, where that has changed since the table was made. The watcher takes a
	// change in place after two seconds at the latest; who is served before that may
	// be sent half of one version and half of another. After it, it is answered with
	// what there is.
	staleTime = 2500 * time.Millisecond

	// staleLook is how often it is looked in this time whether the file is by now
	// what the table says of it, beside each time that a table comes.
	staleLook = 250 * time.Millisecond

	// idleFilesMost is how many large files stay open without being sent, so that a
	// popular one is opened once.
	idleFilesMost = 64

	// keptBuffer is the largest buffer that is kept for another connection, in
	// bytes, and keptBuffers how many of them. What is above goes to the
	// collector.
	keptBuffer  = 128 << 10
	keptBuffers = 64

	// keptAnswers is for how many answers to be logged such a buffer may have room:
	// 230 bytes for each.
	keptAnswers = 256

	// arrivalsMany is how many connections a second make a socket a busy one, for
	// which see arrivals; they are counted over arrivalsLook at least, so that
	// the first look at a page with all its parts is none.
	arrivalsMany = 1000
	arrivalsLook = 250 * time.Millisecond

	// yieldEvery is how long the loop may go without giving other goroutines a
	// chance, where there is one processor for all: an edited page passes through
	// two such chances before it is live.
	yieldEvery = 2 * time.Millisecond

	// yieldFor is how long it sleeps then: longer than Go's scheduler takes to come
	// to its poller, which it asks only while nobody is ready to run. After 1 µs
	// the loop often was, and an event waited for the monitor thread, which asks
	// every 10 ms.
	yieldFor = 3 * time.Microsecond
)
