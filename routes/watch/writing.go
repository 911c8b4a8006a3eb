package watch

import (
	"os"
	"slices"
	"syscall"
	"time"

	"monopoll/routes/site"
)

// isWritten says that somebody has the file or one of the bodies open for
// writing, and has had for less than capSlow; then it is looked at again. Where the
// kernel does not tell, one that was written in place is waited for until it is
// quiet, and one that was renamed there until the event of it must have come.
func (c *configFile) isWritten(bodies []string, now time.Time) bool {
	for _, path := range c.paths(bodies) {
		who, age := writingOf(path, now)
		quiet, again := site.QuietUntold, graceStep
		if who == site.Untold && !c.isInPlace(path) {
			quiet, again = site.HeardAfter, site.HeardAfter
		}
		if who == site.AtRest || who == site.Untold && age >= quiet {
			continue
		}
		if c.busy.IsZero() {
			c.busy = now
		}
		if now.Sub(c.busy) >= capSlow {
			return false
		}
		c.at = now.Add(again)
		return true
	}
	c.busy = time.Time{}
	return false
}

// isInPlace says that a file was written where it is: it is the inode that it was
// when it was taken, or an event told of it.
func (c *configFile) isInPlace(path string) bool {
	info, err := os.Stat(path)
	n := c.real[path]
	return err == nil && c.taken[path] == idOf(info) || c.written[n] || c.unsettled != nil && c.unsettled(n)
}

// noteInodes notes which inodes are served.
func (c *configFile) noteInodes() {
	c.taken = map[string]inode{}
	for _, path := range c.paths(c.bodies) {
		if info, err := os.Stat(path); err == nil {
			c.taken[path] = idOf(info)
		}
	}
}

// heard notes what an event told of a name: whether it was written where it is.
func (c *configFile) heard(d dirty) {
	if d.written {
		c.written[d.name] = true
	} else if d.moved {
		delete(c.written, d.name)
	}
}

// isTorn says that the file or one of the bodies is not what it was when the
// stamps were taken, or is being written: what was read since may be half of it. What
// changes without end is taken as it is after tornMost times.
func (c *configFile) isTorn(bodies, stamps []string, now time.Time) bool {
	// Who has written and closed it since has left a stamp; who has truncated it
	// within the clock's tick of the last stamp still has it open.
	written := c.isWritten(bodies, now)
	if !written && slices.Equal(c.standing(bodies).stamps, stamps) || c.torn == tornMost {
		c.torn = 0
		return false
	}
	c.torn++
	if !written {
		c.at = now.Add(graceStep)
	}
	return true
}

// writingOf asks the kernel who has a file open for writing, and says how long ago
// it was changed, which matters where the kernel does not tell.
func writingOf(path string, now time.Time) (who site.Writing, age time.Duration) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return site.AtRest, 0
	}
	defer f.Close()
	who = site.WritingOf(int(f.Fd()))
	info, err := f.Stat()
	if err != nil {
		return site.AtRest, 0
	}
	changed := info.Sys().(*syscall.Stat_t).Ctim
	return who, now.Sub(time.Unix(changed.Unix()))
}
