package site

import (
	"iter"
)

// Dir is a directory of a site: names, each of a file or of a directory.
// Immutable; a change to one entry makes new Dirs from it up to the root, and
// they share all that did not change.
type Dir struct {
	files set[File]
	dirs  set[Dir]
	// besides is nil for most. It is read by each request, as what stands before
	// it is, and so lies close to that.
	besides *besides
	sum     totals
	// listed is the ctime, in nanoseconds, that the directory on disk had when
	// it was last looked at: as long as it has that, no name came or went. It is
	// for Patrol. (The mtime is set back by programs that copy times.)
	listed int64
}

// besides is what few directories have.
type besides struct {
	// forbidden: the directory is there but cannot be read.
	forbidden bool
	// links are the names of the symlinks here, sorted. In a Dir that is served
	// what they lead to is among files and dirs.
	links []string
	// odd is what stands here and is not served, to be said once.
	odd []oddity
}

func (d *Dir) links() []string {
	if d.besides == nil {
		return nil
	}
	return d.besides.links
}

func (d *Dir) odd() []oddity {
	if d.besides == nil {
		return nil
	}
	return d.besides.odd
}

// has gives a Dir in the making its links and what is odd in it.
func (d *Dir) has(links []string, odd []oddity) {
	if d.besides = nil; len(links)+len(odd) > 0 {
		d.besides = &besides{links: links, odd: odd}
	}
}

// forbiddenDir makes the Dir of what is there and cannot be read.
func forbiddenDir(odd ...oddity) *Dir { return &Dir{besides: &besides{forbidden: true, odd: odd}} }

// oddity is an entry that is left out, or one that is in another state than
// its owner may think, and why.
type oddity struct{ name, text string }

// totals are sums over a Dir and all below it.
type totals struct {
	bytes  int64 // bytes of content, wherever it is
	memory int64 // bytes of memory for it
	files  int32 // files
	dirs   int32 // directories
	links  int32 // symlinks
}

func (t *totals) add(u totals) {
	t.bytes += u.bytes
	t.memory += u.memory
	t.files += u.files
	t.dirs += u.dirs
	t.links += u.links
}

// entries is how many files and directories there are.
func (t *totals) entries() int { return int(t.files) + int(t.dirs) }

func (t *totals) sub(u totals) {
	t.add(totals{-u.bytes, -u.memory, -u.files, -u.dirs, -u.links})
}

// Dir gives the directory of a name, nil if there is none. The name is matched
// byte for byte. It allocates nothing.
func (d *Dir) Dir(name []byte) *Dir { return d.dirs.get(view(name)) }

// File gives the file of a name, nil if there is none. The name is matched byte
// for byte. It allocates nothing.
func (d *Dir) File(name []byte) *File { return d.files.get(view(name)) }

// Forbidden says that the directory is there but cannot be read: 403 for
// everything in it (RFC 9110 §15.5.4).
func (d *Dir) Forbidden() bool { return d.besides != nil && d.besides.forbidden }

// Forbidden says that the file is there but cannot be read: 403 (RFC 9110
// §15.5.4). Such a File has no body and no entity tag.
func (f *File) Forbidden() bool { return f.flags&flagForbidden != 0 }

// Entry is a name of a directory. One of Dir and File is set.
type Entry struct {
	Name string
	Dir  *Dir
	File *File
}

// Names goes through the names of a directory in the order of their bytes.
func (d *Dir) Names() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		i, n := 0, d.files.names.len()
		j, m := 0, d.dirs.names.len()
		for i < n || j < m {
			var e Entry
			if j == m || i < n && d.files.names.at(i) < d.dirs.names.at(j) {
				e = Entry{Name: d.files.names.at(i), File: d.files.list[i]}
				i++
			} else {
				e = Entry{Name: d.dirs.names.at(j), Dir: d.dirs.list[j]}
				j++
			}
			if !yield(e) {
				return
			}
		}
	}
}

// Len is the number of names.
func (d *Dir) Len() int { return d.files.names.len() + d.dirs.names.len() }

// join gives the path of a name in a directory of the root; "" is the root.
func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
