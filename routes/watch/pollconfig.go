package watch

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"monopoll/routes/site"
)

// beatConfig asks for the config where it is due: after a mistake, while it is
// being written, and where it is polled and its version is another one. (Where it
// is watched, it is the patrol that looks for what no event tells of.)
func (w *Watcher) beatConfig(j *job, now time.Time) {
	c := w.config
	if c.idle() {
		return
	}
	if !c.at.IsZero() && !now.Before(c.at) {
		c.at = time.Time{}
		j.config, j.bodies = true, true
	}
	if c.polled == "" || now.Before(c.poll) {
		return
	}
	c.poll = now.Add(pollEvery)
	if !slices.Equal(c.standing(c.bodies).stamps, c.seen.stamps) {
		j.config, j.bodies = true, true
	}
	if orphaned(c.path) {
		w.once("orphan", fmt.Sprintf("%s was replaced where it comes from, but this mount still shows the old file, and always will: "+
			"mount the folder it is in instead of the file, and restart", c.path))
	}
}

// inspectConfig finds out whether the config must be polled, and names the trap
// that a single mounted file is.
func (w *Watcher) inspectConfig(now time.Time) {
	c := w.config
	if c.path == "" {
		return
	}
	path, err := filepath.EvalSymlinks(c.path)
	if err != nil {
		return
	}
	if who, _ := writingOf(path, now); who == site.Untold {
		w.sayUntold(c.label())
	}
	all := w.pulse.mounts(now)
	switch kind := mute(path, all); {
	case pinned(path, all):
		c.polled = "it is mounted as a single file"
		w.once("pinned", fmt.Sprintf("%s is mounted as a single file, as by `docker run -v ./%s:%s`: an editor that saves by renaming replaces "+
			"the file outside, and this mount keeps the old one. Mount the folder it is in instead", path, filepath.Base(path), path))
	case kind != "":
		c.polled = fmt.Sprintf("it is on %s, which does not tell of changes made elsewhere", kind)
	}
	if c.polled != "" {
		c.poll = now.Add(pollEvery)
	}
}

// untold is the key of what sayUntold says.
const untold = "untold"

// sayUntold says that the kernel does not tell who is writing to something.
func (w *Watcher) sayUntold(what string) {
	w.once(untold, fmt.Sprintf("%s belongs to another user, and without the right CAP_LEASE this server is not told who has a file open for writing: "+
		"one that is rewritten in place is taken %d ms after its last change instead of when its writer is done. "+
		"Files that are renamed into place are not concerned. AmbientCapabilities=CAP_LEASE in a systemd unit gives the right; "+
		"or let the files belong to the user who serves them", what, site.QuietUntold.Milliseconds()))
}
