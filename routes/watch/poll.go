package watch

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
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
	// probeWait is how long the event of a probe may take. On a machine that is
	// so busy, polling does not hurt more than the rest.
	probeWait = 5 * time.Second
	// watchesMore is what max_user_watches is advised to be at least: what
	// kernels since 5.11 take themselves on a machine with 8 GiB.
	watchesMore = 524_288
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

// probe is a try whether a filesystem that should send events does. There are
// sandboxes (gVisor) and emulations that accept a watch and never report.
type probe struct {
	name  name // whose event is awaited
	dev   uint32
	until time.Time
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

// try starts a probe of the filesystem at path, once for each: it sets the
// directory's times to what they are, which changes nothing that anybody reads
// but its atime, and sends an event. A directory of another user, or a
// filesystem that is read-only, is not touched and believed.
func (w *Watcher) try(path string, now time.Time) {
	id, err := inodeOf(path)
	if err != nil || w.pulse.probed[id.dev] || w.kernel == nil {
		return
	}
	info, err := os.Stat(path)
	if err != nil || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
		return
	}
	w.pulse.probed[id.dev] = true
	n := name{filepath.Dir(path), filepath.Base(path)}
	if _, watched := w.watches.held(path); !watched {
		return
	}
	w.in.await(n)
	if os.Chtimes(path, now, info.ModTime()) != nil {
		w.in.heard(n)
		return
	}
	w.pulse.probes = append(w.pulse.probes, probe{n, id.dev, now.Add(probeWait)})
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
			shorten(w.table.Config.Dir, held)))
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

// judgeProbes polls the filesystems whose probes got no event.
func (w *Watcher) judgeProbes(now time.Time) {
	var waiting []probe
	for _, p := range w.pulse.probes {
		if now.Before(p.until) {
			waiting = append(waiting, p)
			continue
		}
		if w.in.heard(p.name) {
			continue
		}
		w.pulse.mute[p.dev] = "its filesystem takes watches and reports nothing"
		for _, r := range w.roots {
			if r.polled != "" {
				continue
			}
			if id, err := inodeOf(r.path); err == nil && id.dev == p.dev {
				r.polled = w.pulse.mute[p.dev]
				w.startPolling(r, now)
			}
		}
	}
	w.pulse.probes = waiting
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

// unwatched does what is to be done where a folder of a root cannot be watched.
func (w *Watcher) unwatched(r *root, err error) {
	if !tooLong(err) {
		w.deafen(r, err)
		return
	}
	if r.tree == nil || r.far != "" {
		return // a root in the making, see deafen
	}
	var at *fs.PathError
	_ = errors.As(err, &at) // all that hold gives for it are
	r.far = fmt.Sprintf("a folder in it (%s) has a path of more than %d bytes, which inotify does not take; shorter names, or a root that begins further in, let it be watched",
		abridged(shorten(w.table.Config.Dir, at.Path)), pathMost)
	r.polled = cmp.Or(r.polled, r.far)
	w.startPolling(r, time.Now())
}

// pathMost is PATH_MAX without the NUL at its end (limits.h).
const pathMost = 4095

// abridged leaves out the middle of a path that would fill the screen.
func abridged(path string) string {
	const end = 40
	if len(path) <= 3*end {
		return path
	}
	return strings.ToValidUTF8(path[:end], "") + "…" + strings.ToValidUTF8(path[len(path)-end:], "")
}

// deafen gives up the watches of a root for which there are not enough, so that
// others may have them.
func (w *Watcher) deafen(r *root, err error) {
	if r.deaf {
		return
	}
	r.deaf = true
	w.watches.forget(r.owner)
	if r.tree == nil {
		return // a root in the making; it comes here again when it is made
	}
	r.polled = reason(err)
	r.next = time.Now().Add(pollEvery)
	w.index.stale = true
	w.complain(w.call(r), err)
}

// goDeaf does without inotify from here on.
func (w *Watcher) goDeaf(err error) {
	_ = w.watches.close() // it is broken, whatever close says
	w.kernel, w.watches = nil, newWatches(deaf{err})
	for _, r := range w.roots {
		w.deafen(r, fmt.Errorf("%w: %w", errDeaf, err))
	}
	w.followConfig()
}

// complain says once for each reason that something is polled for want of
// watches, and what to do about it.
func (w *Watcher) complain(what string, err error) {
	key := reason(err)
	w.once(key, fmt.Sprintf("%s, and whatever comes after it, is looked at every second instead of being watched: %s; %s", what, key, remedy(err)))
}

// reason says why nothing is watched.
func reason(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "all inotify watches of this user are in use"
	case errors.Is(err, syscall.ENOMEM):
		return "the kernel has no memory for more inotify watches"
	case errors.Is(err, syscall.EMFILE):
		return "all inotify instances of this user are in use"
	}
	return "inotify does not work here (" + err.Error() + ")"
}

// remedy says what to do about it.
func remedy(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		more := max(watchesMore, 2*kernelNumber("max_user_watches"))
		return fmt.Sprintf("`sysctl fs.inotify.max_user_watches=%d` allows more, a file in /etc/sysctl.d keeps it so; then reload", more)
	case errors.Is(err, syscall.EMFILE):
		more := max(1024, 2*kernelNumber("max_user_instances"))
		return fmt.Sprintf("`sysctl fs.inotify.max_user_instances=%d` allows more; then restart", more)
	}
	return "changes are noticed all the same, a second later"
}

// kernelNumber reads a limit of inotify(7), 0 if it cannot.
func kernelNumber(limit string) int {
	text, err := os.ReadFile("/proc/sys/fs/inotify/" + limit)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return n
}

// once warns of something that does not change.
func (w *Watcher) once(key, text string) {
	if !w.said[key] {
		w.said[key] = true
		w.log.Warn(text)
	}
}
