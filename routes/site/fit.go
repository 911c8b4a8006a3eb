package site

import (
	"cmp"
	"math"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Move is a body that comes to be in another place: in memory, or on disk.
type Move struct {
	stamp Stamp
	to    *File // the same version with its body there
}

// Misplaced says what to do so that the smallest bodies of a tree are in memory,
// as many as budget has room for, and the largest on disk: a small file's way
// over the desk costs many times what it costs to answer from memory; a large
// one's is lost in the transfer. out are bodies to be dropped from memory first,
// in are the files whose bodies there is room for then (see Fetch), the smallest
// first. There is nothing to do where the tree is within the budget and no body
// waits on disk that might be in memory. budget is in bytes; 0 means no limit.
func (l *Loader) Misplaced(t *Tree, budget int64) (out []Move, in []*File) {
	if budget <= 0 {
		budget = math.MaxInt64
	}
	edge, crowded := l.edge(t, budget)
	if !crowded {
		return nil, nil
	}
	rest := edge.rest
	t.folders(func(rel string, d *Dir) {
		for i, f := range d.files.list {
			if !l.houses(f) || f.onDisk() || f.Size() < edge.size {
				continue
			}
			if cost := f.bodyMemory(); f.Size() == edge.size && cost <= rest {
				rest -= cost
				continue
			}
			out = append(out, Move{f.stamp(), f.bodiless(place{t.real, join(rel, d.files.names.at(i))})})
		}
	})
	t.folders(func(_ string, d *Dir) {
		for _, f := range d.files.list {
			if !l.houses(f) || !f.onDisk() || f.Size() > edge.size {
				continue
			}
			if cost := f.bodyMemory(); f.Size() == edge.size {
				if cost > rest {
					continue
				}
				rest -= cost
			}
			in = append(in, f)
		}
	})
	slices.SortStableFunc(in, func(a, b *File) int { return cmp.Compare(a.Size(), b.Size()) })
	return out, in
}

// houses says that a body may be in memory, if there is room.
func (l *Loader) houses(f *File) bool { return !f.Forbidden() && f.Size() <= l.threshold() }

// edge is where the bodies in memory end: smaller ones are all there, larger
// ones not, and of those of just this size as many as the rest has room for.
type edge struct{ size, rest int64 }

// edge finds it. A tree is crowded if it takes more than budget, or if there are
// bodies on disk that could be in memory.
func (l *Loader) edge(t *Tree, budget int64) (e edge, crowded bool) {
	taken := int64(0)
	t.folders(func(_ string, d *Dir) {
		for _, f := range d.files.list {
			taken += f.memory()
			crowded = crowded || f.onDisk() && l.houses(f)
		}
	})
	if crowded = crowded || taken > budget; !crowded {
		return edge{}, false
	}
	type body struct{ size, cost int64 }
	var bodies []body
	rest := budget - taken
	t.folders(func(_ string, d *Dir) {
		for _, f := range d.files.list {
			if !l.houses(f) {
				continue
			}
			b := body{f.Size(), f.bodyMemory()}
			bodies = append(bodies, b)
			if !f.onDisk() {
				rest += b.cost
			}
		}
	})
	slices.SortFunc(bodies, func(a, b body) int { return cmp.Compare(a.size, b.size) })
	e.size = math.MaxInt64
	for i, b := range bodies {
		if i == 0 || bodies[i-1].size != b.size {
			e.rest = rest
		}
		if rest -= b.cost; rest < 0 {
			e.size = b.size
			break
		}
	}
	return e, true
}

// Fetch reads the body of a file that stays on disk. The error wraps ErrChanged
// if there is another version, or none, in its place.
func (l *Loader) Fetch(f *File) (Move, error) {
	f.outlast()
	fd, err := f.Open()
	if err != nil {
		return Move{}, err
	}
	defer unix.Close(fd)
	sec, _ := f.Modified()
	modified := time.Unix(sec, 0)
	h := newHead(&modified, placeholder, f.Size(), f.Size())
	if err := f.readFrom(fd, h.body(f.Size())); err != nil {
		return Move{}, err
	}
	h.setTag(sumOf(h.body(f.Size())))
	return Move{f.stamp(), h.file()}, nil
}

// readFrom reads the body of a file on disk, which fd is open on.
func (f *File) readFrom(fd int, body []byte) error {
	n, err := readFull(fd, body)
	if err != nil {
		return f.place().failed(err)
	}
	var st unix.Stat_t
	if err := fstat(fd, &st); err != nil || n < len(body) || !f.is(&st) {
		return f.place().failed(ErrChanged)
	}
	return nil
}

// content gives a copy of the body, wherever that is.
func (f *File) content() ([]byte, error) {
	if body, ok := f.Body(); ok {
		return []byte(body), nil
	}
	fd, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	body := make([]byte, f.Size())
	return body, f.readFrom(fd, body)
}

// Memory is about how many bytes of memory the file takes after the move.
func (m Move) Memory() int64 { return m.to.memory() }

// Moved gives the tree with some bodies in other places. Where the tree has
// another version of a file by now, the move is void.
func (t *Tree) Moved(moves []Move) *Tree {
	if len(moves) == 0 {
		return t
	}
	to := make(map[Stamp]*File, len(moves))
	for _, m := range moves {
		to[m.stamp] = m.to
	}
	return t.rebuilt(func(_, _ string, _ Coding, f *File) *File {
		moved := to[f.stamp()]
		if moved == nil || f.flags&flagMade != 0 || f.Forbidden() || f.onDisk() == moved.onDisk() {
			return f
		}
		g := *f
		g.data, g.flags = moved.data, g.flags&^flagDisk|moved.flags&flagDisk
		g.etagAt, g.lengthAt, g.bodyAt = moved.etagAt, moved.lengthAt, moved.bodyAt
		if g.onDisk() {
			g.coded = g.coded.sidecars()
		} else {
			g.flags &^= flagRacy // Fetch has seen to that
		}
		return &g
	})
}

// fit brings a tree within the budget the best way, after a scan that met with
// its end: which bodies came first was chance. Bodies are dropped before others
// are fetched, and what there is no room for until the trees before are gone is
// left on disk.
func (s *scan) fit() {
	if !s.full || s.partial {
		return
	}
	out, in := s.Misplaced(s.tree, s.Budget)
	s.tree = s.tree.Moved(out)
	var moves []Move
	for _, f := range in {
		if !s.passes(f.bodyMemory()) {
			break
		}
		if m, err := s.Fetch(f); err == nil { // else its event is on its way
			moves = append(moves, m)
			s.fresh += m.Memory()
		}
	}
	s.tree = s.tree.Moved(moves)
}

// folders goes through the Dirs that were scanned, by their paths free of symlinks.
func (t *Tree) folders(yield func(rel string, d *Dir)) {
	t.plain.folders("", yield)
	for rel, d := range t.islands {
		d.folders(rel, yield)
	}
}

func (d *Dir) folders(rel string, yield func(rel string, d *Dir)) {
	yield(rel, d)
	for i, e := range d.dirs.list {
		e.folders(join(rel, d.dirs.names.at(i)), yield)
	}
}

// bodiless gives the file without its body, which stays at p.
func (f *File) bodiless(p place) *File {
	g := *f
	g.moveTo(p)
	return &g
}

// sidecars gives the variants that were not made here; nil if there are none.
func (c *Coded) sidecars() *Coded {
	if c == nil {
		return nil
	}
	var found Coded
	for i, v := range c.variant {
		if v != nil && v.flags&flagMade == 0 {
			found.variant[i] = v
		}
	}
	if found == (Coded{}) {
		return nil
	}
	return &found
}
