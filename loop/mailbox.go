package loop

import (
	"sync"

	"monopoll/loop/sys"
)

// mailbox is the only door by which other goroutines reach the loop: they post
// a letter, the loop reads it between two turns, on its own goroutine.
type mailbox struct {
	kernel sys.Kernel
	fd     int // an eventfd in the loop's epoll

	mu      sync.Mutex
	letters []letter
	closed  bool
}

// letter is something to be done by the loop.
type letter func(*Loop)

// post leaves a letter and wakes the loop. It gives false when the loop has
// ended and nobody will read it.
func (m *mailbox) post(what letter) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.letters = append(m.letters, what)
	if len(m.letters) == 1 {
		m.kernel.Wake(m.fd) // cannot fail: a counter of 2^64 is never full
	}
	return true
}

// receive reads all letters. Those that arrive meanwhile wait for the next turn.
func (m *mailbox) receive(l *Loop) {
	m.kernel.Drain(m.fd)
	m.mu.Lock()
	letters := m.letters
	m.letters = nil
	m.mu.Unlock()
	for _, what := range letters {
		what(l)
	}
}

// close refuses letters from now on and reads the last ones.
func (m *mailbox) close(l *Loop) {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.receive(l)
}
