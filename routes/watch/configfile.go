package watch

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"time"

	"monopoll/routes/config"
)

const (
	// grace is how long a config file may be absent, empty or unreadable before
	// that counts as a mistake, and a document root not be there before nothing of
	// it is served: an editor that truncates and then writes, or that renames the
	// old file away and then writes the new, takes microseconds, and over a network
	// some ten milliseconds; whoever does the same with two commands, a few more.
	grace = 300 * time.Millisecond
	// graceStep is how often it is looked at meanwhile.
	graceStep = 30 * time.Millisecond
	// mendFirst and mendMost bound how often a refused config is tried again by
	// itself, each time after twice as long: what was wrong may be mended
	// elsewhere, as by ending the other server. (A missing folder is watched for.)
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
	path string // absolute; "" when the config itself is no file to watch

	running []byte    // the text being served; nil if not known
	mistake string    // why the last attempt was refused; "" if it was not
	unready time.Time // since when it is absent, empty or unreadable; zero if it is not
	hollow  time.Time // since when a body is that had content; zero if none is
	busy    time.Time // since when somebody has it open for writing; zero if nobody has
	at      time.Time // when to try it again; zero: not before something happens
	wait    time.Duration
	seen    standing // what there was at the last glance
	torn    int      // how many times in a row something changed while it was read

	polled string    // why it is looked at every second; "" if it is not
	poll   time.Time // when it is

	names  map[name]struct{} // that lead to the file
	files  map[name]struct{} // that lead to what `respond: {file: …}` reads
	bodies []string          // those files
	filled map[string]bool   // those of them that had content when they were taken
	wanted []string          // files and folders that a refused config names and that cannot be used

	taken   map[string]inode // the inodes that are served, by path
	real    map[string]name  // what a path leads to
	written map[name]bool    // names that were written to since they appeared
	// unsettled says the same of names whose events wait still; nil: of none.
	unsettled func(name) bool
}

// newConfigFile takes the path as the user named it. A pipe, as a shell makes
// it of <(command), has been read to its end: only the bodies are watched then.
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

// idle says that there is nothing to follow: no file, and no body that the text
// that was read names.
func (c *configFile) idle() bool {
	return c.path == "" && (c.running == nil || len(c.bodies) == 0)
}

// paths gives the files there are: the config, and what it reads.
func (c *configFile) paths(bodies []string) []string {
	if c.path == "" {
		return bodies
	}
	return append([]string{c.path}, bodies...)
}

// label is how verdicts call it.
func (c *configFile) label() string {
	if c.path == "" {
		return "the config"
	}
	return config.Visible(filepath.Base(c.path))
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
	c.noteInodes()
}

// settled says that there is no mistake to come back to.
func (c *configFile) settled() {
	c.mistake, c.at, c.wait, c.wanted = "", time.Time{}, 0, nil
}

// refused notes a mistake, says whether it is news, and when to try again.
func (c *configFile) refused(a attempt, now time.Time) (news bool) {
	news = c.mistake != a.mistake
	if c.wait *= 2; news || c.wait == 0 {
		c.wait = mendFirst
	}
	c.wait = min(c.wait, mendMost)
	c.mistake, c.wanted, c.at = a.mistake, a.wanted, now.Add(c.wait)
	return news
}

// trace finds the names again that lead to the file and to the bodies, and
// gives the directories in which they stand.
func (c *configFile) trace() (dirs []string) {
	c.names, c.files, c.real = map[name]struct{}{}, map[name]struct{}{}, map[string]name{}
	follow := func(path string, into map[name]struct{}) {
		for _, n := range spine(path) {
			into[n] = struct{}{}
			dirs = append(dirs, n.dir)
			c.real[path] = n
		}
	}
	if c.path != "" {
		follow(c.path, c.names)
	}
	for _, path := range slices.Concat(c.bodies, c.wanted) {
		follow(path, c.files)
	}
	return dirs
}

// concerns says whether a name leads to the file, or to a body.
func (c *configFile) concerns(n name) (file, body bool) {
	_, file = c.names[n]
	_, body = c.files[n]
	return file, body
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
	c.seen = c.standing(c.bodies)
	if c.isWritten(c.bodies, now) {
		return notYet, nil
	}
	if c.isHollow(now) {
		return notYet, nil
	}
	if c.path == "" {
		return same, c.running
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
