package watch

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"monopoll/routes/config"
	"monopoll/routes/site"
)

const (
	// grace is how long a config file may be absent, empty or unreadable before
	// that counts as a mistake: an editor that truncates and then writes, or
	// that renames the old file away and then writes the new, takes microseconds,
	// and over a network some ten milliseconds.
	grace = 300 * time.Millisecond
	// graceStep is how often it is looked at meanwhile.
	graceStep = 30 * time.Millisecond
	// mendFirst and mendMost bound how often a refused config is tried again by
	// itself, each time after twice as long: what was wrong may be mended
	// elsewhere, as by making the missing folder or ending the other server.
	mendFirst = 2 * time.Second
	mendMost  = 30 * time.Second
	// tornMost is how often what changes while it is read is read anew. Twice in
	// a row is rare, as reading takes a millisecond and graceStep lies between.
	tornMost = 32

	// textMost is the largest file that is taken for a config; what is larger
	// is left to config.Load to refuse.
	textMost = 16 << 20
)

// configFile is what is known about the config on disk: what it said when it
// was taken, and which names lead to it. It reads files; it watches nothing.
type configFile struct {
	path string // absolute; "" when there is no file to watch

	running []byte    // the text being served; nil if not known
	mistake string    // why the last attempt was refused; "" if it was not
	unready time.Time // since when it is absent, empty or unreadable; zero if it is not
	hollow  time.Time // since when a body is that had content; zero if none is
	busy    time.Time // since when somebody has it open for writing; zero if nobody has
	at      time.Time // when to try it again; zero: not before something happens
	wait    time.Duration
	stamp   string // of the version that was read last, see stampOf
	torn    int    // how many times in a row something changed while it was read

	polled string    // why it is looked at every second; "" if it is not
	poll   time.Time // when it is

	names  map[name]struct{} // that lead to the file
	files  map[name]struct{} // that lead to what `respond: {file: …}` reads
	bodies []string          // those files
	filled map[string]bool   // those of them that had content when they were taken

	taken   map[string]inode // the inodes that are served, by path
	real    map[string]name  // what a path leads to
	written map[name]bool    // names that were written to since they appeared
}

// newConfigFile takes the path as the user named it. A pipe, as a shell makes
// it of <(command), has been read to its end and is not watched.
func newConfigFile(path string) (*configFile, error) {
	c := &configFile{written: map[name]bool{}}
	if path == "" || path == "-" {
		return c, nil
	}
	if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeNamedPipe != 0 {
		return c, nil
	}
	abs, err := filepath.Abs(path)
	c.path = abs
	return c, err
}

// label is how verdicts call it.
func (c *configFile) label() string {
	if c.path == "" {
		return "the config"
	}
	return filepath.Base(c.path)
}

// remember takes cfg for what is being served. Bodies that it reads for the
// first time were read before they were watched, so they are looked at again.
func (c *configFile) remember(cfg *config.Config, now time.Time) {
	c.settled()
	bodies := bodiesOf(cfg)
	c.filled = map[string]bool{}
	for _, a := range cfg.Actions() {
		if a.Kind == config.KindRespond && len(a.Respond.Body) > 0 {
			c.filled[a.Respond.File] = true
		}
	}
	if !slices.Equal(bodies, c.bodies) {
		c.at = now
	}
	c.running, c.bodies = cfg.Text(), bodies
	c.take()
}

// settled says that there is no mistake to come back to.
func (c *configFile) settled() {
	c.mistake, c.at, c.wait = "", time.Time{}, 0
}

// refused notes a mistake, says whether it is news, and when to try again.
func (c *configFile) refused(mistake string, now time.Time) (news bool) {
	news = c.mistake != mistake
	if c.wait *= 2; news || c.wait == 0 {
		c.wait = mendFirst
	}
	c.wait = min(c.wait, mendMost)
	c.mistake, c.at = mistake, now.Add(c.wait)
	return news
}

// trace finds the names again that lead to the file and to the bodies, and
// gives the directories in which they stand.
func (c *configFile) trace() (dirs []string) {
	c.names, c.files, c.real = map[name]struct{}{}, map[name]struct{}{}, map[string]name{}
	if c.path == "" {
		return nil
	}
	follow := func(path string, into map[name]struct{}) {
		for _, n := range spine(path) {
			into[n] = struct{}{}
			dirs = append(dirs, n.dir)
			c.real[path] = n
		}
	}
	follow(c.path, c.names)
	for _, path := range c.bodies {
		follow(path, c.files)
	}
	return dirs
}

// bodiesOf are the files that fixed responses are read from.
func bodiesOf(cfg *config.Config) (paths []string) {
	for _, a := range cfg.Actions() {
		if a.Kind == config.KindRespond && a.Respond.File != "" {
			paths = append(paths, a.Respond.File)
		}
	}
	return paths
}

// concerns says whether a name leads to the file, or to a body.
func (c *configFile) concerns(n name) (file, body bool) {
	_, file = c.names[n]
	_, body = c.files[n]
	return file, body
}

// stampOf names the versions of the file and the bodies without reading them.
func (c *configFile) stampOf(bodies []string) string {
	var b strings.Builder
	for _, path := range append([]string{c.path}, bodies...) {
		info, err := os.Stat(path)
		if err != nil {
			fmt.Fprintf(&b, "%v\n", err)
			continue
		}
		st := info.Sys().(*syscall.Stat_t)
		fmt.Fprintln(&b, st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim)
	}
	return b.String()
}

// look is what a glance at the file tells.
type look uint8

const (
	same    look = iota // as running
	changed             // something else: to be loaded
	notYet              // absent, empty or being written, but maybe only for a moment
)

// glance reads the text and says what to do about it. Half a config may be one,
// with half the listeners; so it is not read while somebody writes to it.
func (c *configFile) glance(now time.Time) (look, []byte) {
	c.stamp = c.stampOf(c.bodies)
	if c.isWritten(c.bodies, now) {
		c.at = now.Add(graceStep)
		return notYet, nil
	}
	if c.isHollow(now) {
		return notYet, nil
	}
	text, err := readSmall(c.path)
	missing := err != nil || len(bytes.TrimSpace(text)) == 0
	if c.waits(&c.unready, missing, now) {
		return notYet, nil
	}
	if missing {
		return changed, nil
	}
	if c.running != nil && bytes.Equal(bytes.TrimPrefix(text, bom), c.running) {
		return same, text
	}
	return changed, text
}

// waits says that what is so has been so for less than grace: then it is looked
// at again. since is kept for it.
func (c *configFile) waits(since *time.Time, so bool, now time.Time) bool {
	if !so {
		*since = time.Time{}
		return false
	}
	if since.IsZero() {
		*since = now
	}
	if now.Sub(*since) >= grace {
		return false
	}
	c.at = now.Add(graceStep)
	return true
}

// isHollow says that a body which had content has just lost it, or is gone.
func (c *configFile) isHollow(now time.Time) bool {
	hollow := false
	for _, path := range c.bodies {
		info, err := os.Stat(path)
		hollow = hollow || c.filled[path] && (err != nil || info.Mode().IsRegular() && info.Size() == 0)
	}
	return c.waits(&c.hollow, hollow, now)
}

// isWritten says that somebody has the file or one of the bodies open for
// writing, and has had for less than capSlow. Where the kernel does not tell, one
// that was written in place, and not renamed there, is waited for until it is quiet.
func (c *configFile) isWritten(bodies []string, now time.Time) bool {
	for _, path := range append([]string{c.path}, bodies...) {
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
	for _, path := range append([]string{c.path}, c.bodies...) {
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

// bom is the byte order mark that Config.Text leaves out.
var bom = []byte("\ufeff")

// readSmall reads a regular file of at most textMost bytes. A directory or
// a FIFO in its place is an error, not something to wait for.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > textMost {
		return nil, &os.PathError{Op: "read", Path: path, Err: os.ErrInvalid}
	}
	return os.ReadFile(path)
}
