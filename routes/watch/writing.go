package watch

import (
	"os"
	"syscall"
	"time"

	"monopoll/routes/site"
)

// isWritten says that somebody has the file or one of the bodies open for
// writing, and has had for less than capSlow. Where the kernel does not tell, one
// that was written in place, and not renamed there, is waited for until it is quiet.
func (c *configFile) isWritten(bodies []string, now time.Time) bool {
	for _, path := range c.paths(bodies) {
		who, young := writingOf(path, now)
		if who == site.AtRest || who == site.Untold && !(young && c.isInPlace(path)) {
			continue
		}
		if c.busy.IsZero() {
			c.busy = now
		}
		return now.Sub(c.busy) < capSlow
	}
	c.busy = time.Time{}
	return false
}

// isInPlace says that a file was written where it is: it is the inode that it was
// when it was taken, or an event told of it.
func (c *configFile) isInPlace(path string) bool {
	info, err := os.Stat(path)
	return err == nil && c.taken[path] == idOf(info) || c.written[c.real[path]]
}

// take notes which inodes are served.
func (c *configFile) take() {
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

// isTorn says that the file or one of the bodies is not what it was when stamp
// was taken, or is being written: what was read since may be half of it. What
// changes without end is taken as it is after tornMost times.
func (c *configFile) isTorn(bodies []string, stamp string, now time.Time) bool {
	// Who has written and closed it since has left a stamp; who has truncated it
	// within the clock's tick of the last stamp still has it open.
	if !c.isWritten(bodies, now) && c.stampOf(bodies) == stamp || c.torn == tornMost {
		c.torn = 0
		return false
	}
	c.torn++
	c.at = now.Add(graceStep)
	return true
}

// writingOf asks the kernel who has a file open for writing, and says whether it
// changed so lately that this matters where the kernel does not tell.
func writingOf(path string, now time.Time) (who site.Writing, young bool) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return site.AtRest, false
	}
	defer f.Close()
	who = site.WritingOf(int(f.Fd()))
	if info, err := f.Stat(); err == nil {
		changed := info.Sys().(*syscall.Stat_t).Ctim
		young = now.Sub(time.Unix(changed.Unix())) < site.QuietUntold
	}
	return who, young
}
