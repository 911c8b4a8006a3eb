package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"monopoll/routes/config"
)

// The collector is told limits.memory and what may lie beyond it, in so far as
// the control group allows, and more only for what is in use and no garbage.
func TestThrift(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	limited := func(memory int64) *config.Config { return &config.Config{Limits: config.Limits{Memory: memory}} }
	th := &thrift{group: math.MaxInt64, set: -1}
	th.live[0].Name = "/gc/heap/live:bytes"
	for _, c := range []struct{ memory, group, want int64 }{
		{1 << 30, math.MaxInt64, 1<<30 + memoryBeyond},
		{1 << 30, 500 << 20, 500 << 20},
		{2 << 30, math.MaxInt64, 2<<30 + memoryBeyond}, // far above what other tests hold
	} {
		th.group = c.group
		th.obey(limited(c.memory))
		if got := debug.SetMemoryLimit(-1); got != c.want {
			t.Errorf("limits.memory %d in a control group of %d: the limit is %d, want %d", c.memory, c.group, got, c.want)
		}
	}
	held := make([]byte, 200<<20)
	runtime.GC()
	runtime.GC()
	th.group = math.MaxInt64
	th.obey(limited(1 << 20))
	if got, least := debug.SetMemoryLimit(-1), int64(len(held)+memoryBreath); got < least || got > least+(1<<30) {
		t.Errorf("with %d bytes in use the limit is %d", len(held), got)
	}
	runtime.KeepAlive(held)
	th.obey(limited(0)) // no bodies is not no limit, and leaves room for all else
	if got, most := debug.SetMemoryLimit(-1), int64(memoryBeyond+1<<30); got < memoryBeyond || got > most {
		t.Errorf("with limits.memory 0 the limit is %d", got)
	}
	var none *thrift
	none.obey(limited(1)) // GOMEMLIMIT is set
}

func TestRoomy(t *testing.T) {
	sample := []metrics.Sample{{Name: "/no/such:bytes"}}
	metrics.Read(sample)
	if got := roomy(sample[0].Value); got != 0 {
		t.Errorf("%d of what the runtime does not tell", got)
	}
}

// After each collection, not only the first, something is done.
func TestAfterCollections(t *testing.T) {
	done := make(chan struct{}, 1)
	afterCollections(func() {
		select {
		case done <- struct{}{}:
		default:
		}
	})
	for range 3 {
		late := time.After(time.Minute)
		for collected := false; !collected; {
			runtime.GC()
			select {
			case <-done:
				collected = true
			case <-late:
				t.Fatal("nothing was done after a collection")
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}
