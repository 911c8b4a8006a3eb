package site

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Refresh looks again at what may have changed, and at nothing else: the cost
// does not depend on the size of the tree. (Symlinks are the exception: where a
// tree has some, each is looked at again, since what they lead to may be
// another thing without any change to them.) Directories that did not change
// are shared with t. If nothing did, t itself is returned.
//
// A name that somebody has open for writing keeps its older version, and is in
// Delta.Busy. On an error t stays true for what it is worth.
func (l *Loader) Refresh(t *Tree, ch Changes) (*Tree, Delta, error) {
	next, ok, err := l.refresh(t, ch)
	if err == nil && !ok {
		next, err = l.load(t.dir, t.opt, t, l.Held+t.Memory())
	}
	if err != nil {
		return t, Delta{}, fmt.Errorf("root %s: %w", t.dir, err)
	}
	delta := Compare(t, next)
	delta.Busy = next.busy
	if next.same(t) {
		return t, delta, nil
	}
	return next, delta, nil
}

// refresh does Refresh where the root is the one it was; not ok otherwise.
func (l *Loader) refresh(t *Tree, ch Changes) (next *Tree, ok bool, err error) {
	copied := *t
	next = &copied
	next.busy = nil
	s := l.scan(next)
	s.sameOptions, s.partial, s.changes = true, true, ch
	s.used, s.held = t.Memory(), l.Held+t.Memory()
	s.count = t.plain.sum.entries() + t.extra.entries()
	if t.gone {
		return nil, false, nil
	}
	if t.moved(ch) {
		next.anchors = nil
		real, err := s.anchor(t.dir)
		if err != nil || real != t.real {
			return nil, false, nil
		}
	}
	fd, err := openRoot(t.real, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC)
	if err != nil {
		if starved(err) {
			return nil, false, err
		}
		return nil, false, nil
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := fstat(fd, &st); err != nil || t.id != [2]uint64{uint64(st.Dev), st.Ino} {
		return nil, false, err
	}
	if next.plain, err = s.again(fd, "", t.plain, ch); err != nil {
		return nil, false, err
	}
	if err := s.link(fd, t); err != nil {
		return nil, false, err
	}
	s.finish(t)
	return next, true, nil
}

// ask says what is to be looked at again in a directory.
type ask struct {
	whole bool
	names Names
	below map[string]*ask
}

// asks sorts changes by directory, for the scanned directory base ("" for the
// root); nil if none is about it.
func (t *Tree) asks(base string, ch Changes) *ask {
	var top *ask
	for dir, names := range ch {
		rel, ok := t.relative(dir)
		if ok && base != "" && rel != base {
			rel, ok = strings.CutPrefix(rel, base+"/")
		} else if rel == base {
			rel = ""
		}
		if !ok || !t.opt.visible(rel) {
			continue
		}
		if top == nil {
			top = &ask{}
		}
		a := top
		for more := rel != ""; more; {
			var name string
			name, rel, more = strings.Cut(rel, "/")
			if a.below == nil {
				a.below = map[string]*ask{}
			}
			if a.below[name] == nil {
				a.below[name] = &ask{}
			}
			a = a.below[name]
		}
		a.whole = a.whole || names == nil
		a.names = names
	}
	return top
}

// visible says that no part of a path is hidden.
func (o *Options) visible(rel string) bool {
	for more := rel != ""; more; {
		var name string
		name, rel, more = strings.Cut(rel, "/")
		if !o.shows(name) {
			return false
		}
	}
	return true
}

// again looks at the parts of a scanned directory that changes are about. root
// is open on the document root, base is the directory's path in it.
func (s *scan) again(root int, base string, d *Dir, ch Changes) (*Dir, error) {
	a := s.tree.asks(base, ch)
	if a == nil {
		return d, nil
	}
	s.enter(base)
	fd, err := openBelow(root, base, dirFlags)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return s.renew(fd, base, d, a, strings.Count(base, "/"))
}

// renew makes the next version of a directory that fd is open on.
func (s *scan) renew(fd int, rel string, d *Dir, a *ask, depth int) (*Dir, error) {
	if a.whole {
		s.discount(d.sum)
		return s.dir(fd, rel, d, depth)
	}
	listed, err := listing(fd)
	if err != nil {
		return nil, err
	}
	all := d.partners(a.names)
	for name := range a.below {
		all = append(all, name)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	dr := draft{listed: listed}
	for _, name := range all {
		if !s.tree.opt.shows(name) {
			continue
		}
		_, named := a.names[name]
		if child, sub := d.dirs.get(name), a.below[name]; child != nil && sub != nil && !named {
			next, err := s.renewBelow(fd, join(rel, name), child, sub, depth+1)
			if err == nil {
				dr.dirs = append(dr.dirs, change[Dir]{name, next})
				continue
			}
			if !gone(err) && !denied(err) {
				return nil, err
			}
		}
		s.discount(d.totalOf(name))
		if err := s.entry(fd, rel, name, unix.DT_UNKNOWN, d, &dr, depth); err != nil {
			return nil, err
		}
	}
	return s.assemble(rel, d, &dr, all), nil
}

func (s *scan) renewBelow(at int, rel string, d *Dir, a *ask, depth int) (*Dir, error) {
	fd, err := openAt(at, rel[strings.LastIndexByte(rel, '/')+1:], dirFlags)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return s.renew(fd, rel, d, a, depth)
}

// discount takes back what was counted of what is now counted again.
func (s *scan) discount(sum totals) { s.count -= sum.entries() }
