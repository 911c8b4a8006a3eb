package main

import (
	"bytes"
	"os"
	"sync"
	"time"
)

const (
	// spoolMost is how many bytes wait for standard error: more than a start of a
	// thousand sites says, with each of their mistakes.
	spoolMost = 1 << 20
	// spoolEnds is how long the end of the process waits until they are written.
	spoolEnds = time.Second
)

// standardError is where all goes that the process says while it serves, or is
// about to.
var standardError = &spool{to: os.Stderr}

// spool stands in front of a file that may not take what is written: a pipe whose
// reader has stalled, a terminal that was told to wait (Ctrl-S). Nobody who writes
// to a spool waits for that, and what there is no room for is lost and counted.
type spool struct {
	to *os.File

	mu      sync.Mutex
	waiting [][]byte // each as it was written: lines, whole ones
	size    int      // of all that waits, in bytes
	lost    int      // lines for which there was no room
	report  func(lines int)
	empty   chan struct{} // closed when nothing waits any more; nil: nothing does
}

// reports has f say how many lines were lost, once there is room to say it.
func (s *spool) reports(f func(lines int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report = f
}

// Write never waits and never fails. A text of any length has room where nothing
// waits. Once one was lost, so are all that come before the rest is written: that
// makes it one gap, and its report stands where it is.
func (s *spool) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost > 0 || s.size > 0 && s.size+len(text) > spoolMost {
		s.lost += bytes.Count(text, []byte{'\n'})
		return len(text), nil
	}
	s.waiting = append(s.waiting, bytes.Clone(text))
	s.size += len(text)
	if s.empty == nil {
		s.empty = make(chan struct{})
		go s.drain()
	}
	return len(text), nil
}

// drain writes until nothing waits. There is one at a time. What cannot be written
// for another reason than time is gone: there is no other place to say so.
func (s *spool) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.waiting) > 0 || s.lost > 0 {
		if len(s.waiting) == 0 {
			n := s.lost
			s.lost = 0
			s.unlocked(func() { s.report(n) })
			continue
		}
		text := s.waiting[0]
		s.unlocked(func() { s.to.Write(text) })
		s.waiting = s.waiting[1:]
		s.size -= len(text)
	}
	close(s.empty)
	s.empty = nil
}

func (s *spool) unlocked(do func()) {
	s.mu.Unlock()
	defer s.mu.Lock()
	do()
}

// flush waits until all is written, for spoolEnds at most; false when it is not.
func (s *spool) flush() bool {
	s.mu.Lock()
	empty := s.empty
	s.mu.Unlock()
	if empty == nil {
		return true
	}
	select {
	case <-empty:
		return true
	case <-time.After(spoolEnds):
		return false
	}
}
