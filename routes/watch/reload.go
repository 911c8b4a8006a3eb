package watch

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	}
	if a.kind == Reloaded {
		v, err := w.serveConfig(a, told, began)
		if err == nil {
			return v
		}
		a = attempt{kind: Refused, mistake: err.Error()}
	}
	v := Verdict{Kind: Unchanged, What: w.config.label()}
	if j.forced {
		v.What = "everything"
	}
	if len(content.trees) > 0 {
		v = w.serveContent(content, told, began)
	}
	switch {
	case a.kind == Refused:
		return w.refuse(a.mistake, began, j.forced)
	case a.kind == Mended:
		w.config.settled()
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
		tree, delta, err := w.refresh(r, was, ch, trees)
		w.askAgain(j, delta.Busy)
		if !w.trouble(r, err) && tree != was {
			trees[r] = tree
		}
	}
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
	if err.Error() != r.problem {
		r.problem = err.Error()
		w.say(Verdict{Kind: Refused, What: w.call(r), Mistakes: r.problem}, now)
	}
	return true
}

// attempt is what came of looking at the config. A kind of 0 means that it is
// not ready to be looked at.
type attempt struct {
	kind    Kind
	what    string // that changed
	config  *config.Config
	next    candidate
	changes []string
	mistake string
}

// reconfigure makes a table of the config on disk and of content, where the
// config is another than the one being served, or reads other files.
func (w *Watcher) reconfigure(j *job, content candidate) attempt {
	c := w.config
	if c.idle() {
		return attempt{kind: Unchanged}
	}
	w.followConfig()
	look, text := c.glance(time.Now())
	if look == notYet && !j.forced {
		return attempt{}
	}
	still := attempt{kind: Unchanged}
	if c.mistake != "" {
		still.kind = Mended
	}
	if look == same && !j.bodies && !j.all && !j.forced {
		c.take()
		return still
	}
	cfg, torn, err := w.readWhole(text)
	if torn && !j.forced {
		return attempt{}
	}
	if err != nil {
		return attempt{kind: Refused, mistake: err.Error()}
	}
	changes := difference(w.table.Config, cfg)
	if look == same && len(changes) == 0 {
		c.take()
		return still
	}
	next, err := w.build(cfg, content)
	if err != nil {
		return attempt{kind: Refused, mistake: err.Error()}
	}
	what := c.label()
	if look == same {
		what = cmp.Or(list(changedBodies(w.table.Config, cfg)), what)
	}
	return attempt{Reloaded, what, cfg, next, changes, ""}
}

// readWhole reads the config and its bodies, and says whether one of them was
// written meanwhile. Of bodies that it reads for the first time nobody knows how
// they were before, so those are read once more.
func (w *Watcher) readWhole(text []byte) (cfg *config.Config, torn bool, err error) {
	c := w.config
	bodies, stamp := c.bodies, c.stamp
	cfg, err = w.read(text)
	if err == nil && !slices.Equal(bodiesOf(cfg), bodies) {
		bodies = bodiesOf(cfg)
		stamp = c.stampOf(bodies)
		cfg, err = w.read(text)
	}
	return cfg, c.isTorn(bodies, stamp, time.Now()), err
}

// read makes a config of the text that was found, or finds out again why there
// is none.
func (w *Watcher) read(text []byte) (*config.Config, error) {
	was := w.table.Config
	if w.config.path == "" {
		text = w.config.running
	}
	if text != nil {
		return config.Parse(was.Path, was.Dir, text, w.hanging(time.Now())...)
	}
	// It is the absolute name that leads to the file: the folder that relative ones
	// start from may have been renamed away. To open a FIFO is to wait for somebody
	// who writes, perhaps for ever.
	path := w.config.path
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, config.Mistakes{{Path: was.Path, Text: "this is neither a file nor a folder; a config that is watched is a file"}}
	}
	cfg, err := config.Load(path)
	if err == nil { // it is back
		return config.Parse(was.Path, was.Dir, cfg.Text(), w.hanging(time.Now())...)
	}
	var mistakes config.Mistakes
	if now, lost := filepath.Abs(was.Path); errors.As(err, &mistakes) && lost == nil && now == path {
		for i := range mistakes {
			mistakes[i].Path = was.Path // it still leads there
		}
	}
	return nil, err
}

// followConfig watches the way to the config and to the bodies it reads. It may
// be a matter of symlinks, so it is followed until nothing new comes up.
func (w *Watcher) followConfig() {
	c := w.config
	for range stepsMost {
		names, files := c.names, c.files
		dirs := c.trace()
		if !maps.Equal(names, c.names) || !maps.Equal(files, c.files) {
			w.index.stale = true
			for _, dir := range dirs {
				w.in.widen(dir)
			}
		}
		added, err := w.watches.set("config", slices.Values(dirs))
		if err != nil {
			c.polled, c.poll = reason(err), time.Now().Add(pollEvery)
			w.complain(c.label(), err)
		}
		if len(added) == 0 {
			return
		}
	}
}

// stepsMost is how often a way that changes while it is followed is followed
// anew. Whoever changes it after that causes an event.
const stepsMost = 8

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
	w.bench.touch(now)
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
	w.bench.touch(time.Now())
	if v.Kept, v.Draining = out.Kept, out.Draining; len(told) == 0 {
		v.Kind, v.Version = Unchanged, w.table.Version
		return v
	}
	return w.say(v, began)
}

// refuse says why the config is not served, unless that was said already.
func (w *Watcher) refuse(mistake string, began time.Time, forced bool) Verdict {
	news := w.config.refused(mistake, time.Now())
	v := Verdict{Kind: Refused, What: w.config.label(), Config: true, Mistakes: mistake}
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
func (w *Watcher) call(r *root) string { return shorten(w.table.Config.Dir, r.tree.Path()) }

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
		text += " (" + strings.Join(d.Names, ", ") + ")"
	}
	return text
}
