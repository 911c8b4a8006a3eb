package site

import "iter"

// Watch goes through the real paths of the directories that must be watched for
// the tree to be fresh: all that were scanned, those that symlinks lead
// through, and the way to the root. Some may come more than once.
func (t *Tree) Watch() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, a := range t.anchors {
			if !yield(a.Dir) {
				return
			}
		}
		if t.gone {
			return
		}
		for rel := range t.hops {
			if !yield(t.realPath(rel)) {
				return
			}
		}
		for rel, d := range t.islands {
			if !t.watch(rel, d, yield) {
				return
			}
		}
		t.watch("", t.plain, yield)
	}
}

func (t *Tree) watch(rel string, d *Dir, yield func(string) bool) bool {
	if !yield(t.realPath(rel)) {
		return false
	}
	for i, e := range d.dirs.list {
		if !t.watch(join(rel, d.dirs.names.at(i)), e, yield) {
			return false
		}
	}
	return true
}

// Unwatch gives the directories that prev had to have watched and next has not.
// (Those that next has to have watched, Loader.Enter has named.) Its cost goes
// by what the trees do not share, unless they have symlinks.
func Unwatch(prev, next *Tree) []string {
	var dirs []string
	if prev.real == next.real && prev.hops == nil && next.hops == nil && !prev.gone && !next.gone {
		prev.unwatch("", prev.plain, next.plain, &dirs)
		for _, a := range prev.anchors {
			dirs = append(dirs, a.Dir)
		}
		kept := map[string]bool{}
		for _, a := range next.anchors {
			kept[a.Dir] = true
		}
		return without(dirs, kept)
	}
	kept, seen := map[string]bool{}, map[string]bool{}
	for dir := range next.Watch() {
		kept[dir] = true
	}
	for dir := range prev.Watch() {
		if !seen[dir] {
			seen[dir] = true
			dirs = append(dirs, dir)
		}
	}
	return without(dirs, kept)
}

func without(dirs []string, kept map[string]bool) []string {
	var rest []string
	for _, dir := range dirs {
		if !kept[dir] {
			rest = append(rest, dir)
		}
	}
	return rest
}

// unwatch collects the directories of d that e has not.
func (t *Tree) unwatch(rel string, d, e *Dir, dirs *[]string) {
	if d == e {
		return
	}
	both(d.dirs, e.dirs, func(name string, f, g *Dir) {
		below := join(rel, name)
		switch {
		case g == nil:
			t.watch(below, f, func(dir string) bool {
				*dirs = append(*dirs, dir)
				return true
			})
		case f != nil:
			t.unwatch(below, f, g, dirs)
		}
	})
}
