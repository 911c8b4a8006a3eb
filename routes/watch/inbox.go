package watch

import (
	"errors"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// brokenMost is how many errors in a row, none of them an overflow, show that
// the inotify descriptor is of no use any more.
const brokenMost = 8

// inbox is where events wait. One goroutine (fill) does nothing but empty
// fsnotify's channels into it: a watch cannot be added while fsnotify waits to
// hand over an event, so whoever adds watches must not be the one who reads.
// It also means that the kernel's queue (16,384 events) is emptied while a
// rebuild goes on, and that events carry the time at which they came.
type inbox struct {
	mu       sync.Mutex
	settle   *settler
	overflow bool  // events were lost
	broken   error // no more events will come
	armed    time.Time
	// narrow has the directories of which only some names matter.
	narrow map[string]map[string]struct{}
	// awaited are names of which an event is expected, see probe.
	awaited map[name]bool
	wake    chan struct{} // has room for one: "look at the inbox"
}

func newInbox() *inbox {
	return &inbox{settle: newSettler(), awaited: map[name]bool{}, wake: make(chan struct{}, 1)}
}

// fill empties the channels until they are closed.
func (in *inbox) fill(events <-chan fsnotify.Event, errs <-chan error) {
	failed := 0
	for events != nil || errs != nil {
		select {
		case ev, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			failed = 0
			in.event(ev, time.Now())
		case err, ok := <-errs:
			if !ok {
				errs = nil
				continue
			}
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				if failed++; failed >= brokenMost {
					in.fail(err)
					continue
				}
			}
			in.lost()
		}
	}
}

// event notes what fsnotify reports. It has the path of a name in a watched
// directory, or that of a watched directory itself, which is the same thing to
// whoever watches its parent.
func (in *inbox) event(ev fsnotify.Event, now time.Time) {
	dir, base := filepath.Split(ev.Name)
	if base == "" || dir == "" {
		return
	}
	n := name{filepath.Clean(dir), base}
	if in.matters(n) {
		in.note(n, meaning(ev.Op), now)
	}
}

// matters says that somebody wants to know of a name.
func (in *inbox) matters(n name) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.awaited, n)
	names, narrow := in.narrow[n.dir]
	if !narrow {
		return true
	}
	_, named := names[n.base]
	return named
}

// setNarrow says of which directories only some names matter.
func (in *inbox) setNarrow(narrow map[string]map[string]struct{}) {
	in.mu.Lock()
	in.narrow = narrow
	in.mu.Unlock()
}

// widen makes every name of a directory matter, and says whether that is new.
func (in *inbox) widen(dir string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	_, was := in.narrow[dir]
	delete(in.narrow, dir)
	return was
}

// await begins to wait for an event, whatever it is, of a name.
func (in *inbox) await(n name) {
	in.mu.Lock()
	in.awaited[n] = true
	in.mu.Unlock()
}

// heard ends that, and says whether the event came.
func (in *inbox) heard(n name) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	waiting := in.awaited[n]
	delete(in.awaited, n)
	return !waiting
}

// meaning translates; an event has one bit set, save that a removed directory
// may be reported together with others.
func meaning(op fsnotify.Op) happening {
	switch {
	case op.Has(fsnotify.Remove):
		return removed
	case op.Has(fsnotify.Rename):
		return vanished
	case op.Has(fsnotify.Create):
		return appeared
	case op.Has(fsnotify.Write):
		return written
	default:
		return touched
	}
}

// note takes one happening in, and wakes the reader only if it would otherwise
// sleep too long: a stream of events wakes it once a batch.
func (in *inbox) note(n name, h happening, now time.Time) {
	in.add(func() { in.settle.note(n, h, now) }, now)
}

// unheard takes in what the patrol found.
func (in *inbox) unheard(n name, now time.Time) {
	in.add(func() { in.settle.unheard(n, now) }, now)
}

func (in *inbox) add(note func(), now time.Time) {
	in.mu.Lock()
	note()
	at := in.settle.next(now)
	early := in.armed.IsZero() || at.Before(in.armed)
	if early {
		in.armed = at
	}
	in.mu.Unlock()
	if early {
		in.rouse()
	}
}

// again puts back what the loader found busy. What it did not find so for the
// first time, and that waits already, it leaves alone.
func (in *inbox) again(d dirty, asked bool, now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if _, waits := in.settle.names[d.name]; asked || !waits {
		in.settle.again(d, now)
	}
}

// lost says that events were lost, so everything is to be scanned.
func (in *inbox) lost() {
	in.mu.Lock()
	in.overflow = true
	in.mu.Unlock()
	in.rouse()
}

// fail says that no events will come any more.
func (in *inbox) fail(err error) {
	in.mu.Lock()
	in.broken = err
	in.mu.Unlock()
	in.rouse()
}

func (in *inbox) rouse() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// written says that a name waits which was written to since it appeared there.
func (in *inbox) written(n name) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	p := in.settle.names[n]
	return p != nil && p.written
}

// news is what the inbox has for its reader.
type news struct {
	settled  []dirty
	overflow bool
	broken   error
}

// read takes out what is settled.
func (in *inbox) read(now time.Time) news {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := news{overflow: in.overflow, broken: in.broken}
	in.overflow, in.broken = false, nil
	if n.overflow {
		in.settle.forget()
	}
	n.settled = in.settle.ripe(now)
	return n
}

// next says when to read again; until then, note need not wake the reader.
// Zero: not before it does.
func (in *inbox) next(now time.Time) time.Time {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.armed = in.settle.next(now)
	return in.armed
}
