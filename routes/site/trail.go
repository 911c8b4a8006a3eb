package site

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// trail is a way into the root, each directory with its descriptor; the first
// is the root itself.
type trail []step

type step struct {
	name string
	fd   int
}

// outside is the target of a symlink that leads out of the root.
type outside string

func (o outside) Error() string { return fmt.Sprintf("leads out of the root, to %s", string(o)) }

var errCircle = errors.New("symlinks lead in a circle")

// trail opens the way to a directory inside the root.
func (k *linker) trail(rel string) (trail, error) {
	fd, err := openAt(k.root, ".", pathFlags)
	if err != nil {
		return nil, err
	}
	way := trail{{"", fd}}
	for more := rel != ""; more; {
		var name string
		name, rel, more = strings.Cut(rel, "/")
		fd, err := openAt(way.fd(), name, pathFlags)
		if err != nil {
			way.close()
			return nil, err
		}
		way = append(way, step{name, fd})
	}
	return way, nil
}

// fd is the descriptor of the directory that the way has come to.
func (w trail) fd() int { return w[len(w)-1].fd }

// path is where the way has come to, inside the root.
func (w trail) path() string {
	rel := ""
	for _, s := range w[1:] {
		rel = join(rel, s.name)
	}
	return rel
}

func (w trail) close() {
	for _, s := range w {
		unix.Close(s.fd)
	}
}

// walk goes from where way stands to where name leads. It ends in a file, whose
// name and state it gives, or, with name "", in the directory that way then
// ends in. What it opens goes to opened.
func (k *linker) walk(way, opened *trail, name string) (end string, st unix.Stat_t, err error) {
	pending, target := []string{name}, ""
	for hops := 0; len(pending) > 0; {
		name := pending[0]
		pending = pending[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			if len(*way) == 1 {
				return "", st, outside(target)
			}
			*way = (*way)[:len(*way)-1]
			continue
		}
		k.hop(way.path())
		if err := statAt(way.fd(), name, &st); err != nil {
			return "", st, err
		}
		switch typeOf(st.Mode) {
		case unix.DT_LNK:
			if hops++; hops > maxHops {
				return "", st, errCircle
			}
			if target, err = readLink(way.fd(), name); err != nil {
				return "", st, err
			}
			rest, err := k.inside(way, target)
			if err != nil {
				return "", st, err
			}
			pending = append(strings.Split(rest, "/"), pending...)
		case unix.DT_DIR:
			fd, err := openAt(way.fd(), name, pathFlags)
			if err != nil {
				return "", st, err
			}
			*opened = append(*opened, step{name, fd})
			*way = append(*way, step{name, fd})
		default:
			if len(pending) > 0 {
				return "", st, unix.ENOTDIR
			}
			return name, st, nil
		}
	}
	k.hop(way.path())
	return "", st, nil
}

// inside gives the rest of the way that the target of a symlink stands for. An
// absolute one goes from the root on, if it lies there by the name the root has
// in the config or by its real path.
func (k *linker) inside(way *trail, target string) (rest string, err error) {
	if !strings.HasPrefix(target, "/") {
		return target, nil
	}
	for _, root := range [...]string{k.tree.real, k.tree.dir} {
		rest, ok := strings.CutPrefix(target, strings.TrimSuffix(root, "/"))
		if ok && (rest == "" || rest[0] == '/') {
			*way = (*way)[:1]
			return rest, nil
		}
	}
	return "", outside(target)
}

// hop notes a directory on the way of a symlink, before anything in it is looked at.
func (k *linker) hop(rel string) {
	if !k.tree.hops[rel] {
		k.tree.hops[rel] = true
		k.enter(rel)
	}
}
