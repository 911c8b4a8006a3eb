package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestQuantiles: what is said is never less than the truth, and at most a step more.
func TestQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, most := range []int64{1, 60, 63, 64, 65, 127, 128, 129, 1000, 1e6, 1e9, 1 << 62} {
		var q quantiles
		var all []time.Duration
		for range 2000 {
			d := time.Duration(random.Int64N(most))
			all = append(all, d)
			q.add(d)
		}
		slices.Sort(all)
		for _, share := range []float64{0, 0.5, 0.9, 0.99, 0.999, 1} {
			truth := all[min(int(share*2000), 1999)]
			if got := q.at(share); got < truth || got > truth+truth/steps {
				t.Errorf("up to %d: %g is %d, not %d", most, share, got, truth)
			}
		}
	}
	if none := new(quantiles); none.at(0.5) != 0 {
		t.Error("there is a median of nothing")
	}
	q := new(quantiles)
	if q.add(-1); q.at(0.5) != 0 {
		t.Error("a clock that went back makes a duration")
	}
}
