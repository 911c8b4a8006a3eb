package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var manyReloads = flag.Int("reloads", 1000, "how many reloads must leave nothing behind, from 500 on")

// A thousand reloads, with listeners, routes, pages and bodies that come and go:
// the server is as large after them as before. Memory is what is reachable
// after a collection, since what the process has from the kernel depends on when
// the collector ran; and the least of each hundred, since pages are compressed
// meanwhile, now and then.
func TestThousandReloads(t *testing.T) {
	t.Parallel()
	const (
		warmUp, sample, each = 300, 100, 5 // compare two hundreds, measured at every fifth
		// slack is one more growth of a table, in bytes: all is so small here
		// that it would count for more than the 5 %.
		slack = 48 << 10
	)
	stays, moves := freeAddress(t), [2]string{freeAddress(t), freeAddress(t)}
	text := func(n int) string {
		return fmt.Sprintf("listeners:\n"+
			"  - {listen: '%s', routes: {/: {root: www}, /number: {respond: '%04d'}, '/only/%04d': {redirect: /}, /notes: {respond: {file: notes.txt}}}}\n"+
			"  - {listen: ['%s', 'unix:run/%d.sock'], %s}\n"+
			"log: {access: %s}\n", stays, n, n, moves[n%2], n%3,
			[]string{"root: www", fmt.Sprintf("respond: {status: %d}", 200+n%300), "echo: true", "sites: {dir: sites, default: a}"}[n%4],
			[]string{"off", "access.log"}[n/4%2])
	}
	dir := folder(t, map[string]string{"config.yaml": text(0), "run/": "", "notes.txt": "0000", "www/index.html": "0000",
		"www/sub/page.html": strings.Repeat("a page\n", 500), "sites/a/index.html": "a"})
	s := launch(t, probed(t, command(dir, "run")))
	clients := []*client{connect(t, stays), connect(t, stays)}
	var heap []uint64
	var open []map[string]int
	var resident []int
	for n := 1; n <= *manyReloads; n++ {
		replace(t, filepath.Join(dir, "config.yaml"), text(n))
		if n%3 == 0 {
			replace(t, filepath.Join(dir, "www/index.html"), fmt.Sprintf("%04d", n))
			replace(t, filepath.Join(dir, "notes.txt"), fmt.Sprintf("%04d", n))
		}
		if v := s.reload(); !v.OK {
			t.Fatalf("reload %d: %s", n, v.Text)
		}
		if _, body := clients[n%2].get("/number"); body != fmt.Sprintf("%04d", n) {
			t.Fatalf("reload %d: %q is served", n, body)
		}
		if first := n > warmUp && n <= warmUp+sample; (first || n > *manyReloads-sample) && n%each == 0 {
			heap = append(heap, s.probe().Heap)
			resident = append(resident, pss(s.cmd.Process.Pid))
			if n%120 == 0 { // where the config is the same save for its numbers
				var now map[string]int
				s.until("the former log to be closed", func() bool {
					now = s.descriptors()
					return now[filepath.Join(dir, "access.log")] == 0
				})
				open = append(open, now)
			}
		}
	}
	half := len(heap) / 2
	first, last := float64(slices.Min(heap[:half])), float64(slices.Min(heap[half:]))
	t.Logf("%d reloads: reachable %.0f KiB in the first hundred after the warm-up, %.0f KiB in the last (%+.1f %%); proportional set size %.1f MiB, %.1f MiB",
		*manyReloads, first/1024, last/1024, 100*(last-first)/first, mean(resident[:half])/1024, mean(resident[half:])/1024)
	if last > max(first*1.05, first+slack) {
		t.Error("memory grows")
	}
	if len(open) < 2 || !reflect.DeepEqual(open[0], open[len(open)-1]) {
		t.Errorf("descriptors at first %v, at last %v", open[0], open[len(open)-1])
	}
	if st := s.status(); st.Version < *manyReloads || st.Connections != len(clients) {
		t.Errorf("version %d, %d connections", st.Version, st.Connections)
	}
	s.stop()
}

// pss is the proportional set size of a process in KiB; see proc_pid_smaps(5).
func pss(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	for line := range strings.Lines(string(text)) {
		var n int
		if _, err := fmt.Sscanf(line, "Pss: %d kB", &n); err == nil {
			return n
		}
	}
	return 0
}

func mean(all []int) (m float64) {
	for _, n := range all {
		m += float64(n) / float64(len(all))
	}
	return m
}
