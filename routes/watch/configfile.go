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
}

// newConfigFile takes the path as the user named it. A pipe, as a shell makes
// it of <(command), has been read to its end and is not watched.
func newConfigFile(path string) (*configFile, error) {
	c := &configFile{}
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
	if !slices.Equal(bodies, c.bodies) {
		c.at = now
	}
	c.running, c.bodies = cfg.Text(), bodies
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
	c.names, c.files = map[name]struct{}{}, map[name]struct{}{}
	if c.path == "" {
		return nil
	}
	follow := func(path string, into map[name]struct{}) {
		for _, n := range spine(path) {
			into[n] = struct{}{}
			dirs = append(dirs, n.dir)
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
	add := func(a *config.Action) {
		if a.Kind == config.KindRespond && a.Respond.File != "" {
			paths = append(paths, a.Respond.File)
		}
	}
	for i := range cfg.Listeners {
		l := &cfg.Listeners[i]
		add(&l.Action)
		for j := range l.Routes {
			add(&l.Routes[j].Action)
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
	text, err := readSmall(c.path)
	if err != nil || len(bytes.TrimSpace(text)) == 0 {
		if c.unready.IsZero() {
			c.unready = now
		}
		if now.Sub(c.unready) < grace {
			c.at = now.Add(graceStep)
			return notYet, nil
		}
		return changed, nil
	}
	c.unready = time.Time{}
	if c.running != nil && bytes.Equal(bytes.TrimPrefix(text, bom), c.running) {
		return same, text
	}
	return changed, text
}

// isWritten says that somebody has the file or one of the bodies open for
// writing, and has had for less than capSlow.
func (c *configFile) isWritten(bodies []string, now time.Time) bool {
	for _, path := range append([]string{c.path}, bodies...) {
		if !openForWriting(path) {
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

// openForWriting asks the kernel for a read lease (fcntl(2), F_SETLEASE), which
// it gives on a file that nobody has open for writing, and gives it back. Files
// of other users and file systems without leases are believed to be at rest.
func openForWriting(path string) bool {
	const setLease, readLease, noLease = 1024, 0, 2 // F_SETLEASE, F_RDLCK, F_UNLCK
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	_, _, no := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), setLease, readLease)
	if no == 0 {
		_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), setLease, noLease) // cannot fail: we hold it
	}
	return no == syscall.EAGAIN
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
