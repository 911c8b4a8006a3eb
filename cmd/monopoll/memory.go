package main

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"

	"monopoll/routes/config"
)

const (
	// memoryBeyond is how much more than limits.memory the Go runtime may take
	// before it collects garbage harder: 16 MiB of bodies that are read while
	// those of before are still served, as much for the compressors and for
	// connections, the rest for garbage. The program's own pages, some 8 MiB,
	// come on top, and so the process keeps within limits.memory and 64 MiB.
	memoryBeyond = 48 << 20
	// memoryBreath is how much may at least be allocated between two collections,
	// or a sixteenth of what is in use. A limit that leaves less would have the
	// collector run all the time, and thousands of clients with half a request
	// each might bring that about.
	memoryBreath = 16 << 20
	// memoryIdle is how much more than what is in use the process may keep when
	// it has nothing to do. A server whose sites stay as they are allocates
	// nothing, so that the garbage of its start would be its own for ever: 2 MiB
	// of 12.6 with a small site. The runtime's own share is some 4 MiB; an edited
	// page leaves less than the rest, and costs no collection.
	memoryIdle = 5 << 20
)

// thrift keeps the garbage collector to limits.memory. Go's own rule, to collect
// when the heap has doubled, would let a process whose content fills the limit
// grow to twice of it.
type thrift struct {
	mu    sync.Mutex
	own   int64 // limits.memory and memoryBeyond; 0: there is no config yet
	group int64 // nine tenths of the control group's limit; the rest is for stacks and the kernel's account
	set   int64 // what the collector was told last
	live  [1]metrics.Sample
}

// newThrift takes over, unless GOMEMLIMIT is set: whoever does that is taken at
// their word, and nil stands for it.
func newThrift() *thrift {
	if os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	t := &thrift{group: math.MaxInt64, set: math.MaxInt64}
	if most := memoryLimit("/sys/fs/cgroup", "/proc/self/cgroup"); most > 0 {
		t.group = most / 10 * 9
	}
	t.live[0].Name = "/gc/heap/live:bytes"
	t.adjust()
	afterCollections(t.adjust)
	return t
}

// obey takes the limit of a config.
func (t *thrift) obey(cfg *config.Config) {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.own = cfg.Limits.Memory + memoryBeyond
	t.mu.Unlock()
	t.adjust()
}

// adjust tells the collector. What is in use beyond the limit is not garbage, so
// that the limit makes way for it, up to that of the control group.
func (t *thrift) adjust() {
	t.mu.Lock()
	defer t.mu.Unlock()
	most := t.group
	if t.own > 0 {
		metrics.Read(t.live[:])
		most = min(most, max(t.own, roomy(t.live[0].Value)))
	}
	if most != t.set {
		t.set = most
		debug.SetMemoryLimit(most)
	}
}

// roomy is the least limit that lets the collector rest with so many bytes in use.
func roomy(live metrics.Value) int64 {
	if live.Kind() != metrics.KindUint64 {
		return 0 // a runtime that does not tell
	}
	n := int64(live.Uint64())
	return n + max(n/16, memoryBreath)
}

// tidy gives back to the kernel what a start or a large change has left.
func (t *thrift) tidy() {
	if t == nil {
		return
	}
	use := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(use)
	for _, u := range use {
		if u.Value.Kind() != metrics.KindUint64 {
			return
		}
	}
	if use[0].Value.Uint64() > use[1].Value.Uint64()+use[2].Value.Uint64()+memoryIdle {
		debug.FreeOSMemory()
	}
}

// afterCollections has do called after each garbage collection, by the finalizer
// of something that nobody holds.
func afterCollections(do func()) {
	type leaf struct{ _ [2]*byte } // too large, and of too much, to share memory with other garbage
	runtime.SetFinalizer(new(leaf), func(*leaf) {
		do()
		afterCollections(do)
	})
}

// memoryLimit is the smallest memory.max on the way from our control group to
// the top (cgroups(7), version 2); 0 where there is none.
func memoryLimit(mount, self string) int64 {
	text, err := os.ReadFile(self)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		least := int64(math.MaxInt64)
		for ; ; group = filepath.Dir(group) {
			text, err := os.ReadFile(filepath.Join(mount, group, "memory.max"))
			if err == nil {
				if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
					least = min(least, n)
				}
			}
			if group == "/" || group == "." {
				break
			}
		}
		if least < math.MaxInt64 {
			return least
		}
	}
	return 0
}
