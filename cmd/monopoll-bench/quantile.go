package main

import (
	"math/bits"
	"time"
)

const (
	// steps is into how many steps each doubling is divided: a duration is known
	// to 1/64, 1.6 %.
	steps    = 64
	stepBits = 6
)

// quantiles counts durations by their size. Its zero value is empty; to add one
// allocates nothing and takes a few nanoseconds.
type quantiles struct {
	count  uint64
	counts [(64 - stepBits) * steps]uint64
}

func (q *quantiles) add(d time.Duration) {
	v := uint64(max(0, d))
	i := v
	if v >= steps {
		shift := uint(bits.Len64(v)) - stepBits - 1
		i = uint64(shift)*steps + v>>shift
	}
	q.counts[i]++
	q.count++
}

// at gives what a share of the durations do not exceed: 0.99 for p99; 0 when
// there are none.
func (q *quantiles) at(share float64) time.Duration {
	if q.count == 0 {
		return 0
	}
	rank := min(uint64(share*float64(q.count)), q.count-1)
	var seen uint64
	for i, n := range q.counts {
		if seen += n; seen > rank {
			return top(uint64(i))
		}
	}
	return 0
}

// top is the largest duration of a step.
func top(i uint64) time.Duration {
	if i < 2*steps {
		return time.Duration(i)
	}
	shift := i/steps - 1
	return time.Duration((i%steps+steps+1)<<shift - 1)
}
