package watch

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"monopoll/routes/config"
)

const (
	// pollEvery is how often a root is looked at whose events do not come. It
	// costs a stat of each file, about 1 µs on a local disk. It is a little less
	// than a second, since FUSE and the like answer for a second from what they
	// know: together that stays under two.
	pollEvery = 900 * time.Millisecond
	// pollShare bounds that cost: looking takes at most one part in so many of
	// the time, so that a root of 500,000 files is polled more rarely.
	pollShare = 10
	// beatEvery is how often it is made sure that what is watched is still what
	// is served: a mount or an unmount sends no event.
	beatEvery = 5 * time.Second
)

// pulse is what happens every few seconds whether or not there are events.
type pulse struct {
	every  time.Duration // beatEvery, but for tests
	next   time.Time
	anew   bool // look at everything
	probes []probe
	probed map[uint32]bool   // devices
	mute   map[uint32]string // devices of which a probe got no event: why they are polled

	mounted   []mount
	mountedAt time.Time
}

func (p *pulse) begin(now time.Time) {
	p.every, p.next = beatEvery, now.Add(beatEvery)
	p.probed, p.mute = map[uint32]bool{}, map[uint32]string{}
}

// mounts gives the mount table as it was at most a second ago: there may be ten
// thousand roots to inspect.
func (p *pulse) mounts(now time.Time) []mount {
	if p.mounted == nil || now.Sub(p.mountedAt) > time.Second {
		p.mounted, p.mountedAt = mounts(), now
	}
	return p.mounted
}

// inspect finds out whether a root must be polled because its filesystem, or
// one mounted in it, does not tell when it changes.
func (w *Watcher) inspect(r *root, now time.Time) {
	path := r.path
	if _, err := inodeOf(path); err != nil {
		return
	}
	if !w.said[untold] && r.tree.Untold() {
		w.sayUntold(w.call(r))
	}
	if !r.deaf {
		r.polled = ""
	}
	all := w.pulse.mounts(now)
	kind := mute(path, all)
	inside := strings.TrimSuffix(path, "/") + "/"
	r.remote = nil
	for _, m := range all {
		if !strings.HasPrefix(m.point, inside) {
			continue
		}
		switch other := mute(m.point, all); {
		case other != "":
			r.remote = append(r.remote, m.point)
			kind = cmp.Or(kind, other)
		case pinned(m.point, all):
			r.polled = fmt.Sprintf("%s is mounted as a single file, whose changes its folder does not report", m.point)
		}
	}
	if kind != "" {
		r.polled = fmt.Sprintf("it is on %s, which does not tell of changes made elsewhere", kind)
	}
	if id, err := inodeOf(path); err == nil && r.polled == "" {
		r.polled = w.pulse.mute[id.dev]
	}
	r.polled = cmp.Or(r.polled, r.far)
	if r.polled == "" {
		w.try(path, now)
	}
	if r.polled != "" {
		w.startPolling(r, now)
	}
}

// beat does what is due by the clock: it asks for polled roots and the config,
// and now and then makes sure that every watch still is where it should be.
func (w *Watcher) beat(j *job, now time.Time) {
	w.beatConfig(j, now)
	w.startPolls(now)
	if now.Before(w.pulse.next) {
		return
	}
	w.pulse.next = now.Add(w.pulse.every)
	j.all = j.all || w.pulse.anew
	w.pulse.anew = false
	w.judgeProbes(now)
	if held := w.patrol.tend(now); held != "" {
		w.log.Warn(fmt.Sprintf("the filesystem of %s does not answer; until it does, nobody looks there for changes that no event tells of",
			config.Visible(shorten(w.table.Config.Dir, held))))
	}
	for _, r := range w.roots {
		if r.unensured = !r.next.IsZero() || r.asking; !r.unensured {
			w.ensure(r, j, now)
		}
	}
	for r, ch := range w.regain(j).changes {
		for dir := range ch {
			j.askWhole(r, dir)
		}
	}
}

// ensure makes sure that a root is watched where it is. That of a polled one may
// hang: poll does it, once its filesystem has answered.
func (w *Watcher) ensure(r *root, j *job, now time.Time) {
	w.sync(r, true)
	if !r.deaf && w.watches.isStale(r.path) {
		w.watches.dropFrom(r.path)
		j.askAll(r)
		w.inspect(r, now)
	}
}

// startPolling begins to look at a root every second, and says so.
func (w *Watcher) startPolling(r *root, now time.Time) {
	if r.next.IsZero() {
		r.next = now.Add(pollEvery)
	}
	w.index.stale = true
	if r.deaf {
		return // complain has said so, and what to do about it
	}
	w.once(w.call(r)+r.polled, fmt.Sprintf("%s is looked at every second: %s", w.call(r), r.polled))
}

// nextPoll is when a root or the config is due.
func (w *Watcher) nextPoll() (at time.Time) {
	at = w.config.at
	if w.config.polled != "" {
		at = earliest(at, w.config.poll)
	}
	for _, r := range w.roots {
		switch {
		case !r.asking:
			at = earliest(at, r.next)
		case !r.saidHung:
			at = earliest(at, r.asked.Add(hungAfter))
		}
	}
	return at
}
