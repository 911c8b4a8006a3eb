package watch

import (
	"runtime"
	"time"
)

const (
	// busyRate is how much work a second makes the server a busy one (see
	// Options.Work), to which background work gives way; busyLook is over how
	// long the rate is measured at least.
	busyRate = 1000
	busyLook = 50 * time.Millisecond
	// busyShare is how many times as long as a piece of background work took it
	// waits, at the most, while the server stays busy: a site that always is would
	// otherwise never be compressed. A 200th is half a percent of a processor. A
	// page of 20 KB takes brotli some 50 ms at its best quality, and has to wait
	// for ten seconds; 256 KiB of a large file are hashed in 0.2 ms.
	busyShare = 200
	// longPiece is what the first piece of a kind is taken for that may be long.
	longPiece = 50 * time.Millisecond
	// restMost is how much work is rested from at once: less would be spent on
	// timers.
	restMost = 2 * time.Millisecond
)

// pace is how fast one goroutine of a round does its work, piece by piece.
type pace struct {
	s      *round
	since  time.Time
	last   time.Duration // what the last piece took
	worked time.Duration // and has not rested from

	at    time.Time // when the server's work was counted last
	count int64
	busy  bool
}

func (p *pace) begin() { p.since = time.Now() }

// end has the goroutine rest as long as it worked where there are only one or
// two processors: Go has no priorities, and a goroutine that never rests would
// make the loop share its processor with it.
func (p *pace) end() {
	p.last = time.Since(p.since)
	if runtime.GOMAXPROCS(0) > 2 {
		runtime.Gosched()
		return
	}
	if p.worked += p.last; p.worked >= restMost {
		p.s.rest(p.worked)
		p.worked = 0
	}
}

// giveWay returns when the server has time, or it has waited for long enough.
func (p *pace) giveWay() {
	if p.s.served == nil {
		return
	}
	most := busyShare * p.last
	for began := time.Now(); p.s.ctx.Err() == nil; {
		if now := time.Now(); now.Sub(p.at) >= busyLook {
			count := p.s.served()
			p.busy = p.at.IsZero() || float64(count-p.count) > busyRate*now.Sub(p.at).Seconds()
			p.at, p.count = now, count
		}
		if waited := time.Since(began); !p.busy || waited > most && waited > busyLook {
			return
		}
		p.s.rest(busyLook)
	}
}

// rest waits, but not beyond the end of the round.
func (s *round) rest(t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
	}
}
