package watch

import (
	"context"
	"time"
)

// Reload reads everything again, the config and every root, whether or not
// anything seems to have changed, and gives the verdict. It is how SIGHUP and
// the control socket ask; it returns early with ctx's end. A config that somebody
// is writing is waited for, as without being asked, for capSlow at the most: half of
// one may be a config, with half the listeners. Any goroutine may call it; it waits
// for Run, and if that ends says so.
func (w *Watcher) Reload(ctx context.Context) Verdict {
	reply := make(chan Verdict, 1)
	err := context.Canceled
	select {
	case w.requests <- reply:
		select {
		case v := <-reply:
			return v
		case <-ctx.Done():
			err = ctx.Err()
		case <-w.ended:
		}
	case <-ctx.Done():
		err = ctx.Err()
	case <-w.ended:
	}
	return Verdict{
		Kind: Refused, Version: w.Status().Version, At: time.Now(), What: w.config.label(),
		Mistakes: "the reload was not waited for: " + err.Error(),
	}
}

// asking are those who wait for what Reload asks.
type asking struct {
	replies []chan Verdict
	begun   bool // it has been looked at for all of them
	// served is what that look has changed already, where the config was not ready.
	served *Verdict
}

func (a *asking) add(reply chan Verdict) {
	a.replies, a.begun = append(a.replies, reply), false
}

// join has a job be what is asked: at once, and again when a config that was not
// ready then is due.
func (a *asking) join(j *job) {
	if len(a.replies) > 0 && (j.config || !a.begun) {
		j.all, j.config, j.forced = true, true, true
		a.begun = true
	}
}

// reply tells what came of the job, if something has.
func (a *asking) reply(j *job, v Verdict) {
	if !j.forced {
		return
	}
	if j.early {
		if v.Kind == Reloaded {
			a.served = &v
		}
		return
	}
	if v.Kind == Unchanged && a.served != nil {
		v = *a.served
	}
	for _, reply := range a.replies {
		reply <- v
	}
	a.replies, a.served = nil, nil
}

// retryWatches tries watches again that had run out: the limit may have been
// raised.
func (w *Watcher) retryWatches() {
	now := time.Now()
	for _, r := range w.roots {
		if (r.deaf || r.far != "") && w.kernel != nil && !r.hangs(now) {
			r.deaf, r.polled, r.far = false, "", ""
			w.follow(r, r.tree)
			w.inspect(r, now)
			clear(w.said)
		}
	}
	if w.kernel != nil {
		w.config.polled = ""
		w.followConfig()
		w.inspectConfig(now)
	}
	w.index.stale = true
}
