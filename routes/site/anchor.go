package site

import (
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Anchor is a name on the way to a file or a document root: if it changes, that may
// be another one, or gone. Refresh knows what to do when Changes has it.
type Anchor struct{ Dir, Name string }

// maxHops is how many symlinks a path may go through: the kernel's MAXSYMLINKS.
const maxHops = 40

// Anchors gives the way to the root hop by hop, symlinks resolved, as far as it
// is there.
func (t *Tree) Anchors() []Anchor { return t.anchors }

// anchor finds the real path of a root and writes down the way there. The
// directories on the way belong to whoever set up the machine: unlike what is
// in the root, they are trusted, and may be symlinks to anywhere.
func (s *scan) anchor(dir string) (real string, err error) {
	s.tree.anchors, real, err = Way(dir, s.Enter)
	return real, err
}

// Way gives every name whose change may change what an absolute path leads to, in
// the order in which the kernel comes by them: each component, in the real
// directory where it stands, and those of every symlink on the way. Kubernetes'
// config.yaml → ..data/config.yaml → ..2031/config.yaml is thus followed by the name
// ..data, whose exchange is the only event. real is where the way ends.
//
// A name that is missing ends it, and is its last one; err says why there is no
// more. enter, unless it is nil, is called with each directory before it is looked
// into.
func Way(to string, enter func(dir string)) (way []Anchor, real string, err error) {
	real = "/"
	pending := strings.Split(to, "/")
	for hops := 0; len(pending) > 0; {
		name := pending[0]
		pending = pending[1:]
		switch name {
		case "", ".":
			continue
		case "..": // which after a symlink does not undo the component before it
			real = path.Dir(real)
			continue
		}
		if enter != nil {
			enter(real)
		}
		way = append(way, Anchor{real, name})
		here := path.Join(real, name)
		info, err := os.Lstat(here)
		if err != nil {
			return way, "", err
		}
		if info.Mode()&os.ModeSymlink == 0 {
			real = here
			continue
		}
		if hops++; hops > maxHops {
			return way, "", unix.ELOOP
		}
		target, err := os.Readlink(here)
		if err != nil {
			return way, "", err
		}
		if strings.HasPrefix(target, "/") {
			real = "/"
		}
		pending = append(strings.Split(target, "/"), pending...)
	}
	return way, real, nil
}

// moved says that changes touch the way to the root.
func (t *Tree) moved(ch Changes) bool {
	for _, a := range t.anchors {
		if names, ok := ch[a.Dir]; ok {
			if _, named := names[a.Name]; named || names == nil {
				return true
			}
		}
	}
	return false
}

// relative gives the path of a real directory inside the root; "" is the root.
func (t *Tree) relative(dir string) (rel string, ok bool) {
	if dir == t.real {
		return "", true
	}
	return strings.CutPrefix(dir, strings.TrimSuffix(t.real, "/")+"/")
}
