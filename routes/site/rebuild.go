package site

import "slices"

// changer gives what is to stand in the place of a File, f itself for no change:
// dir and name are where it is served, c is Identity for the file itself and
// the coding for a variant of it.
type changer func(dir, name string, c Coding, f *File) *File

// rebuild makes a tree in which some Files are others, and which shares all the
// rest with the one it is made from.
type rebuild struct {
	file changer
	// where has the paths of Dirs that symlinks may lead to by other ways; dirs
	// and files have what became of those seen. Without symlinks everything is
	// met once, and they stay nil: they would take some 50 bytes a file.
	where map[*Dir]string
	dirs  map[*Dir]*Dir
	files map[*File]*File
}

// rebuilt gives the tree with what file makes of each File and of each variant.
func (t *Tree) rebuilt(file changer) *Tree {
	r := &rebuild{file: file}
	if t.linked != nil {
		r.where, r.dirs, r.files = map[*Dir]string{}, map[*Dir]*Dir{}, map[*File]*File{}
		for rel, d := range t.linked {
			r.where[d] = rel
		}
	}
	next := *t
	next.plain = r.dir("", t.plain)
	if t.linked == nil {
		next.root = next.plain
	} else {
		next.islands, next.linked = map[string]*Dir{}, map[string]*Dir{}
		for rel, d := range t.islands {
			next.islands[rel] = r.dir(rel, d)
		}
		for rel, d := range t.linked {
			next.linked[rel] = r.dir(rel, d)
		}
		next.root = r.dir("", t.root)
		next.extra = next.extras()
	}
	if next.root == t.root && next.plain == t.plain {
		return t
	}
	return &next
}

func (r *rebuild) dir(rel string, d *Dir) *Dir {
	if done := r.dirs[d]; done != nil {
		return done
	}
	if real, ok := r.where[d]; ok {
		rel = real
	}
	next := *d
	for i, f := range d.files.list {
		if g := r.one(rel, d.files.names.at(i), f); g != f {
			if &next.files.list[0] == &d.files.list[0] {
				next.files.list = slices.Clone(d.files.list)
			}
			next.files.list[i] = g
			next.sum.sub(f.total())
			next.sum.add(g.total())
		}
	}
	for i, e := range d.dirs.list {
		if g := r.dir(join(rel, d.dirs.names.at(i)), e); g != e {
			if &next.dirs.list[0] == &d.dirs.list[0] {
				next.dirs.list = slices.Clone(d.dirs.list)
			}
			next.dirs.list[i] = g
			next.sum.sub(e.sum)
			next.sum.add(g.sum)
		}
	}
	made := d
	if !next.same(d) {
		made = &next
	}
	if r.dirs != nil {
		r.dirs[d] = made
	}
	return made
}

// one gives the File that stands for f, the same one wherever f stands.
func (r *rebuild) one(dir, name string, f *File) *File {
	if done := r.files[f]; done != nil {
		return done
	}
	g := r.file(dir, name, Identity, f)
	if g.coded != nil {
		coded := *g.coded
		for c, v := range coded.variant {
			if v != nil {
				coded.variant[c] = r.file(dir, name, Coding(c), v)
			}
		}
		if coded != *g.coded {
			h := *g
			h.coded = &coded
			g = &h
		}
	}
	if r.files != nil {
		r.files[f] = g
	}
	return g
}

// each goes through the Files of a tree and their variants, each at one place
// of those it may have.
func (t *Tree) each(yield func(name string, c Coding, f *File)) {
	if t.linked == nil {
		t.plain.each(yield)
		return
	}
	t.rebuilt(func(_, name string, c Coding, f *File) *File {
		yield(name, c, f)
		return f
	})
}

// each is that of a tree without symlinks, where everything is met once.
func (d *Dir) each(yield func(name string, c Coding, f *File)) {
	for i, f := range d.files.list {
		name := d.files.names.at(i)
		yield(name, Identity, f)
		if f.coded != nil {
			for c, v := range f.coded.variant {
				if v != nil {
					yield(name, Coding(c), v)
				}
			}
		}
	}
	for _, e := range d.dirs.list {
		e.each(yield)
	}
}

// extras sums up what a tree has beside its plain part: islands, and the files
// that symlinks lead to.
func (t *Tree) extras() (sum totals) {
	for _, d := range t.islands {
		sum.add(d.sum)
	}
	for _, d := range t.linked {
		for _, name := range d.links() {
			if f := d.files.get(name); f != nil {
				sum.add(f.total())
			}
		}
	}
	return sum
}
