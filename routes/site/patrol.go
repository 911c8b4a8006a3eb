package site

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Version is what a look at a name found: two looks that give the same Version
// found the same thing.
type Version struct {
	Stamp
	Size int64 // in bytes; the negative errno where the look failed
}

func versionOf(st *unix.Stat_t, err error) Version {
	if err != nil {
		errno, _ := err.(unix.Errno)
		return Version{Size: -int64(errno)}
	}
	return Version{stampOf(st), st.Size}
}

// Patrol compares trees with what is on disk by looking at names and nothing
// else: a stat for each file and each directory, no file is opened. It finds what
// no event tells of: a write through a memory mapping or through a hard link, a
// change below an overlay, a mount.
//
// It goes in small steps, and from step to step the tree may be another version:
// what it keeps between them is where it stands, by name, so that no tree is held
// in memory for its sake. Its methods are for one goroutine at a time.
type Patrol struct {
	// Differs is told of a name that is not as the tree has it, by the real path
	// of its directory, and what stands there. Without a name it is about the
	// directory: its entries are others than when they were listed. What it
	// returns then says whether to list them again; each that the tree does not
	// have is told.
	Differs func(dir, name string, found Version) bool

	calls int // how many stats this step may make
	made  int // and how many it has made
	// Where it stands, if resuming: the file that is next, or if that is "" the
	// directory itself.
	resuming     bool
	part         part
	folder, file string

	lister lister
	looked func(at int, path string) // of each stat; nil but in tests
}

// part names a part of a tree; they are gone through in the order of rank.
type part struct {
	rank rank
	rel  string
}

type rank int

const (
	plain    rank = iota // what is scanned without a symlink
	island               // a directory that only symlinks lead to
	symlinks             // the files that those of one directory lead to
)

// Walk goes on with the patrol of a tree for about so many stats. It says how many
// it has made, and whether it has come to the tree's end: then the next
// Walk begins anew, with this tree or with another.
func (p *Patrol) Walk(t *Tree, calls int) (made int, end bool) {
	p.calls, p.made = calls, 0
	for at, d := p.here(t); d != nil; at, d = p.after(t) {
		p.part = at
		if at.rank == symlinks && !p.links(t, d) || at.rank != symlinks && !p.dir(t, at.rel, d) {
			p.resuming = true
			return p.made, false
		}
		p.resuming = false
	}
	p.part, p.resuming = part{}, false
	return p.made, true
}

// here gives the part that the patrol is in, or if that is gone the one after it.
func (p *Patrol) here(t *Tree) (part, *Dir) {
	if t.gone {
		return part{}, nil // the way to it is watched
	}
	if d := p.part.of(t); d != nil {
		return p.part, d
	}
	p.resuming = false
	return p.after(t)
}

func (at part) of(t *Tree) *Dir {
	switch at.rank {
	case plain:
		return t.plain
	case island:
		return t.islands[at.rel]
	}
	return t.linked[at.rel]
}

// after gives the part that comes next, nil at the end.
func (p *Patrol) after(t *Tree) (next part, d *Dir) {
	for r, parts := range [...]map[string]*Dir{island: t.islands, symlinks: t.linked} {
		for rel := range parts {
			at := part{rank(r), rel}
			if p.part.before(at) && (d == nil || at.before(next)) {
				next, d = at, parts[rel]
			}
		}
		if d != nil {
			break
		}
	}
	return next, d
}

func (at part) before(other part) bool {
	return at.rank < other.rank || at.rank == other.rank && at.rel < other.rel
}

// stop notes where to go on, if the step is over.
func (p *Patrol) stop(folder, file string) bool {
	if p.made < p.calls {
		return false
	}
	p.folder, p.file = folder, file
	return true
}

// dir looks at a scanned directory and at all below it; false if the step was
// over before. On the way to where the patrol stands nothing is looked at again.
func (p *Patrol) dir(t *Tree, rel string, d *Dir) bool {
	dirs := 0
	if p.resuming && p.folder != rel {
		next, _, _ := strings.Cut(strings.TrimPrefix(p.folder[len(rel):], "/"), "/")
		var there bool
		if dirs, there = d.dirs.names.search(next); !there {
			p.resuming = false
		}
	} else {
		from := itself
		if p.resuming && p.file != "" {
			from, _ = d.files.names.search(p.file)
		}
		p.resuming = false
		if whole, there := p.names(t, rel, d, from); !there || !whole {
			return whole
		}
	}
	for ; dirs < d.dirs.names.len(); dirs++ {
		if !p.dir(t, join(rel, d.dirs.names.at(dirs)), d.dirs.list[dirs]) {
			return false
		}
	}
	return true
}

// itself stands before a directory's first file, for the directory.
const itself = -1

// names looks at a directory and its files, from one of them on. It says whether
// it came to their end before that of the step, and whether the directory is
// there.
func (p *Patrol) names(t *Tree, rel string, d *Dir, from int) (whole, there bool) {
	if from == itself && p.stop(rel, "") {
		return false, true
	}
	real := t.realPath(rel)
	fd, err := openRoot(real, pathFlags)
	if err != nil {
		p.made++
		if gone(err) || !d.Forbidden() && !starved(err) {
			p.parent(real, versionOf(&unix.Stat_t{}, err))
		}
		return true, false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if from == itself {
		if err := p.look(fd, "", unix.AT_EMPTY_PATH, &st); err != nil {
			return true, true
		}
		if st.Ctim.Nano() != d.listed && p.Differs(real, "", versionOf(&st, nil)) {
			p.list(t, real, d, &st)
		}
		from = 0
	}
	for i := from; i < d.files.names.len(); i++ {
		name := d.files.names.at(i)
		if p.stop(rel, name) {
			return false, true
		}
		p.one(fd, name, unix.AT_SYMLINK_NOFOLLOW, real, name, d.files.list[i])
	}
	return true, true
}

// parent tells that a directory is not there, or is another.
func (p *Patrol) parent(real string, found Version) {
	at := strings.LastIndexByte(real, '/')
	p.Differs(real[:max(at, 1)], real[at+1:], found)
}

// links looks at the files that the symlinks of a directory lead to. They are
// few: they are not divided.
func (p *Patrol) links(t *Tree, d *Dir) bool {
	if p.stop("", "") {
		return false
	}
	for _, name := range d.links() {
		if f := d.files.get(name); f != nil {
			dir := t.realPath(p.part.rel)
			p.one(unix.AT_FDCWD, dir+"/"+name, 0, dir, name, f)
		}
	}
	return true
}

// look is fstatat(2).
func (p *Patrol) look(at int, path string, flags int, st *unix.Stat_t) error {
	p.made++
	if p.looked != nil {
		p.looked(at, path)
	}
	return statBy(at, path, flags, st)
}

// one looks at the file that the tree has as name in dir.
func (p *Patrol) one(at int, path string, flags int, dir, name string, f *File) {
	var st unix.Stat_t
	err := p.look(at, path, flags, &st)
	if err == nil && f.is(&st) || err != nil && !gone(err) && f.Forbidden() || starved(err) {
		return
	}
	p.Differs(dir, name, versionOf(&st, err))
}

// list tells of the names of a directory that the tree does not have. Those that
// it has are looked at one by one anyway.
func (p *Patrol) list(t *Tree, real string, d *Dir, st *unix.Stat_t) {
	fd, err := openRoot(real, dirFlags)
	if d.Forbidden() != (err != nil) && !starved(err) {
		p.parent(real, versionOf(st, nil))
	}
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if p.lister.dents == nil {
		p.lister.dents = make([]byte, 8<<10) // it is there for as long as the server is
	}
	entries, err := p.lister.list(fd, t.opt)
	if err != nil {
		return // it cannot be read by anybody
	}
	defer p.lister.shrink()
	p.made += listCalls + len(entries)/listNames
	for _, e := range entries {
		_, link := slices.BinarySearch(d.links(), e.name)
		if link || d.files.get(e.name) != nil || d.dirs.get(e.name) != nil {
			continue
		}
		var st unix.Stat_t
		err := p.look(fd, e.name, unix.AT_SYMLINK_NOFOLLOW, &st)
		p.Differs(real, e.name, versionOf(&st, err))
	}
}

// listCalls is how many stats a list is counted for: it takes open, two getdents and
// close; and listNames is how many names more take as long as one.
const (
	listCalls = 4
	listNames = 32
)
