package main

import "time"

// doubled is how soon after the first a second signal to end means no more than
// the first: timeout(1), a terminal with a parent that passes signals on, and
// some service managers send one to the process and to its group. Nobody
// presses Ctrl-C twice as fast.
const doubled = 50 * time.Millisecond

// told is what a signal to end means, before the server is ready as afterwards.
type told int

const (
	toldOnce  told = iota
	toldAgain      // the same that the first said
	toldTwice      // it is to be at once
)

// toldToEnd takes note of a signal to end.
func (p *process) toldToEnd() told {
	switch {
	case p.asked.IsZero():
		p.asked = time.Now()
		return toldOnce
	case time.Since(p.asked) <= doubled:
		return toldAgain
	}
	return toldTwice
}
