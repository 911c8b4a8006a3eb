package loop

import (
	"slices"
	"testing"
)

// TestSimulationRepeats runs the same seeds twice: everything that happens has
// to happen again in the same order, or a failing seed would be worth nothing.
func TestSimulationRepeats(t *testing.T) {
	buildSimTables(t)
	for seed := uint64(1); seed <= 12; seed++ {
		var traces [2][]string
		for i := range traces {
			w := newSimWorld(seed, 150)
			w.tracing = true
			if err := w.run(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			traces[i] = w.trace
		}
		if !slices.Equal(traces[0], traces[1]) {
			for i := range traces[0] {
				if i >= len(traces[1]) || traces[0][i] != traces[1][i] {
					t.Fatalf("seed %d: first %q, then %q", seed, traces[0][i], traces[1][min(i, len(traces[1])-1)])
				}
			}
		}
	}
}
