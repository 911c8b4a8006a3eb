package site

import "strings"

// Tree is a document root, compiled: every name in it and what to say there.
// Immutable; Loader makes the next one.
type Tree struct {
	dir  string // as the config names it, absolute
	real string // with all symlinks resolved; "" while the root is not there
	opt  *Options
	id   [2]uint64 // device and inode of the root
	gone bool      // the root is not there

	// root is what is served. plain is the same without what symlinks lead to;
	// the very same Dir where there are none.
	root, plain *Dir
	// linked are the served Dirs in or below which symlinks stand, by path;
	// islands are scanned ones that only symlinks lead to; hops are directories
	// that symlinks lead through; extra is what is served on top of plain.
	linked  map[string]*Dir
	islands map[string]*Dir
	hops    map[string]bool
	extra   totals
	busy    Changes
	anchors []Anchor
}

// Root gives the top of the tree, never nil.
func (t *Tree) Root() *Dir { return t.root }

// Gone says that the root is not there: nothing of it is served until it is back.
func (t *Tree) Gone() bool { return t.gone && !t.root.Forbidden() }

// realPath gives the real path of a directory inside the root.
func (t *Tree) realPath(rel string) string {
	if rel == "" {
		return t.real
	}
	return strings.TrimSuffix(t.real, "/") + "/" + rel
}

// HasLinks says that there are symlinks in the tree.
func (t *Tree) HasLinks() bool { return t.linked != nil }

// Options gives what the config says about the root.
func (t *Tree) Options() *Options { return t.opt }

// Path gives the root as the config names it.
func (t *Tree) Path() string { return t.dir }

// Files is the number of files.
func (t *Tree) Files() int { return int(t.plain.sum.files + t.extra.files) }

// Bytes is how many bytes of content the files have.
func (t *Tree) Bytes() int64 { return t.plain.sum.bytes + t.extra.bytes }

// Memory is about how many bytes of memory the tree takes: what Loader.Budget
// is about.
func (t *Tree) Memory() int64 { return t.plain.sum.memory + t.extra.memory }

// Busy gives what somebody had open for writing when the tree was loaded: the
// older version is in the tree, or none. To be asked for again with Refresh in
// a few milliseconds.
func (t *Tree) Busy() Changes { return t.busy }

// Names says which names of a directory may have changed. The value is true for
// a name that is to be taken even while somebody has it open for writing.
type Names map[string]bool

// Changes says what may have changed on disk: by the real path of a directory,
// its names; nil for the whole directory and all below it.
type Changes map[string]Names

func (c *Changes) add(dir, name string) {
	if *c == nil {
		*c = Changes{}
	}
	if (*c)[dir] == nil {
		(*c)[dir] = Names{}
	}
	(*c)[dir][name] = false
}
