package watch

import (
	"os"
	"path/filepath"
	"strings"
)

// spineMost is how many symlinks a path may lead through: the kernel's own
// limit (path_resolution(7)).
const spineMost = 40

// spine gives every name whose change may change what path leads to: each
// component, in the real directory where it stands, and those of every symlink
// on the way. A directory that is missing ends it: the name that should be there
// is the last. Kubernetes' config.yaml → ..data/config.yaml → ..2031/config.yaml
// is thus followed by the name ..data, whose exchange is the only event.
func spine(path string) (names []name) {
	real := "/"
	rest := components(path)
	for links := 0; len(rest) > 0; {
		base := rest[0]
		rest = rest[1:]
		if base == ".." {
			real = filepath.Dir(real)
			continue
		}
		names = append(names, name{real, base})
		at := filepath.Join(real, base)
		info, err := os.Lstat(at)
		if err != nil {
			return names
		}
		if info.Mode()&os.ModeSymlink == 0 {
			real = at
			continue
		}
		target, err := os.Readlink(at)
		if links++; err != nil || links > spineMost {
			return names
		}
		if filepath.IsAbs(target) {
			real = "/"
		}
		rest = append(components(target), rest...)
	}
	return names
}

// Spine gives the paths of every name whose change may change what path leads to,
// none of them by way of a symlink: see spine.
func Spine(path string) (paths []string) {
	for _, n := range spine(path) {
		paths = append(paths, filepath.Join(n.dir, n.base))
	}
	return paths
}

// components splits a path as the kernel does: ".." stays, since after a
// symlink it does not undo the component before it.
func components(path string) (parts []string) {
	for _, p := range strings.Split(path, "/") {
		if p != "" && p != "." {
			parts = append(parts, p)
		}
	}
	return parts
}
