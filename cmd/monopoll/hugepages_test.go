package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
)

// inHugePages is how many kilobytes of this process are in huge pages.
func inHugePages(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`AnonHugePages:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		t.Skip("this kernel does not say what is in huge pages")
	}
	n, err := strconv.Atoi(string(m[1]))
	must(t, err)
	return n
}

// someHugePages are ready to be made, where there are any of a size that a test
// can fill.
func someHugePages(t *testing.T) *hugePages {
	t.Helper()
	h := newHugePages(slog.New(slog.DiscardHandler))
	if h.size == 0 || h.size > 4<<20 {
		t.Skipf("huge pages of %d bytes", h.size)
	}
	return h
}

// A heap with 64 MiB in use ends in huge pages, and is not gone through again
// before it has changed.
func TestHugePages(t *testing.T) {
	h := someHugePages(t)
	held := make([][]byte, 64<<10)
	for i := range held {
		held[i] = make([]byte, 1<<10)
		held[i][0] = 1
	}
	debug.FreeOSMemory()
	before := inHugePages(t)
	ended, end := context.WithCancel(t.Context())
	end()
	if h.gather(ended); h.last != 0 {
		t.Error("it was done though content has changed again")
	}
	h.gather(t.Context())
	if h.size == 0 {
		t.Skip("this kernel makes no huge pages when it is asked to")
	}
	const most = 64 << 10
	if after := inHugePages(t); after < most/2 {
		t.Errorf("%d kB in huge pages before, %d after, of %d", before, after, most)
	}
	last := h.last
	h.gather(t.Context())
	if h.last != last {
		t.Error("a heap that has not changed was gone through again")
	}
	runtime.KeepAlive(held)
}

// However often the heap changes, what is made for nothing stays within its
// bound; and a small heap is left alone.
func TestHugePagesLeaveHoles(t *testing.T) {
	h := someHugePages(t)
	// Every fourth of many pages stays in use: no part of that heap is nearly full.
	held := make([][]byte, 16<<10)
	for i := range held {
		held[i] = bytes.Repeat([]byte{1}, 8<<10) // with all its pages in memory
	}
	for i := range held {
		if i%4 != 0 {
			held[i] = nil
		}
	}
	debug.FreeOSMemory()
	_, before := h.pieces()
	for range 8 {
		h.last = 0
		h.gather(t.Context())
	}
	if _, after := h.pieces(); after > before+hugeHolesMost+2<<20 { // and what the test takes
		t.Errorf("%d bytes of heap in memory before, %d after", before, after)
	}
	runtime.KeepAlive(held)
	last := h.last
	h.use[0].Name = "/memory/classes/metadata/mcache/inuse:bytes" // a few kilobytes
	if h.gather(t.Context()); h.last != last {
		t.Error("a small heap was gone through")
	}
	(&hugePages{}).gather(t.Context()) // there are none to be had
}
