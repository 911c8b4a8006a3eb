package site

import (
	"path"
	"slices"
)

// Delta says how a tree differs from the one before it, in files.
type Delta struct {
	Added, Changed, Removed int
	// Names are a few of those files, by their paths in the root.
	Names []string
	// Busy is what somebody had open for writing: the older version is in the
	// tree, or none. To be asked for again in a few milliseconds.
	Busy Changes
}

// someNames is how many names a Delta has at most: what a log line has room for.
const someNames = 5

// Empty says that no file differs.
func (d *Delta) Empty() bool { return d.Added == 0 && d.Changed == 0 && d.Removed == 0 }

// Compare says what next has that prev has not. Its cost goes by what they do
// not share.
func Compare(prev, next *Tree) Delta {
	c := comparer{seen: map[[2]*Dir]bool{}}
	c.dir("", prev.root, next.root)
	return c.Delta
}

type comparer struct {
	Delta
	seen map[[2]*Dir]bool // through symlinks the same pair may come twice
}

func (c *comparer) name(rel string) {
	if len(c.Names) < someNames {
		c.Names = append(c.Names, rel)
	}
}

func (c *comparer) dir(rel string, a, b *Dir) {
	if a == b || c.seen[[2]*Dir{a, b}] {
		return
	}
	c.seen[[2]*Dir{a, b}] = true
	both(a.files, b.files, func(name string, f, g *File) {
		switch {
		case f == nil:
			c.Added++
		case g == nil:
			c.Removed++
		case f.Tail() != g.Tail() && !f.movedTo(g) || f.flags&flagForbidden != g.flags&flagForbidden:
			c.Changed++
		default:
			return
		}
		c.name(join(rel, name))
	})
	both(a.dirs, b.dirs, func(name string, d, e *Dir) {
		if d == nil {
			d = &Dir{}
		}
		if e == nil {
			e = &Dir{}
		}
		c.dir(join(rel, name), d, e)
	})
}

// movedTo says that two Files are one version, in memory and on disk.
func (f *File) movedTo(g *File) bool {
	return f.stamp() == g.stamp() && f.onDisk() != g.onDisk()
}

// both goes through the names at which two sets differ.
func both[T any](a, b set[T], yield func(name string, x, y *T)) {
	if a.names.is(&b.names) {
		for i, x := range a.list {
			if y := b.list[i]; x != y {
				yield(a.names.at(i), x, y)
			}
		}
		return
	}
	i := a.alike(b)
	tail := a.endAlike(b, i)
	n, j, m := a.names.len()-tail, i, b.names.len()-tail
	for i < n || j < m {
		switch {
		case j == m || i < n && a.names.at(i) < b.names.at(j):
			yield(a.names.at(i), a.list[i], nil)
			i++
		case i == n || a.names.at(i) != b.names.at(j):
			yield(b.names.at(j), nil, b.list[j])
			j++
		default:
			if a.list[i] != b.list[j] {
				yield(a.names.at(i), a.list[i], b.list[j])
			}
			i, j = i+1, j+1
		}
	}
}

// alike counts the things that two sets begin with alike. It is what makes
// it cheap to compare two versions of a large directory.
func (s set[T]) alike(t set[T]) int {
	i := 0
	for i < len(s.list) && i < len(t.list) && s.list[i] == t.list[i] && s.names.end(i) == t.names.end(i) {
		i++
	}
	if i == 0 || s.names.letters()[:s.names.end(i-1)] != t.names.letters()[:s.names.end(i-1)] {
		return 0
	}
	return i
}

// endAlike counts the things that two sets end with alike, none of their first
// skip things among them.
func (s set[T]) endAlike(t set[T], skip int) int {
	n, m := s.names.len(), t.names.len()
	if n == skip || m == skip {
		return 0
	}
	shift := s.names.end(n-1) - t.names.end(m-1)
	i := 0
	for i < n-skip && i < m-skip && s.list[n-1-i] == t.list[m-1-i] && s.names.end(n-1-i)-t.names.end(m-1-i) == shift {
		i++
	}
	// where the first of them begins is the end of the one before it
	if i > 0 && (i == n || i == m || s.names.end(n-1-i)-t.names.end(m-1-i) != shift) {
		i--
	}
	if i == 0 || s.names.letters()[s.names.end(n-1-i):] != t.names.letters()[t.names.end(m-1-i):] {
		return 0
	}
	return i
}

// same says that two trees of one root are the same to everybody.
func (t *Tree) same(u *Tree) bool {
	if t.gone && u.gone {
		return t.root.Forbidden() == u.root.Forbidden() && slices.Equal(t.anchors, u.anchors)
	}
	if t.gone != u.gone || t.id != u.id || t.real != u.real || t.opt != u.opt || t.root != u.root || t.plain != u.plain ||
		!slices.Equal(t.anchors, u.anchors) || len(t.islands) != len(u.islands) || len(t.hops) != len(u.hops) {
		return false
	}
	for rel, d := range t.islands {
		if u.islands[rel] != d {
			return false
		}
	}
	for rel := range t.hops {
		if !u.hops[rel] {
			return false
		}
	}
	return true
}

// finish says what there is to say of a tree when all of it has been looked at.
func (s *scan) finish(prev *Tree) {
	before := &Dir{}
	if prev != nil {
		before = prev.root
	}
	if s.Problem != nil {
		s.announce("", before, s.tree.root, map[*Dir]bool{})
	}
	if s.Progress != nil && !s.partial {
		s.Progress(s.tree.Files(), s.tree.Bytes())
	}
}

// announce tells of the oddities that were not there before.
func (s *scan) announce(rel string, before, now *Dir, seen map[*Dir]bool) {
	if before == now || seen[now] {
		return
	}
	seen[now] = true
	for _, o := range now.odd() {
		if !slices.Contains(before.odd(), o) {
			s.Problem(path.Join(s.tree.dir, rel, o.name), o.text)
		}
	}
	both(before.dirs, now.dirs, func(name string, d, e *Dir) {
		if d == nil {
			d = &Dir{}
		}
		if e != nil {
			s.announce(join(rel, name), d, e, seen)
		}
	})
}
