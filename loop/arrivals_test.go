package loop

import (
	"testing"
	"time"
)

// A socket is a busy one while a thousand connections a second come to it, and
// a burst that is over does not make it one.
func TestArrivals(t *testing.T) {
	var a arrivals
	now := int64(time.Hour)
	come := func(n int, every time.Duration) (changes int) {
		for range n {
			now += int64(every)
			if a.count(now) {
				changes++
			}
		}
		return changes
	}
	for _, step := range []struct {
		name    string
		n       int
		every   time.Duration
		changes int
		many    bool
	}{
		{"now and then", 10, time.Second, 0, false},
		{"a burst", 400, 10 * time.Microsecond, 0, false},
		{"after the burst", 3, time.Second, 0, false},
		{"many", 5000, 100 * time.Microsecond, 1, true},
		{"many still", 5000, 100 * time.Microsecond, 0, true},
		{"fewer", 500, 2 * time.Millisecond, 1, false},
	} {
		if got := come(step.n, step.every); got != step.changes || a.many != step.many {
			t.Errorf("%s: %d changes, many is %v", step.name, got, a.many)
		}
	}
}
