package watch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"monopoll/routes"
)

// Status is what is known about reloads at one moment.
type Status struct {
	// Version is that of the table being served, Since when it was published.
	Version int
	Since   time.Time
	// Mistake is why the last look at the config, or at a root, did not lead to
	// a table: the text of the verdict; "" if it did.
	Mistake string
}

// board is where the goroutine of Run writes what others may read.
type board struct {
	mu       sync.Mutex
	version  int
	since    time.Time
	mistakes map[string]string // by what they are about
	watched  string            // what is watched, without the number of folders
	folders  int
	polled   []string // a line each
}

func (b *board) publish(t *routes.Table, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version, b.since = t.Version, now
}

func (b *board) mistake(what, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mistakes == nil {
		b.mistakes = map[string]string{}
	}
	b.mistakes[what] = text
}

func (b *board) mend(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.mistakes, what)
}

// Status gives the version being served and what is wrong, if anything is. Any
// goroutine may ask.
func (w *Watcher) Status() Status {
	b := &w.board
	b.mu.Lock()
	defer b.mu.Unlock()
	var wrong []string
	for _, what := range slices.Sorted(maps.Keys(b.mistakes)) {
		wrong = append(wrong, b.mistakes[what])
	}
	return Status{b.version, b.since, strings.Join(wrong, "\n")}
}

// Describe says for a person what is watched and how, a line each. Any
// goroutine may ask.
func (w *Watcher) Describe() []string {
	b := &w.board
	b.mu.Lock()
	defer b.mu.Unlock()
	var lines []string
	if b.watched != "" {
		lines = append(lines, fmt.Sprintf("watching %s, by inotify in %d folder%s", b.watched, b.folders, plural(b.folders)))
	}
	return append(lines, b.polled...)
}

// rootsNamed is how many roots a line names before it counts the rest.
const rootsNamed = 5

// tidy brings up to date what depends on the roots, after a job.
func (w *Watcher) tidy() {
	stale := w.index.stale
	if stale {
		w.reindex()
	}
	w.board.mu.Lock()
	defer w.board.mu.Unlock()
	w.board.folders = w.watches.size()
	if w.config.polled == "" {
		w.patrol.rests(w.config.seen)
	} else {
		w.patrol.rests(standing{})
	}
	if !stale {
		w.patrol.sees(w.table, nil)
		return
	}
	without := make([]bool, 0, len(w.roots))
	for _, r := range w.roots {
		without = append(without, r.polled != "")
	}
	w.patrol.sees(w.table, without)
	var watched []string
	polled := map[string][]string{}
	if c := w.config; c.path != "" && c.polled == "" {
		watched = append(watched, c.label())
	} else if c.path != "" {
		polled[c.polled] = append(polled[c.polled], c.label())
	}
	for _, r := range w.roots {
		if r.polled == "" {
			watched = append(watched, w.call(r))
		} else {
			polled[r.polled] = append(polled[r.polled], w.call(r))
		}
	}
	w.board.watched, w.board.polled = list(watched), nil
	for _, why := range slices.Sorted(maps.Keys(polled)) {
		w.board.polled = append(w.board.polled, fmt.Sprintf("looking every second at %s: %s", list(polled[why]), why))
	}
}

// list names some things, each once, and counts the rest.
func list(all []string) string {
	once := unique(all)
	if more := len(once) - rootsNamed; more > 0 {
		once = append(once[:rootsNamed], fmt.Sprintf("%d more", more))
	}
	if len(once) < 2 {
		return strings.Join(once, "")
	}
	return strings.Join(once[:len(once)-1], ", ") + " and " + once[len(once)-1]
}

// unique gives some things in their order, each once.
func unique(all []string) (once []string) {
	seen := map[string]bool{}
	for _, s := range all {
		if !seen[s] {
			seen[s] = true
			once = append(once, s)
		}
	}
	return once
}
