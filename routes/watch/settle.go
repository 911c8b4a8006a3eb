package watch

import (
	"path/filepath"
	"time"
)

// How long to wait for more before the disk is believed. All of these trade
// the age of an answer against the number of rebuilds; none of them decides
// whether an answer is whole, which the loader alone does (it takes a file
// only if nobody writes to it and its stamps are the same before and after).
const (
	// quietFast closes a batch of names that appeared or were renamed:
	// nothing else has happened for so long. A rename is done when its event
	// arrives, so this only lets the second of two neighbours ("a.html", "b.css")
	// ride along. Two milliseconds is far below the 20 that a reader may wait,
	// and far above the microseconds between the calls of one `cp -r` of small
	// files.
	quietFast = 2 * time.Millisecond
	// quietGone is for a name that was removed: so long it is still served, for a
	// successor may be on its way. Between the two of `rm a; cp b a` a shell starts
	// a program, which takes it two to four milliseconds; a page that is really
	// gone may be there for the twenty that a reader may wait.
	quietGone = 6 * time.Millisecond
	// quietEach is added to quietFast for each further name of a burst, up to
	// quietSlow: a checkout or rsync of thousands of files has pauses of some
	// milliseconds, where the disk or the network is slow, and a pause is not its
	// end. 50 files that arrive together wait 7 ms for a next one, 230 wait 25.
	quietEach = 100 * time.Microsecond
	// capFast bounds a batch when events never stop, as when one file is
	// replaced every millisecond: 8 ms of waiting and a rebuild of one directory
	// stay under 20.
	capFast = 8 * time.Millisecond
	// capEach lets the bound grow with a burst that never stops: from 243 names
	// on it is capMost, so that 10,000 files, which git writes here in half a
	// second, are two or three rebuilds.
	capEach = time.Millisecond
	// capMost is the longest that a name which is not being written waits.
	capMost = 250 * time.Millisecond

	// quietSlow is for a name that is being written in place: so long after the
	// last write it is believed. Editors and shells write a page within a
	// millisecond; copying tools write blocks with a disk's read (about 10 ms)
	// between them.
	quietSlow = 25 * time.Millisecond
	// capSlow is when a name that is written to, or removed and made again, without
	// end is asked for anyway.
	capSlow = 2 * time.Second

	// againFirst is when a name that the loader found busy is asked for again;
	// the time doubles up to quietSlow, and after capSlow up to capMost.
	againFirst = 5 * time.Millisecond

	// burstWindow is the time over which a burst is counted, in two halves, so
	// that a slow trickle of ever new names (temporary files) is no burst.
	burstWindow = 250 * time.Millisecond
	// burstMost is the count from which nothing depends on it any more.
	burstMost = 250
)

// happening is what an event says about a name.
type happening uint8

const (
	// touched: permissions, times or the number of links changed.
	touched happening = iota
	// appeared: created, or renamed into place. inotify tells the two apart,
	// fsnotify does not; a write that follows shows that it was the first.
	appeared
	// vanished: renamed away. Its new name, if it has one here, is the next event,
	// and both are to change together.
	vanished
	// removed: unlinked.
	removed
	// written: bytes changed in place.
	written
)

// A name is an entry of a directory about which something may have changed.
type name struct{ dir, base string }

func (n name) path() string { return filepath.Join(n.dir, n.base) }

// pending is what is known about a dirty name. It is slow while somebody
// writes to it in place, and when it was removed a moment ago, and fast
// otherwise; a fast one waits for its batch, a slow one for its own quiet and then
// for its batch.
type pending struct {
	first time.Time
	slow  bool
	due   time.Time // slow: when it is believed if nothing more comes
	tries int       // how often the loader found it busy
	moved bool      // it appeared, vanished or was removed: another inode, perhaps
	// unheard: the patrol found it, and no event told of it
	unheard bool
	// written: it was written to since it appeared, and so was not renamed to
	// where it is
	written bool
}

// settler gathers dirty names until they are worth a rebuild. It is pure:
// time is an argument. It is owned by the inbox, under the inbox's mutex.
type settler struct {
	names map[name]*pending
	slow  int // how many of names are slow

	// The open batch: names that are believed and wait for company.
	batch       int       // how many
	batchFirst  time.Time // since when the first of them waits
	lastEvent   time.Time // of any kind, to any name
	nextSlow    time.Time // no slow name is due before; zero if unknown
	burst       map[name]struct{}
	burstBefore int // distinct names of the half-window before
	burstStart  time.Time
}

func newSettler() *settler {
	return &settler{names: map[name]*pending{}, burst: map[name]struct{}{}}
}

// note takes an event in. A write makes a name slow, and so does a removal; that
// it appeared or vanished makes it fast again, since whatever was being written has
// left this name, except that a name which appeared and is then written to was
// created empty. A touch changes neither: cp sets times on a file it has just
// written.
func (s *settler) note(n name, h happening, at time.Time) {
	s.count(n, at)
	s.lastEvent = at
	p := s.names[n]
	if p == nil {
		p = &pending{first: at}
		s.names[n] = p
		s.join(at)
	}
	p.moved = p.moved || h == appeared || h == vanished || h == removed
	p.written = h == written || h == touched && p.written
	switch {
	case h == written:
		s.write(p, at)
	case h == removed && at.Sub(p.first) < capSlow:
		s.slowDown(p)
		p.tries = 0
		s.delay(p, at.Add(quietGone))
	case p.slow && h != touched:
		p.slow, p.tries = false, 0
		s.slow--
		s.join(at)
	}
}

// unheard takes in that a name is not as it is served, of which no event told.
// It waits as if it had been written to now. What waits already, does so as
// before: its event came meanwhile.
func (s *settler) unheard(n name, at time.Time) {
	if s.names[n] != nil {
		return
	}
	p := &pending{first: at, slow: true, moved: true, unheard: true, written: true}
	s.names[n] = p
	s.slow++
	s.delay(p, at.Add(quietSlow))
}

// write postpones a name, within capSlow of its first write. A name past that
// which the loader found busy keeps the time that again gave it: else a writer
// that never rests would keep it from ever being asked for.
func (s *settler) write(p *pending, at time.Time) {
	due := at.Add(quietSlow)
	if most := p.first.Add(capSlow); due.After(most) {
		due = most
		if p.slow && p.tries > 0 {
			due = p.due
		}
	}
	s.slowDown(p)
	s.delay(p, due)
}

// slowDown takes a name out of the open batch.
func (s *settler) slowDown(p *pending) {
	if !p.slow {
		p.slow = true
		s.slow++
		s.batch--
	}
}

// again puts a name back that the loader found busy at the time given.
func (s *settler) again(d dirty, at time.Time) {
	wait := againFirst << min(d.tries, 10)
	if at.Sub(d.first) < capSlow {
		wait = min(wait, quietSlow)
	} else {
		wait = min(wait, capMost)
	}
	p := s.names[d.name]
	if p == nil {
		p = &pending{slow: true}
		s.names[d.name] = p
		s.slow++
	} else if !p.slow {
		// Something newer has happened to it and it is in a batch anyway.
		return
	}
	p.first, p.tries, p.written = d.first, d.tries+1, p.written || d.written
	s.delay(p, at.Add(wait))
}

// delay says when a slow name is due.
func (s *settler) delay(p *pending, due time.Time) {
	p.due = due
	if s.nextSlow.IsZero() || due.Before(s.nextSlow) {
		s.nextSlow = due
	}
}

// join counts one more name into the open batch.
func (s *settler) join(at time.Time) {
	if s.batch == 0 {
		s.batchFirst = at
	}
	s.batch++
}

// count keeps the number of distinct names of the last burstWindow or two.
func (s *settler) count(n name, at time.Time) {
	if age := at.Sub(s.burstStart); age >= burstWindow {
		s.burstBefore = 0
		if age < 2*burstWindow {
			s.burstBefore = len(s.burst)
		}
		clear(s.burst)
		s.burstStart = at
	}
	if len(s.burst) < burstMost {
		s.burst[n] = struct{}{}
	}
}

// patience gives the quiet that closes a batch and the cap that closes it
// without, for the burst as it is at the time given.
func (s *settler) patience(at time.Time) (quiet, most time.Duration) {
	n := len(s.burst) + s.burstBefore
	if at.Sub(s.burstStart) >= 2*burstWindow {
		n = 0
	}
	if n > 0 {
		n-- // the first of a burst is no burst
	}
	quiet = min(quietFast+time.Duration(n)*quietEach, quietSlow)
	most = min(capFast+time.Duration(n)*capEach, capMost)
	return quiet, most
}

// next gives the time at which ripe is worth calling, zero if nothing waits.
func (s *settler) next(now time.Time) time.Time {
	var at time.Time
	if s.batch > 0 {
		quiet, most := s.patience(now)
		at = s.lastEvent.Add(quiet)
		if end := s.batchFirst.Add(most); end.Before(at) {
			at = end
		}
	}
	if s.slow > 0 && (at.IsZero() || s.nextSlow.Before(at)) {
		at = s.nextSlow
	}
	return at
}

// dirty is a name that ripe gave out, with what again needs to know.
type dirty struct {
	name
	first time.Time
	tries int
	moved bool

	unheard, written bool
}

// overdue says that the name has been written to for so long that it should
// be taken as it is.
func (d dirty) overdue(now time.Time) bool { return now.Sub(d.first) >= capSlow }

// ripe gives the names that are settled, or none if it is too early: then
// next says when. Names that are still being written stay.
func (s *settler) ripe(now time.Time) []dirty {
	s.ripen(now)
	if s.batch == 0 {
		return nil
	}
	quiet, most := s.patience(now)
	if now.Sub(s.lastEvent) < quiet && now.Sub(s.batchFirst) < most {
		return nil
	}
	taken := make([]dirty, 0, s.batch)
	for n, p := range s.names {
		if !p.slow {
			taken = append(taken, dirty{n, p.first, p.tries, p.moved, p.unheard, p.written})
			delete(s.names, n)
		}
	}
	s.batch = 0
	return taken
}

// ripen moves slow names that are due into the batch. It looks at them all
// only when one of them may be due, at most once in quietFast.
func (s *settler) ripen(now time.Time) {
	if s.slow == 0 || now.Before(s.nextSlow) {
		return
	}
	next := time.Time{}
	for _, p := range s.names {
		switch {
		case !p.slow:
		case !p.due.After(now):
			p.slow = false
			s.slow--
			s.join(now)
		case next.IsZero() || p.due.Before(next):
			next = p.due
		}
	}
	if soon := now.Add(quietFast); !next.IsZero() && next.Before(soon) {
		next = soon
	}
	s.nextSlow = next
}

// forget drops everything that waits: a rescan covers it.
func (s *settler) forget() {
	clear(s.names)
	s.slow, s.batch, s.nextSlow = 0, 0, time.Time{}
}
