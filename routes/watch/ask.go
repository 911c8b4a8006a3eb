package watch

import (
	"os"
	"slices"
	"time"
)

// hungAfter is how long a filesystem may take to open a folder before it is
// thought to hang. A disk that has to start turning takes longer: then its root
// is looked at a little later, which is all that comes of it.
const hungAfter = time.Second

// startPolls asks the filesystems of the roots that are due whether they answer.
// A file server that is down would hold whoever asks, for minutes; that shall
// not be us, who have other roots to look after.
func (w *Watcher) startPolls(now time.Time) {
	for _, r := range w.roots {
		if r.hangs(now) && !r.saidHung {
			r.saidHung = true
			w.log.Warn(w.call(r) + " does not answer: what is in memory is served on, and edits there are noticed when it does")
			w.background.leave(now)
		}
		if r.asking || r.next.IsZero() || now.Before(r.next) {
			continue
		}
		r.asking, r.asked = true, now
		r.answered.Store(false)
		go w.ask(r, append([]string{r.tree.Path()}, r.remote...))
	}
}

// ask opens some folders: to stat one, the kernel may not have to ask. Whatever
// comes of it is an answer.
func (w *Watcher) ask(r *root, folders []string) {
	for _, dir := range folders {
		if d, err := os.Open(dir); err == nil {
			_ = d.Close()
		}
	}
	r.answered.Store(true)
	select {
	case w.alive <- r:
	case <-w.ended:
	}
}

// hangs says that the filesystem of a root has been asked and does not answer.
func (r *root) hangs(now time.Time) bool {
	return r.asking && !r.answered.Load() && now.Sub(r.asked) >= hungAfter
}

// hanging gives the roots that hang, by their path in the config.
func (w *Watcher) hanging(now time.Time) (dirs []string) {
	for _, r := range w.roots {
		if r.hangs(now) {
			dirs = append(dirs, r.tree.Path())
		}
	}
	return dirs
}

// untouchable gives a test for the paths that are watched for a root that hangs,
// the way to it included: nobody may look at these.
func (w *Watcher) untouchable(now time.Time) func(path string) bool {
	var owners []string
	for _, r := range w.roots {
		if r.hangs(now) {
			owners = append(owners, r.owner, r.way)
		}
	}
	return func(path string) bool {
		return slices.ContainsFunc(owners, func(owner string) bool { return w.watches.wants(owner, path) })
	}
}

// poll looks at a root whose filesystem has answered.
func (w *Watcher) poll(r *root) {
	r.asking, r.next = false, time.Time{}
	if !slices.Contains(w.roots, r) {
		return // the config did without it meanwhile
	}
	began := time.Now()
	if r.saidHung {
		r.saidHung = false
		w.log.Info(w.call(r) + " answers again")
		w.background.touch(began)
		w.watches.dropStale(w.untouchable(began)) // it may have been left out
	}
	j := &job{}
	if r.unensured {
		r.unensured = false
		w.ensure(r, j, began)
	}
	j.askAll(r)
	w.perform(j)
	if r.polled != "" {
		took := time.Since(began)
		r.next = earliest(r.next, began.Add(max(pollEvery, took*pollShare)))
	}
}
