package site

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Numbers of the loader.
const (
	// Threshold is up to how many bytes a body is kept in memory: from here on
	// sendfile costs less CPU a byte than a copy out of our memory, and the
	// desk's detour is small beside the transfer.
	Threshold = 256 << 10
	// maxDepth is how deep directories may lie in each other. Each level holds
	// a descriptor while it is scanned; 100 is more than a path of 4 KiB, the
	// kernel's PATH_MAX, sensibly has.
	maxDepth = 100
	// progressEvery is how many files lie between two calls of Progress.
	progressEvery = 512
)

// Loader reads document roots into trees. Its fields are not to be changed
// while one of its methods runs; its methods are for one goroutine at a time.
type Loader struct {
	// Threshold is up to how many bytes a body is kept in memory; 0 means the
	// constant of that name, a negative one keeps every body on disk.
	Threshold int64
	// Budget is how many bytes of memory the tree may take (limits.memory, less
	// Tree.Memory of all other trees); 0 means no limit. Beyond it the largest
	// bodies stay on disk.
	Budget int64
	// Held is how many bytes of memory trees take that will be gone once the one
	// being loaded is served, as those of a config that is being replaced. It
	// bounds what is read into memory before they are.
	Held int64
	// Hanging are the roots whose filesystems do not answer. Load refuses them, and
	// folders in them: whoever asks for a file there is not seen again.
	Hanging []string
	// MaxFiles is how many files and directories a root may have
	// (limits.files); 0 means no limit.
	MaxFiles int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Problem is told of what is in a root and not served as its owner may
	// think, once for each as long as it stays so; nil means nobody is.
	Problem func(path, text string)
	// Progress is told now and then how many files have been seen, and how many
	// bytes are in them; nil means nobody is.
	Progress func(files int, bytes int64)
	// Enter is called with the real path of a directory before anything in it
	// is looked at: a watch set there sees what comes too late for the scan.
	Enter func(dir string)
	// Written says that a name, in the directory of that real path, was written to
	// since it appeared there, and so was not renamed into place; nil means that
	// nobody knows. See QuietUntold.
	Written func(dir, name string) bool
}

// Load reads the document root dir, an absolute path. Files that are the same
// in prev (nil if there is none) are not read again. A root that is not there
// is an error, unless prev has it: then the tree is empty until it is back.
func (l *Loader) Load(dir string, opt *Options, prev *Tree) (*Tree, error) {
	return l.load(dir, opt, prev, l.Held)
}

func (l *Loader) load(dir string, opt *Options, prev *Tree, held int64) (*Tree, error) {
	if slices.ContainsFunc(l.Hanging, func(root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") }) {
		return nil, fmt.Errorf("root %s: its filesystem does not answer", dir)
	}
	t := &Tree{dir: dir, opt: opt}
	if prev != nil && prev.opt != opt && prev.opt.Key() == opt.Key() {
		t.opt = prev.opt
	}
	s := l.scan(t)
	s.held = held
	real, err := s.anchor(dir)
	if err == nil {
		err = s.load(real, prev)
	}
	if err != nil {
		if prev == nil || !gone(err) && !denied(err) {
			return nil, fmt.Errorf("root %s: %w", dir, err)
		}
		t.vanish(err)
	}
	s.fit()
	s.finish(prev)
	return s.tree, nil
}

// load scans the root at its real path into the tree.
func (s *scan) load(real string, prev *Tree) error {
	t := s.tree
	t.real = real
	s.enter("")
	fd, err := openRoot(real, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := fstat(fd, &st); err != nil {
		return err
	}
	t.id = [2]uint64{uint64(st.Dev), st.Ino}
	var known *Dir
	if prev != nil {
		known = prev.plain
		s.sameOptions = prev.opt == t.opt && prev.real == t.real
	}
	if t.plain, err = s.dir(fd, "", known, 0); err != nil {
		return err
	}
	return s.link(fd, prev)
}

// vanish makes the tree of a root that is not there, or that cannot be read.
func (t *Tree) vanish(err error) {
	*t = Tree{dir: t.dir, opt: t.opt, anchors: t.anchors, gone: true}
	t.plain = &Dir{besides: &besides{odd: []oddity{{"", "the document root is not there; nothing of it is served until it is back"}}}}
	if denied(err) {
		t.plain = forbiddenDir(unreadable("", err))
	}
	t.root = t.plain
}
