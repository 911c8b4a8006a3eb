package watch

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"monopoll/routes/config"
)

// attempt is what came of looking at the config. A kind of 0 means that it is
// not ready to be looked at.
type attempt struct {
	kind    Kind
	what    string // that changed
	config  *config.Config
	next    candidate
	changes []string
	mistake string
	wanted  []string // see configFile
}

// refusal is an attempt that came to nothing.
func refusal(err error) attempt {
	a := attempt{kind: Refused, mistake: err.Error()}
	var mistakes config.Mistakes
	if errors.As(err, &mistakes) {
		for _, m := range mistakes {
			var at *fs.PathError
			if errors.As(m, &at) {
				a.wanted = append(a.wanted, at.Path)
			}
		}
	}
	return a
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
	if look == notYet {
		return attempt{}
	}
	still := attempt{kind: Unchanged}
	if c.mistake != "" {
		still.kind = Mended
	}
	if look == same && !j.bodies && !j.all && !j.forced {
		c.noteInodes()
		return still
	}
	cfg, torn, err := w.readWhole(text)
	if torn {
		return attempt{}
	}
	if err != nil {
		return refusal(err)
	}
	changes := difference(w.table.Config, cfg)
	if look == same && len(changes) == 0 {
		c.noteInodes()
		return still
	}
	next, err := w.build(cfg, content)
	if err != nil {
		return refusal(err)
	}
	what := c.label()
	if look == same {
		what = cmp.Or(list(changedBodies(w.table.Config, cfg)), what)
	}
	return attempt{kind: Reloaded, what: what, config: cfg, next: next, changes: changes}
}

// readWhole reads the config and its bodies, and says whether one of them was
// written meanwhile. Of bodies that it reads for the first time nobody knows how
// they were before, so those are read once more.
func (w *Watcher) readWhole(text []byte) (cfg *config.Config, torn bool, err error) {
	c := w.config
	bodies, stamps := c.bodies, c.seen.stamps
	cfg, err = w.read(text)
	if err == nil && !slices.Equal(bodiesOf(cfg), bodies) {
		bodies = bodiesOf(cfg)
		stamps = c.standing(bodies).stamps
		cfg, err = w.read(text)
	}
	return cfg, c.isTorn(bodies, stamps, time.Now()), err
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
