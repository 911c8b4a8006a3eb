package loop

// The simulation, in reading order:
//
//	sim_test.go         runs it: a seed, many seeds
//	sim_world_test.go   a world: who is in it, and how its time passes
//	sim_kernel_test.go  descriptors, epoll, the clock; the world moves in EpollWait
//	sim_socket_test.go  sockets as Linux has them
//	sim_file_test.go    files, and the desk
//	sim_fault_test.go   what can go wrong, and how often
//	sim_events_test.go  what happens to the whole server: reloads, drain, clocks
//	sim_client_test.go  clients: how they send, read and leave
//	sim_talk_*_test.go  what they say: HTTP, echo, the control socket
//	sim_handed_test.go  what the access log has to tell of
//	sim_request_test.go requests, sim_reply_test.go their answers
//	sim_tables_test.go  what there is to be asked for
//	sim_excuse_test.go  when an answer may stay away; without an excuse it may not
//	sim_invariants_test.go, sim_idling_test.go  what holds between two turns
//	sim_catches_test.go bugs planted to see that they are found

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	simSeed     = flag.Uint64("sim.seed", 0, "run the simulation with this seed alone, and print what happens")
	simSeeds    = flag.Int("sim.seeds", 0, "how many seeds to run; 0: as many as fit into -sim.time")
	simTime     = flag.Duration("sim.time", 3*time.Second, "how long to run the simulation without -sim.seeds")
	simFrom     = flag.Uint64("sim.from", 1, "the first seed")
	simRequests = flag.Int("sim.requests", 600, "how many requests the clients of one seed make")
	simKeepOn   = flag.Bool("sim.keepon", false, "do not stop at the first seed that fails")
)

// TestSimulation runs the real loop in simulated worlds, one for each seed.
//
//	go test ./loop -run TestSimulation$ -sim.seeds=2000     a million requests
//	go test ./loop -run TestSimulation$ -sim.time=30m       as much as fits
//	go test ./loop -run TestSimulation$ -sim.seed=17 -v     that one again
func TestSimulation(t *testing.T) {
	buildSimTables(t)
	if *simSeed != 0 {
		replay(t, *simSeed)
		return
	}
	var (
		next, seeds, asked, answered, lives, turns atomic.Int64
		mu                                         sync.Mutex
		counts                                     simCounts
		wg                                         sync.WaitGroup
		failed                                     atomic.Bool
	)
	begin := time.Now()
	next.Store(int64(*simFrom) - 1)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for !failed.Load() || *simKeepOn {
				n := next.Add(1)
				if *simSeeds > 0 && n >= int64(*simFrom)+int64(*simSeeds) || *simSeeds == 0 && time.Since(begin) > *simTime {
					return
				}
				w := newSimWorld(uint64(n), *simRequests)
				if err := w.run(); err != nil {
					failed.Store(true)
					t.Errorf("seed %d: %v\n    To see it again: go test ./loop -run 'TestSimulation$' -v -sim.seed=%d -sim.requests=%d", n, err, n, *simRequests)
				}
				seeds.Add(1)
				asked.Add(int64(w.asked))
				answered.Add(int64(w.answered))
				lives.Add(int64(w.lives))
				turns.Add(int64(w.turns))
				mu.Lock()
				counts.add(&w.counts)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.Logf("%d seeds, %d lives of the loop, %d turns, %d requests, %d answers checked, in %v\nfaults:\n%s",
		seeds.Load(), lives.Load(), turns.Load(), asked.Load(), answered.Load(), time.Since(begin).Round(time.Millisecond), &counts)
}

// replay runs one seed and tells what happened at its end.
func replay(t *testing.T, seed uint64) {
	w := newSimWorld(seed, *simRequests)
	w.tracing = true
	err := w.run()
	if testing.Verbose() {
		path := filepath.Join(os.TempDir(), "monopoll-sim.txt")
		if err := os.WriteFile(path, []byte(strings.Join(w.trace, "\n")), 0o644); err == nil {
			t.Logf("all that happened is in %s", path)
		}
	}
	t.Logf("%d turns, %d requests, %d answers checked\nfaults:\n%s", w.turns, w.asked, w.answered, &w.counts)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
}
