package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"monopoll/routes/config"
	"monopoll/routes/site"
)

// perform does a job: it reads what may have changed, has the table of it
// served in one commit, and says so. Content comes together with the config
// where both have changed, and without it where that is refused.
func (w *Watcher) perform(j *job) Verdict {
	began := time.Now()
	defer w.tidy()
	content, told := w.content(j, began)
	a := attempt{kind: Unchanged}
	if j.config {
		a = w.reconfigure(j, content)
		j.early = a.kind == 0
	}
	if a.kind == Reloaded {
		v, err := w.serveConfig(a, told, began)
		if err == nil {
			return v
		}
		a = refusal(err)
	}
	v := Verdict{Kind: Unchanged, What: w.config.label()}
	if len(content.trees) > 0 {
		v = w.serveContent(content, told, began)
	}
	if v.Kind == Unchanged && j.forced {
		v.What = "everything"
		if n := len(j.busy); n > 0 {
			v.What = fmt.Sprintf("everything but %d file%s being written", n, plural(n))
		}
	}
	switch {
	case j.early:
		return v
	case a.kind == Refused:
		return w.refuse(a, began, j.forced)
	case a.kind == Mended:
		w.config.settled()
		w.followConfig()
		return w.say(Verdict{Kind: Mended, What: w.config.label(), Config: true}, began)
	case j.config && v.Kind == Unchanged:
		return w.say(v, began)
	}
	return v
}

// content looks at the roots that a job is about. The candidate is the table
// being served, where nothing has changed.
func (w *Watcher) content(j *job, began time.Time) (c candidate, told []string) {
	c = candidate{table: w.table, roots: w.roots, trees: map[*root]*site.Tree{}}
	if j.all {
		w.watches.dropStale(w.untouchable(began))
		for _, r := range w.roots {
			j.askAll(r)
		}
	}
	w.loader.Written = func(dir, base string) bool {
		n := name{dir, base}
		return j.dirty[n].written || w.in.written(n)
	}
	defer func() { w.loader.Written = nil }()
	w.look(j, c.trees)
	for range stepsMost {
		again := w.regain(j)
		if len(again.changes) == 0 {
			break
		}
		w.look(again, c.trees)
	}
	for _, r := range w.roots {
		if tree := c.trees[r]; tree != nil {
			if delta := site.Compare(r.tree, tree); !delta.Empty() {
				told = append(told, w.call(r)+": "+tell(delta))
			}
		}
	}
	if len(c.trees) > 0 {
		c.table = w.table.WithTrees(func(trees []*site.Tree) {
			for i, r := range w.roots {
				if tree := c.trees[r]; tree != nil {
					trees[i] = tree
				}
			}
		})
	}
	// One folder may be two roots, with other headers; it is told once.
	return c, unique(told)
}

// look makes the next trees of the roots that a job is about, where they are
// others than before.
func (w *Watcher) look(j *job, trees map[*root]*site.Tree) {
	now := time.Now()
	for r, ch := range j.changes {
		if r.hangs(now) {
			continue // it is looked at as a whole when it answers
		}
		was := trees[r]
		if was == nil {
			was = r.tree
		}
		if r.problem != "" {
			// The tree knows nothing of what the last look was about.
			ch = everything(was)
		}
		if r.isExchanged(now) {
			continue
		}
		tree, delta, err := w.refresh(r, was, ch, trees)
		w.askAgain(j, delta.Busy)
		if !w.trouble(r, err) && tree != was {
			trees[r] = tree
		}
	}
}

// isExchanged says that a root is not there, and has been so for less than grace:
// somebody may be about to put another in its place, as by mv and mv. It is looked
// at again.
func (r *root) isExchanged(now time.Time) bool {
	if _, err := os.Stat(r.tree.Path()); !errors.Is(err, fs.ErrNotExist) || r.tree.Gone() {
		r.lost = time.Time{}
		return false
	}
	if r.lost.IsZero() {
		r.lost = now
	}
	if now.Sub(r.lost) >= grace {
		return false
	}
	r.next = now.Add(graceStep)
	return true
}

// regain brings back watches that were dropped, and says where to look again.
func (w *Watcher) regain(j *job) *job {
	again := &job{dirty: j.dirty}
	found, at, err := w.watches.regain(w.untouchable(time.Now()))
	if err != nil {
		w.index.around(at, func(r *root) { w.deafen(r, err) })
	}
	for _, dir := range found {
		w.index.around(dir, func(r *root) { again.askWhole(r, dir) })
	}
	return again
}

// askAgain has the inbox bring back what somebody had open for writing.
func (w *Watcher) askAgain(j *job, busy site.Changes) {
	now := time.Now()
	for dir, names := range busy {
		for base := range names {
			n := name{dir, base}
			if j.busy == nil {
				j.busy = map[name]bool{}
			}
			j.busy[n] = true
			d, asked := j.dirty[n]
			if !asked {
				d = dirty{name: n, first: now}
			}
			w.in.again(d, asked, now)
		}
	}
}

// trouble reports that a root could not be looked at, once, and has it looked
// at again soon: descriptors may be free by then, or files fewer.
func (w *Watcher) trouble(r *root, err error) bool {
	if err == nil {
		if r.problem != "" {
			r.problem = ""
			w.board.mend(w.call(r))
			w.log.Info(w.call(r) + " can be read again")
		}
		return false
	}
	now := time.Now()
	r.next = now.Add(pollEvery)
	if problem := config.Visible(err.Error()); problem != r.problem {
		r.problem = problem
		w.say(Verdict{Kind: Refused, What: w.call(r), Mistakes: r.problem}, now)
	}
	return true
}

// serveConfig has the table of a new config served.
func (w *Watcher) serveConfig(a attempt, told []string, began time.Time) (Verdict, error) {
	out, err := w.commit(a.next)
	if err != nil {
		return Verdict{}, err
	}
	now := time.Now()
	w.config.remember(a.config, now)
	w.followConfig()
	w.inspectConfig(now)
	w.background.touch(now)
	return w.say(Verdict{
		Kind: Reloaded, What: a.what, Config: true,
		Changes: append(a.changes, told...), Kept: out.Kept, Draining: out.Draining,
	}, began), nil
}

// serveContent has a table served in which only document roots have changed.
// Where nobody could tell the difference, nobody is told.
func (w *Watcher) serveContent(c candidate, told []string, began time.Time) Verdict {
	var what []string
	for _, r := range c.roots {
		if c.trees[r] != nil {
			what = append(what, w.call(r))
		}
	}
	v := Verdict{Kind: Reloaded, What: strings.Join(unique(what), ", "), Changes: told}
	if len(told) == 0 {
		c.table.Version = w.table.Version // nobody will know it by another
	}
	out, err := w.commit(c)
	if err != nil {
		// Nothing about a file can fail here: the server is ending. In case it
		// is not, the next beat looks at everything.
		w.pulse.anew = true
		v.Kind, v.Mistakes = Refused, err.Error()
		return w.say(v, began)
	}
	w.background.touch(time.Now())
	if v.Kept, v.Draining = out.Kept, out.Draining; len(told) == 0 {
		v.Kind, v.Version = Unchanged, w.table.Version
		return v
	}
	return w.say(v, began)
}

// refuse says why the config is not served, unless that was said already.
func (w *Watcher) refuse(a attempt, began time.Time, forced bool) Verdict {
	now := time.Now()
	news := w.config.refused(a, now)
	if news {
		w.followConfig()
		if len(a.wanted) > 0 {
			w.config.at, w.config.wait = now, 0 // it may have come before it was watched for
		}
	}
	v := Verdict{Kind: Refused, What: w.config.label(), Config: true, Mistakes: a.mistake}
	if news || forced {
		return w.say(v, began)
	}
	v.Version = w.table.Version
	w.log.Debug(w.config.label() + " still has the same mistakes")
	return v
}

// say completes a verdict and tells it to everybody.
func (w *Watcher) say(v Verdict, began time.Time) Verdict {
	v.At = time.Now()
	v.Took = v.At.Sub(began)
	v.Version = w.table.Version
	switch v.Kind {
	case Refused:
		w.board.mistake(v.What, v.Mistakes)
	case Reloaded, Mended:
		if v.Config {
			w.board.mend(w.config.label())
		}
	}
	v.record(w.log)
	if w.opt.Report != nil {
		w.opt.Report(v)
	}
	return v
}

// call is how people know a root.
func (w *Watcher) call(r *root) string {
	return config.Visible(shorten(w.table.Config.Dir, r.tree.Path()))
}

// namesMost is up to how many files are called by their names.
const namesMost = 3

// tell says how a root has changed: "3 files changed, 1 added".
func tell(d site.Delta) string {
	var parts []string
	files := 0
	for _, p := range []struct {
		n    int
		what string
	}{{d.Changed, "changed"}, {d.Added, "added"}, {d.Removed, "removed"}} {
		if p.n == 0 {
			continue
		}
		noun := ""
		if len(parts) == 0 {
			noun = " file" + plural(p.n)
		}
		parts = append(parts, fmt.Sprintf("%d%s %s", p.n, noun, p.what))
		files += p.n
	}
	text := strings.Join(parts, ", ")
	if files <= namesMost && files == len(d.Names) {
		text += " (" + config.Visible(strings.Join(d.Names, ", ")) + ")"
	}
	return text
}
