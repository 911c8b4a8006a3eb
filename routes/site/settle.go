package site

import (
	"slices"
	"strings"
)

// assemble makes a directory of what its entries turned out to be: of all of
// them, or of those in touched (sorted, partners included) and the others as
// they were in prev. It returns prev if nothing has changed.
func (s *scan) assemble(rel string, prev *Dir, d *draft, touched []string) *Dir {
	next := &Dir{listed: d.listed}
	links, odd := d.links, d.odd
	var stale []oddity
	if touched == nil {
		next.files, stale = s.pair(rel, prev.files.anew(d.files), nil)
		next.dirs = prev.dirs.anew(d.dirs)
		odd = append(odd, stale...)
		next.sum = next.total()
		next.sum.links += int32(len(links))
	} else {
		next.files, stale = s.pair(rel, prev.files.with(removals(prev.files, d.files, touched)), touched)
		next.dirs = prev.dirs.with(removals(prev.dirs, d.dirs, touched))
		links = append(untouched(prev.links(), touched), d.links...)
		slices.Sort(links)
		odd = append(slices.Clone(odd), stale...)
		for _, o := range prev.odd() {
			if _, found := slices.BinarySearch(touched, o.name); !found {
				odd = append(odd, o)
			}
		}
		next.sum = prev.sum
		next.sum.links += int32(len(links) - len(prev.links()))
		for _, name := range touched {
			next.sum.sub(prev.totalOf(name))
			next.sum.add(next.totalOf(name))
		}
	}
	slices.SortStableFunc(odd, func(a, b oddity) int { return strings.Compare(a.name, b.name) })
	next.has(links, odd)
	if next.same(prev) {
		return prev
	}
	return next
}

// same says that two directories hold the very same.
func (d *Dir) same(e *Dir) bool {
	return d.Forbidden() == e.Forbidden() && d.files.same(e.files) && d.dirs.same(e.dirs) &&
		slices.Equal(d.links(), e.links()) && slices.Equal(d.odd(), e.odd())
}

// total sums a directory up, but for the symlinks in itself.
func (d *Dir) total() (sum totals) {
	for _, f := range d.files.list {
		sum.add(f.total())
	}
	for _, e := range d.dirs.list {
		sum.add(e.sum)
		sum.dirs++
	}
	return sum
}

// totalOf sums up what stands under one name.
func (d *Dir) totalOf(name string) (sum totals) {
	if f := d.files.get(name); f != nil {
		sum.add(f.total())
	}
	if e := d.dirs.get(name); e != nil {
		sum.add(e.sum)
		sum.dirs++
	}
	return sum
}

func (f *File) total() totals {
	return totals{files: 1, bytes: f.Size(), memory: f.memory()}
}

// anew gives a set of nothing but the given things, keeping what it can of s.
func (s set[T]) anew(all []change[T]) set[T] {
	if len(all) != s.names.len() {
		return set[T]{}.with(all)
	}
	for i, c := range all {
		if c.name != s.names.at(i) {
			return set[T]{}.with(all)
		}
	}
	for i, c := range all {
		if c.to != s.list[i] {
			return s.with(all)
		}
	}
	return s
}

// removals completes changes: a touched name that is in s and has no change is
// to be removed.
func removals[T any](s set[T], changes []change[T], touched []string) []change[T] {
	all := slices.Clone(changes)
	for _, name := range touched {
		_, found := slices.BinarySearchFunc(changes, name, func(c change[T], name string) int { return strings.Compare(c.name, name) })
		if !found && s.get(name) != nil {
			all = append(all, change[T]{name, nil})
		}
	}
	sortChanges(all)
	return all
}

func untouched(names, touched []string) []string {
	var rest []string
	for _, name := range names {
		if _, found := slices.BinarySearch(touched, name); !found {
			rest = append(rest, name)
		}
	}
	return rest
}
