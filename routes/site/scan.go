package site

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// scan is one look at a document root: the work of one Load or Refresh.
type scan struct {
	*Loader
	tree *Tree // what is being made
	now  time.Time
	// sameOptions: what prev holds has the right Shared already
	sameOptions bool
	// partial: it is a Refresh, and used began with all that the tree holds
	partial bool
	used    int64   // bytes of memory taken by now
	fresh   int64   // those for what was read by this scan
	held    int64   // bytes of memory that what is replaced by this tree takes until then
	bytes   int64   // bytes of content seen
	count   int     // files and directories seen
	files   int     // files seen
	full    bool    // memory may not do for all bodies: see fit
	changes Changes // what was asked for by name
	lister  lister
	levels  []*level // room for the drafts of directories that lie in each other
	scratch []byte   // a body that is read a second time
}

func (l *Loader) scan(t *Tree) *scan {
	s := &scan{Loader: l, tree: t, now: time.Now()}
	if l.Now != nil {
		s.now = l.Now()
	}
	return s
}

// draft collects what the entries of one directory turned out to be.
type draft struct {
	files []change[File]
	dirs  []change[Dir]
	links []string
	odd   []oddity
	// listed is what Dir.listed is to be
	listed int64
}

// level is room for the draft of one directory, to be used for the next one at
// the same depth: what a scan throws away lies between what it keeps, and makes
// of 100,000 small files a heap with 16 holes in a hundred pages.
type level struct {
	files []change[File]
	dirs  []change[Dir]
}

func (s *scan) level(depth int) *level {
	for len(s.levels) <= depth {
		s.levels = append(s.levels, &level{})
	}
	return s.levels[depth]
}

// dir reads the directory that fd is open on, and all below it. prev is what
// was known of it, nil for nothing; it is returned itself if it is still true.
func (s *scan) dir(fd int, rel string, prev *Dir, depth int) (*Dir, error) {
	listed, err := listing(fd)
	if err != nil {
		return nil, err
	}
	entries, err := s.lister.list(fd, s.tree.opt)
	if err != nil {
		return nil, err
	}
	defer s.lister.done(entries)
	if prev == nil {
		prev = &Dir{}
	}
	room := s.level(depth)
	d := draft{files: room.files[:0], dirs: room.dirs[:0], listed: listed}
	for _, e := range entries {
		if err := s.entry(fd, rel, e.name, e.typ, prev, &d, depth); err != nil {
			return nil, err
		}
	}
	room.files, room.dirs = d.files, d.dirs
	next := s.assemble(rel, prev, &d, nil)
	clear(d.files) // what fit puts out of memory must not be held by this
	clear(d.dirs)
	return next, nil
}

// listing gives the Dir.listed of the directory that fd is open on.
func listing(fd int) (ctime int64, err error) {
	var st unix.Stat_t
	err = fstat(fd, &st)
	return st.Ctim.Nano(), err
}

// typeOf gives the DT_ constant of a mode.
func typeOf(mode uint32) byte { return byte(mode & unix.S_IFMT >> 12) }

// odds says what a name is that cannot be served, by type.
var odds = map[byte]string{
	unix.DT_FIFO: "a FIFO",
	unix.DT_SOCK: "a socket",
	unix.DT_CHR:  "a character device",
	unix.DT_BLK:  "a block device",
}

// entry takes one name of a directory into its draft.
func (s *scan) entry(at int, rel, name string, typ byte, prev *Dir, d *draft, depth int) error {
	var st unix.Stat_t
	if typ == unix.DT_UNKNOWN {
		if err := statAt(at, name, &st); err != nil {
			if starved(err) {
				return err
			}
			if !gone(err) {
				d.forbid(name, err)
			}
			return nil
		}
		typ = typeOf(st.Mode)
	}
	switch typ {
	case unix.DT_REG:
		f, err := s.file(at, s.spot(rel, name), &st, prev.files.get(name))
		if err != nil {
			if starved(err) {
				return err
			}
			d.odd = append(d.odd, unreadable(name, err))
		}
		if f != nil {
			d.files = append(d.files, change[File]{name, f})
			return s.counted(f)
		}
	case unix.DT_DIR:
		return s.below(at, rel, name, prev.dirs.get(name), d, depth+1)
	case unix.DT_LNK:
		d.links = append(d.links, strings.Clone(name)) // not with the text of all names here
	default:
		if what := odds[typ]; what != "" {
			d.odd = append(d.odd, oddity{strings.Clone(name), "is " + what + " and is not served: only regular files are"})
		}
	}
	return nil
}

// below reads the directory name in at.
func (s *scan) below(at int, rel, name string, prev *Dir, d *draft, depth int) error {
	if depth > maxDepth {
		d.odd = append(d.odd, oddity{strings.Clone(name), fmt.Sprintf("lies more than %d directories deep and is not served", maxDepth)})
		return nil
	}
	rel = join(rel, name)
	s.enter(rel)
	var sub *Dir
	fd, err := openAt(at, name, dirFlags)
	if err == nil {
		sub, err = s.dir(fd, rel, prev, depth)
		unix.Close(fd)
	}
	switch {
	case err == nil:
	case gone(err):
		return nil
	case denied(err):
		sub = forbiddenDir()
		if prev != nil && prev.Forbidden() {
			sub = prev
		}
		d.odd = append(d.odd, unreadable(name, err))
	default:
		return err
	}
	d.dirs = append(d.dirs, change[Dir]{name, sub})
	return s.counted(nil)
}

func unreadable(name string, err error) oddity {
	return oddity{strings.Clone(name), fmt.Sprintf("cannot be read: %v; requests for it get 403", err)}
}

// forbid takes a name in that cannot even be looked at.
func (d *draft) forbid(name string, err error) {
	d.files = append(d.files, change[File]{name, forbidden(Stamp{})})
	d.odd = append(d.odd, unreadable(name, err))
}

// counted counts one more file, or directory if f is nil.
func (s *scan) counted(f *File) error {
	s.count++
	if f != nil {
		s.files++
		s.bytes += f.Size()
		if s.Progress != nil && s.files%progressEvery == 0 {
			s.Progress(s.files, s.bytes)
		}
	}
	if s.MaxFiles > 0 && s.count > s.MaxFiles {
		return fmt.Errorf("more than %d files and directories (limits.files); raise limits.files, or serve a smaller folder", s.MaxFiles)
	}
	return nil
}

func (s *scan) enter(rel string) {
	if s.Enter != nil {
		s.Enter(s.tree.realPath(rel))
	}
}
