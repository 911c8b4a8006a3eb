package site

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// linker makes the Dirs that are served of those that were scanned, where
// symlinks are about: it follows each of them, inside the root only. The
// kernel follows none for us; a path is gone through name by name, and each
// directory on the way is noted, since a change there may change the end.
//
// A directory is evaluated once, however many symlinks lead to it. A symlink to
// a directory that is being evaluated, or that holds one, would close a circle
// and is cut off.
type linker struct {
	*scan
	prev  *Tree
	root  int // open on the document root
	stack []string
	// islands are scanned directories that are reached by symlinks only: they
	// lie in hidden ones.
	islands map[string]*Dir
}

// link completes the tree being made with what its symlinks lead to. root is
// open on the document root; prev, if not nil, is the tree before it.
func (s *scan) link(root int, prev *Tree) error {
	t := s.tree
	if s.partial {
		s.discount(t.extra) // all of that is counted anew
	}
	t.root, t.islands, t.linked, t.hops, t.extra = t.plain, nil, nil, nil, totals{}
	if t.plain.sum.links == 0 {
		return nil
	}
	if prev == nil {
		prev = &Tree{}
	}
	k := &linker{scan: s, prev: prev, root: root, islands: map[string]*Dir{}}
	t.linked, t.hops = map[string]*Dir{}, map[string]bool{}
	served, err := k.eval("", t.plain)
	if err != nil {
		return err
	}
	t.root, t.islands = served, k.islands
	t.extra = t.extras()
	return nil
}

// eval gives the served version of the scanned directory at rel.
func (k *linker) eval(rel string, d *Dir) (*Dir, error) {
	if d.sum.links == 0 {
		return d, nil
	}
	t := k.tree
	if done := t.linked[rel]; done != nil {
		return done, nil
	}
	k.stack = append(k.stack, rel)
	defer func() { k.stack = k.stack[:len(k.stack)-1] }()
	old := k.prev.linked[rel]
	if old == nil {
		old = &Dir{}
	}
	var dr draft
	for i, child := range d.dirs.list {
		name := d.dirs.names.at(i)
		served, err := k.eval(join(rel, name), child)
		if err != nil {
			return nil, err
		}
		if served != child {
			dr.dirs = append(dr.dirs, change[Dir]{name, served})
		}
	}
	if err := k.follow(rel, d, old, &dr); err != nil {
		return nil, err
	}
	next := k.assemble(rel, d, old, &dr)
	t.linked[rel] = next
	return next, nil
}

// assemble joins a scanned directory with what its symlinks lead to.
func (k *linker) assemble(rel string, d, old *Dir, dr *draft) *Dir {
	next := *d
	sortChanges(dr.dirs)
	next.dirs = d.dirs.with(dr.dirs)
	next.files = d.files.with(dr.files)
	touched := Names{}
	for _, c := range dr.files {
		touched[c.name] = false
	}
	files, stale := k.pair(rel, next.files, next.partners(touched))
	// a file that comes out as it was is the one it was
	var kept []change[File]
	for i, f := range files.list {
		if was := old.files.get(files.names.at(i)); was != nil && was != f && f.same(was) {
			kept = append(kept, change[File]{files.names.at(i), was})
		}
	}
	next.files = files.with(kept)
	odd := slices.Concat(d.odd(), dr.odd, stale)
	slices.SortStableFunc(odd, func(a, b oddity) int { return strings.Compare(a.name, b.name) })
	next.has(d.links(), odd)
	if next.same(old) {
		return old
	}
	return &next
}

// same says that two files are the same to whoever asks for them.
func (f *File) same(g *File) bool {
	a, b := *f, *g
	a.coded, b.coded = nil, nil
	return a == b && f.coded.same(g.coded)
}

// follow takes what each symlink of a directory leads to into the draft.
func (k *linker) follow(rel string, d, old *Dir, dr *draft) error {
	if len(d.links()) == 0 {
		return nil
	}
	way, err := k.trail(rel)
	if err != nil {
		if gone(err) || denied(err) {
			return nil // it is not what it was when it was scanned; its own change will tell
		}
		return err
	}
	defer way.close()
	for _, name := range d.links() {
		if err := k.followOne(way, name, old, dr); err != nil {
			return err
		}
	}
	return nil
}

func (k *linker) followOne(from trail, name string, old *Dir, dr *draft) error {
	way := slices.Clone(from)
	var opened trail
	defer func() { opened.close() }()
	end, st, err := k.walk(&way, &opened, name)
	var out outside
	switch {
	case err == nil:
	case errors.As(err, &out):
		dr.odd = append(dr.odd, oddity{name, "is a symlink out of the document root, to " + string(out) + ", and is not followed"})
		return nil
	case err == errCircle:
		dr.odd = append(dr.odd, oddity{name, "is a symlink that leads to itself and is not followed"})
		return nil
	case gone(err):
		return nil // dangling
	case denied(err):
		dr.forbid(name, err)
		return nil
	default:
		return err
	}
	if end == "" {
		return k.linkDir(way, name, dr)
	}
	if what := odds[typeOf(st.Mode)]; what != "" {
		dr.odd = append(dr.odd, oddity{name, "leads to " + what + " and is not served: only regular files are"})
		return nil
	}
	dir := way.path()
	p := spot{dir: dir, name: end, linkDir: from.path(), link: name}
	f, err := k.linkFile(way.fd(), p, &st, old.files.get(name))
	if err != nil {
		if starved(err) {
			return err
		}
		dr.odd = append(dr.odd, unreadable(name, err))
	}
	if f == nil {
		return nil
	}
	dr.files = append(dr.files, change[File]{name, f})
	return k.counted(f)
}

// linkDir takes the directory that way ends in under the name of a symlink.
func (k *linker) linkDir(way trail, name string, dr *draft) error {
	rel := way.path()
	for _, on := range k.stack {
		if rel == "" || on == rel || strings.HasPrefix(on, rel+"/") {
			dr.odd = append(dr.odd, oddity{name, "is a symlink to a folder that it lies in and is not followed"})
			return nil
		}
	}
	d, err := k.scanned(way)
	if err != nil {
		if gone(err) {
			return nil
		}
		if !denied(err) {
			return err
		}
		d = forbiddenDir()
		dr.odd = append(dr.odd, unreadable(name, err))
	}
	served, err := k.eval(rel, d)
	if err != nil {
		return err
	}
	dr.dirs = append(dr.dirs, change[Dir]{name, served})
	return nil
}

// scanned gives the directory that way ends in, as scanned: part of the plain
// tree or of an island, or else an island of its own.
func (k *linker) scanned(way trail) (*Dir, error) {
	rel := way.path()
	if d := k.known(rel); d != nil {
		return d, nil
	}
	before := k.prev.islands[rel]
	fd, err := openAt(way.fd(), ".", dirFlags)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var d *Dir
	asked, all := k.changes[k.tree.real]
	if all = all && asked == nil; before != nil && k.partial && !all {
		k.count += before.sum.entries()
		d, err = k.again(k.root, rel, before, k.changes)
	} else {
		d, err = k.dir(fd, rel, before, strings.Count(rel, "/"))
	}
	if err != nil {
		return nil, err
	}
	k.islands[rel] = d
	return d, nil
}

// known finds a directory in the plain tree and the islands.
func (k *linker) known(rel string) *Dir {
	if k.tree.opt.visible(rel) {
		return k.tree.plain.at(rel)
	}
	for _, base := range slices.Sorted(maps.Keys(k.islands)) {
		rest, ok := strings.CutPrefix(rel, base+"/")
		if rel == base {
			rest, ok = "", true
		}
		if ok && k.tree.opt.visible(rest) {
			if d := k.islands[base].at(rest); d != nil {
				return d
			}
		}
	}
	return nil
}

// at finds the directory of a path; "" is d itself.
func (d *Dir) at(rel string) *Dir {
	for more := rel != ""; more && d != nil; {
		var name string
		name, rel, more = strings.Cut(rel, "/")
		d = d.dirs.get(name)
	}
	return d
}

// linkFile takes the file at p: the one that was there before, or that of the
// scanned tree, if it is this version, and reads it only if it must.
func (k *linker) linkFile(at int, p spot, st *unix.Stat_t, old *File) (*File, error) {
	if d := k.known(p.dir); d != nil {
		if f := d.files.get(p.name); f != nil && !f.Forbidden() && f.is(st) {
			return k.linkAs(p, f), nil
		}
	}
	return k.file(at, p, st, old)
}

// linkAs gives a scanned file under the name of a symlink to it. They share
// their bytes.
func (k *linker) linkAs(p spot, f *File) *File {
	g := *f
	g.coded = nil
	if f.coded != nil {
		coded := Coded{declined: f.coded.declined}
		for c, v := range f.coded.variant {
			if v != nil && v.flags&flagMade != 0 {
				coded.variant[c] = v
			}
		}
		if coded != (Coded{}) {
			g.coded = &coded
		}
	}
	g.shared = k.shared(p.linkDir, p.link, &g, g.HasCoded())
	if g == *f {
		return f
	}
	return &g
}
