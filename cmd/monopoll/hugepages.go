package main

import (
	"context"
	"log/slog"
	"os"
	"reflect"
	"runtime/metrics"
	"slices"
	"time"

	"monopoll/loop/sys"
)

const (
	// hugeLeast is from how many bytes in use on the heap is worth huge pages: a
	// processor knows the places of 1,500 to 2,000 pages of 4 KiB by heart, and
	// looks the others up in tables that are in memory themselves.
	hugeLeast = 8 << 20
	// hugeHoles is what of the heap, as a fraction, may be memory that Go's
	// allocator has given back and gets again with a huge page, without knowing;
	// hugeHolesMost how many bytes at the most. Thrift does not know it either.
	hugeHoles     = 1. / 16
	hugeHolesMost = 2 << 20
)

// hugePages brings the heap into transparent huge pages once the sites are read.
// A request for a file that nobody has asked for in a while touches half a dozen
// places that are in no cache, and the processor looks up first where each of
// them is. Requests to 10,000 sites in turn take 8.7 us of CPU time in small pages
// and 7.8 in huge ones, where 5.8 are those to one site; to 1,000 pages of 13 KB
// in turn 0.97 of the time (medians of 12 and 16 rounds).
//
// Of itself the kernel does it only where it is set to do so always, and Go never
// asks for it. Where the runtime gives memory back later, the kernel makes small
// pages of a huge one again.
type hugePages struct {
	log  *slog.Logger
	size int              // of a huge page; 0: there are none, or none that we can make
	room []byte           // for what mincore(2) says
	use  []metrics.Sample // what the heap has of the kernel; first what is in use
	last uint64           // what was in use when it was done last
	made bool             // a huge page was made once
}

func newHugePages(log *slog.Logger) *hugePages {
	h := &hugePages{log: log, size: sys.HugePage()}
	for _, class := range []string{"objects", "unused", "free", "stacks"} {
		h.use = append(h.use, metrics.Sample{Name: "/memory/classes/heap/" + class + ":bytes"})
	}
	h.room = make([]byte, h.size/os.Getpagesize())
	return h
}

// gather does it, if the heap has changed by more than a huge page since. One
// goroutine calls it at a time, and it takes twice as long as it works. If ctx
// ends before it is done, what is left is for the next time.
func (h *hugePages) gather(ctx context.Context) {
	if h.size == 0 {
		return
	}
	metrics.Read(h.use)
	held := 0
	for _, u := range h.use {
		if u.Value.Kind() != metrics.KindUint64 {
			return
		}
		held += int(u.Value.Uint64())
	}
	n := h.use[0].Value.Uint64()
	if n < hugeLeast || max(n, h.last)-min(n, h.last) < uint64(h.size) {
		return
	}
	began, bytes := time.Now(), 0
	pieces, resident := h.pieces()
	// What is there beyond what Go holds was made for nothing before.
	room := min(int(hugeHoles*float64(held)), hugeHolesMost) - max(resident-held, 0)
	for _, p := range pieces {
		if ctx.Err() != nil {
			return
		}
		if room -= h.size - p.bytes; room < 0 {
			break
		}
		switch h.collapse(p.at) {
		case 0:
			bytes += h.size
		case sys.ENOMEM:
			room = -1 // the kernel has no more of them now
		}
	}
	h.last = n
	h.log.Debug("the heap is in huge pages", "bytes", bytes, "in use", n, "took", time.Since(began))
}

// piece is a part of the heap that may become a huge page, and how much of it is
// in memory.
type piece struct {
	at    uintptr
	bytes int
}

// pieces gives the parts of the heap, the fullest first, and how much of it is
// in memory. The heap is one mapping, to both sides of any byte of it.
func (h *hugePages) pieces() (all []piece, resident int) {
	look := func(at uintptr) bool {
		pages, errno := sys.Resident(at, h.room)
		if n := pages * os.Getpagesize(); n > 0 {
			all = append(all, piece{at, n})
			resident += n
		}
		return errno == 0
	}
	here := reflect.ValueOf(h.room).Pointer() &^ uintptr(h.size-1)
	for at := here; look(at); at += uintptr(h.size) {
	}
	for at := here - uintptr(h.size); look(at); at -= uintptr(h.size) {
	}
	slices.SortFunc(all, func(a, b piece) int { return b.bytes - a.bytes })
	return all, resident
}

// collapse makes one huge page.
func (h *hugePages) collapse(at uintptr) sys.Errno {
	if h.size == 0 {
		return sys.EINVAL
	}
	began := time.Now()
	errno := sys.Collapse(at, h.size)
	switch {
	case errno == 0:
		h.made = true
		// Whoever waits for this memory, or for the only processor, is next.
		time.Sleep(time.Since(began))
	case errno == sys.EINVAL && !h.made:
		h.size = 0 // this kernel does not know how
	}
	return errno
}
