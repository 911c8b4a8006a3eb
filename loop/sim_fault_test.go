package loop

import (
	"fmt"
	"strings"
)

// simFault is a kind of bad luck that the simulated world may have in store.
type simFault uint8

const (
	faultShortRead simFault = iota
	faultShortWrite
	faultReadAgain
	faultWriteAgain
	faultReadReset
	faultReadTimedOut
	faultReadMemory
	faultWriteReset
	faultWritePipe
	faultWriteTimedOut
	faultWriteBuffers
	faultWriteMemory
	faultShutdown
	faultFileShort
	faultFileError
	faultFileAgain
	faultUncached
	faultRewritten
	faultAhead
	faultAcceptAborted
	faultAcceptProcess
	faultAcceptSystem
	faultAcceptBuffers
	faultAcceptMemory
	faultAcceptNetwork
	faultDescriptors
	faultReserve
	faultCtlMemory
	faultCtlSpace
	faultSpurious
	faultHeld
	faultInterrupted
	faultPeerReset
	faultPeerClose
	faultHalfClose
	faultVanish
	faultDeskFull
	faultDeskSlow
	faultShutSlow
	faultDeskGone
	faultDeskChanged
	faultDeskError
	faultReload
	faultBind
	faultListen
	faultClockJump
	faultClockBack
	faultPanic
	faultDrain
	faultStop
	simFaults
)

var simFaultNames = [simFaults]string{
	faultShortRead: "short read", faultShortWrite: "short write",
	faultReadAgain: "read EAGAIN", faultWriteAgain: "write EAGAIN",
	faultReadReset: "read ECONNRESET", faultReadTimedOut: "read ETIMEDOUT", faultReadMemory: "read ENOMEM",
	faultWriteReset: "write ECONNRESET", faultWritePipe: "write EPIPE", faultWriteTimedOut: "write ETIMEDOUT",
	faultWriteBuffers: "write ENOBUFS", faultWriteMemory: "write ENOMEM", faultShutdown: "shutdown ENOTCONN",
	faultFileShort: "file shrinks", faultFileError: "sendfile EIO", faultFileAgain: "sendfile EAGAIN",
	faultUncached: "not in memory", faultRewritten: "file rewritten", faultAhead: "read ahead EIO",
	faultAcceptAborted: "accept ECONNABORTED", faultAcceptProcess: "accept EMFILE", faultAcceptSystem: "accept ENFILE",
	faultAcceptBuffers: "accept ENOBUFS", faultAcceptMemory: "accept ENOMEM", faultAcceptNetwork: "accept EPROTO",
	faultDescriptors: "descriptors squeezed", faultReserve: "no spare descriptor",
	faultCtlMemory: "epoll_ctl ENOMEM", faultCtlSpace: "epoll_ctl ENOSPC",
	faultSpurious: "spurious event", faultHeld: "event held back", faultInterrupted: "wait interrupted",
	faultPeerReset: "peer resets", faultPeerClose: "peer closes", faultHalfClose: "peer half-closes", faultVanish: "peer vanishes",
	faultDeskFull: "desk full", faultDeskSlow: "desk slow", faultShutSlow: "close slow", faultDeskGone: "desk ErrNotExist",
	faultDeskChanged: "desk ErrChanged", faultDeskError: "desk EIO",
	faultReload: "reload", faultBind: "bind fails", faultListen: "listen fails", faultClockJump: "clock jumps", faultClockBack: "wall clock goes back",
	faultPanic: "a step panics", faultDrain: "drain", faultStop: "stop",
}

// String names the fault.
func (f simFault) String() string { return simFaultNames[f] }

// simCounts says how often each fault was injected.
type simCounts [simFaults]int

func (c *simCounts) add(other *simCounts) {
	for i, n := range other {
		c[i] += n
	}
}

// String is a table of three columns.
func (c *simCounts) String() string {
	var b strings.Builder
	for i, n := range c {
		fmt.Fprintf(&b, "  %-22s %9d", simFault(i), n)
		if i%3 == 2 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// simRarity is how often a fault that is on happens at most, and at least, in one
// of so many chances. What is not here is between 8 and 2,000.
var simRarity = map[simFault][2]int{
	faultShortRead:  {2, 50},
	faultShortWrite: {2, 50},
	faultUncached:   {2, 50},
	faultRewritten:  {5, 100},
	faultFileShort:  {50, 2000},
	faultFileError:  {50, 2000},
	faultDeskSlow:   {3, 50},
	faultShutSlow:   {2, 20},
	faultHeld:       {3, 100},

	// the desk is seldom asked: an open file serves many
	faultDeskFull:    {5, 100},
	faultDeskGone:    {5, 100},
	faultDeskError:   {5, 100},
	faultDeskChanged: {1, 30},
	faultAhead:       {5, 100},
	faultShutdown:    {8, 200},
	faultReserve:     {2, 20},

	faultCtlMemory: {20, 1000},
	faultCtlSpace:  {20, 1000},

	// chances that come once a request, or once a turn
	faultPeerReset:   {20, 500},
	faultPeerClose:   {20, 500},
	faultHalfClose:   {3, 50},
	faultVanish:      {50, 1000},
	faultReload:      {20, 2000},
	faultBind:        {5, 50},
	faultListen:      {5, 50},
	faultDescriptors: {300, 5000},
	faultClockJump:   {500, 20000},
	faultClockBack:   {500, 20000},
	faultPanic:       {100, 5000},
	faultDrain:       {2000, 20000},
	faultStop:        {5000, 50000},
}

// floodSize is how many requests a flood has: more bytes than may be kept, twice.
const floodSize = 16_000

// arrange decides which faults this world has, and how often. One world in
// eight is calm, so that what needs no excuse can be told from what has one.
func (w *simWorld) arrange() {
	if w.seed%32 == 16 {
		w.flooding = true // and nothing else that would slow it down
		return
	}
	if w.seed%8 == 0 {
		w.odds[faultShortRead] = w.between(2, 50)
		w.odds[faultShortWrite] = w.between(2, 50)
		w.odds[faultReload] = w.between(20, 500)
		w.odds[faultUncached] = w.between(2, 50)
		w.odds[faultHeld] = w.between(3, 50)
		return
	}
	w.diskDay = w.seed%8 == 3
	share := w.between(1, 4)
	for f := range simFaults {
		if w.between(0, 4) >= share {
			continue
		}
		low, high := 8, 2000
		if r, ok := simRarity[f]; ok {
			low, high = r[0], r[1]
		}
		w.odds[f] = w.between(low, high)
	}
	if w.odds[faultReload] == 0 {
		w.odds[faultReload] = 200
	}
	if w.diskDay {
		w.odds[faultDeskSlow], w.odds[faultPeerReset] = w.between(1, 4), w.between(10, 40)
		w.odds[faultReload] = w.between(3, 30) // after which every file has to be opened again
	}
}

// fault asks whether it happens now.
func (w *simWorld) fault(f simFault) bool {
	if w.odds[f] == 0 || w.ended || w.rng.IntN(w.odds[f]) != 0 {
		return false
	}
	w.counts[f]++
	w.note("fault: %s", f)
	return true
}

// between gives a number from low to high, both included.
func (w *simWorld) between(low, high int) int { return low + w.rng.IntN(high-low+1) }

// chance is true one time in n.
func (w *simWorld) chance(n int) bool { return w.rng.IntN(n) == 0 }
