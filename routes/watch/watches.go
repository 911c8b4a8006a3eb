package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/fsnotify/fsnotify"
)

// notifier is the part of fsnotify that is used, and the seam where tests let
// watches run out or a queue overflow.
type notifier interface {
	Add(path string) error
	Remove(path string) error
	Close() error
}

// inode tells one directory from another whatever it is called. The kernel's
// device numbers have 32 bits; no inode has the number 0.
type inode struct {
	ino uint64
	dev uint32
}

func inodeOf(path string) (inode, error) {
	info, err := os.Stat(path)
	if err != nil {
		return inode{}, err
	}
	if !info.IsDir() {
		return inode{}, &fs.PathError{Op: "watch", Path: path, Err: syscall.ENOTDIR}
	}
	return idOf(info), nil
}

func idOf(info fs.FileInfo) inode {
	st := info.Sys().(*syscall.Stat_t)
	return inode{st.Ino, uint32(st.Dev)}
}

// watches are the directories that the kernel watches for us, kept in step
// with what the owners want: each document root, and the config file.
//
// inotify watches inodes, fsnotify names them by the path they were added
// with. Two traps follow. A directory that is moved takes the watches below it
// along, under their old names; so whenever a name that is or holds a watched
// directory changes, every watch from it downwards is dropped at once and added
// again after the rescan. And one directory with two paths (a bind mount) has
// one watch; so events under its first path are repeated under the others.
//
// Owned by the goroutine of Run.
type watches struct {
	kernel notifier

	paths  map[string]watched
	owners map[string]map[string]struct{} // owner → its paths
	below  map[string]int                 // path → how many held paths are below it
	// lost are wanted paths that were dropped for good reason and not held since;
	// found are those that are held again, since regain was last asked.
	lost  map[string]struct{}
	found []string
	// byInode has the path that fsnotify knows a directory by, others its other
	// paths, if it has any.
	byInode map[inode]string
	others  map[inode][]string
}

// watched is what is known of a path: how many owners want it, and the inode
// that is held, 0 for none. There is one for each directory of each root, so all
// of it is in one map, 16 bytes beside the path (TestMemory counts them).
type watched struct {
	ino    uint64
	dev    uint32
	wanted int32
}

func newWatches(kernel notifier) *watches {
	return &watches{
		kernel:  kernel,
		paths:   map[string]watched{},
		owners:  map[string]map[string]struct{}{},
		below:   map[string]int{},
		lost:    map[string]struct{}{},
		byInode: map[inode]string{},
		others:  map[inode][]string{},
	}
}

// exhausted says that the kernel will not watch any more: inotify(7) gives
// ENOSPC at fs.inotify.max_user_watches and ENOMEM where it has no memory.
func exhausted(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.ENOMEM) || errors.Is(err, errDeaf)
}

// tooLong says that a path is longer than the kernel takes one (PATH_MAX). The
// loader goes there all the same, one name at a time.
func tooLong(err error) bool { return errors.Is(err, syscall.ENAMETOOLONG) }

// deaf stands for an inotify that the kernel did not give us, or that broke.
type deaf struct{ err error }

func (d deaf) Add(string) error    { return fmt.Errorf("%w: %w", errDeaf, d.err) }
func (d deaf) Remove(string) error { return nil }
func (d deaf) Close() error        { return nil }

var errDeaf = errors.New("there is no inotify")

// set makes paths what the owner wants watched, and gives those that have come
// under watch just now: what happened in them before is not known, so they are
// to be scanned again. The error is one that makes watching pointless for
// this owner, as exhausted tells, or that of a path which is tooLong. A path that
// is gone or not readable is none: its parent reports when that changes.
func (w *watches) set(owner string, paths iter.Seq[string]) (added []string, err error) {
	old := w.owners[owner]
	now := make(map[string]struct{}, len(old))
	for p := range paths {
		if _, twice := now[p]; twice {
			continue
		}
		now[p] = struct{}{}
		if _, had := old[p]; !had {
			w.want(p)
		}
	}
	w.owners[owner] = now
	for p := range old {
		if _, still := now[p]; !still {
			w.unwant(p)
		}
	}
	if len(now) == 0 {
		delete(w.owners, owner)
	}
	for p := range now {
		fresh, failed := w.hold(p)
		if fresh {
			added = append(added, p)
		}
		if failed != nil && exhausted(failed) {
			return added, failed
		}
		if tooLong(failed) {
			err = failed
		}
	}
	return added, err
}

// also makes one more path what the owner wants watched: a directory that is
// about to be scanned for the first time.
func (w *watches) also(owner, path string) error {
	paths := w.owners[owner]
	if paths == nil {
		paths = map[string]struct{}{}
		w.owners[owner] = paths
	}
	if _, had := paths[path]; !had {
		paths[path] = struct{}{}
		w.want(path)
	}
	if _, err := w.hold(path); err != nil && (exhausted(err) || tooLong(err)) {
		return err
	}
	return nil
}

// without makes the owner want some paths no longer.
func (w *watches) without(owner string, paths []string) {
	had := w.owners[owner]
	for _, p := range paths {
		if _, ok := had[p]; ok {
			delete(had, p)
			w.unwant(p)
		}
	}
}

// forget takes back all that the owner wanted.
func (w *watches) forget(owner string) { _, _ = w.set(owner, slices.Values([]string(nil))) }

func (w *watches) want(path string) {
	p := w.paths[path]
	p.wanted++
	w.paths[path] = p
}

func (w *watches) unwant(path string) {
	p := w.paths[path]
	p.wanted--
	w.paths[path] = p
	if p.wanted == 0 {
		w.drop(path)
		delete(w.paths, path)
		delete(w.lost, path)
	}
}

// held gives the inode that is watched as a path, not ok for none.
func (w *watches) held(path string) (id inode, ok bool) {
	p := w.paths[path]
	return inode{p.ino, p.dev}, p.ino != 0
}

// note writes down which inode that is, zero for none.
func (w *watches) note(path string, id inode) {
	p := w.paths[path]
	p.ino, p.dev = id.ino, id.dev
	w.paths[path] = p
}

// hold brings a path under watch and says whether it was not before.
func (w *watches) hold(path string) (fresh bool, err error) {
	if _, ok := w.held(path); ok {
		return false, nil
	}
	// The inode may be exchanged between stat and watch; then the two stats
	// differ. Whoever exchanges it for a third time will cause an event.
	for range 3 {
		id, err := inodeOf(path)
		if err != nil {
			return false, err
		}
		if w.alias(path, id) {
			return true, nil
		}
		if err := w.kernel.Add(path); err != nil {
			return false, err
		}
		if after, err := inodeOf(path); err == nil && after == id {
			w.mark(path, id)
			return true, nil
		}
		_ = w.kernel.Remove(path)
	}
	return false, nil
}

// alias handles an inode that is under watch by another path. If that path
// still leads there, this one is its alias. Otherwise it has been moved
// and the event is on its way: its old name is given up.
func (w *watches) alias(path string, id inode) bool {
	for {
		first, known := w.byInode[id]
		if !known {
			return false
		}
		if now, err := inodeOf(first); err == nil && now == id {
			w.mark(path, id)
			return true
		}
		w.lose(first)
	}
}

func (w *watches) mark(path string, id inode) {
	w.note(path, id)
	if _, was := w.lost[path]; was {
		delete(w.lost, path)
		w.found = append(w.found, path)
	}
	if _, known := w.byInode[id]; known {
		w.others[id] = append(w.others[id], path)
	} else {
		w.byInode[id] = path
	}
	w.countBelow(path, 1)
}

// drop ends the watch of a path. The kernel may have ended it before us, when
// the directory was removed: no error then. An alias of it takes its place.
func (w *watches) drop(path string) {
	id, ok := w.held(path)
	if !ok {
		return
	}
	w.note(path, inode{})
	w.countBelow(path, -1)
	others := w.others[id]
	delete(w.others, id)
	if w.byInode[id] != path {
		if others = without(others, path); len(others) > 0 {
			w.others[id] = others
		}
		return
	}
	delete(w.byInode, id)
	_ = w.kernel.Remove(path)
	if len(others) == 0 {
		return
	}
	w.byInode[id] = others[0]
	if len(others) > 1 {
		w.others[id] = others[1:]
	}
	if w.kernel.Add(others[0]) != nil {
		w.lose(others[0]) // regain tries again
	}
}

// without gives paths but for one, in a slice of its own.
func without(paths []string, path string) []string {
	rest := make([]string, 0, len(paths))
	for _, p := range paths {
		if p != path {
			rest = append(rest, p)
		}
	}
	return rest
}

// regain holds what dropFrom dropped and nobody has held since. It gives what
// is held again since it was last asked: what happened there meanwhile is not
// known, even if the loader has entered it, which it does for a single name too.
// What is gone is left to the events of its parent. The error is that of the
// path it gives.
func (w *watches) regain(hangs func(path string) bool) (found []string, at string, err error) {
	for p := range w.lost {
		if hangs(p) {
			continue
		}
		_, err = w.hold(p)
		delete(w.lost, p)
		if err != nil && exhausted(err) {
			at = p
			break
		}
		err = nil
	}
	found, w.found = w.found, nil
	return found, at, err
}

// wants says that an owner wants a path.
func (w *watches) wants(owner, path string) bool {
	_, wants := w.owners[owner][path]
	return wants
}

// dropStale drops whatever is not what it was, for when events were lost. It
// leaves out what hangs.
func (w *watches) dropStale(hangs func(path string) bool) {
	var stale []string
	for p := range w.paths {
		if !hangs(p) && w.isStale(p) {
			stale = append(stale, p)
		}
	}
	for _, p := range stale {
		w.dropFrom(p)
	}
}

// dropFrom ends the watches of a path and of everything below it, and says
// whether there were any. They stay wanted: regain and set hold them again.
func (w *watches) dropFrom(path string) bool {
	_, is := w.held(path)
	if !is && w.below[path] == 0 {
		return false
	}
	w.lose(path)
	if w.below[path] == 0 {
		return true
	}
	inside := strings.TrimSuffix(path, "/") + "/"
	for p := range w.paths {
		if strings.HasPrefix(p, inside) {
			w.lose(p)
		}
	}
	return true
}

func (w *watches) lose(path string) {
	if _, ok := w.held(path); ok {
		w.drop(path)
		w.lost[path] = struct{}{}
	}
}

// countBelow keeps below for every folder above path.
func (w *watches) countBelow(path string, n int) {
	for i := len(path) - 1; i > 0; i-- {
		if path[i] != '/' {
			continue
		}
		above := path[:i]
		if w.below[above] += n; w.below[above] == 0 {
			delete(w.below, above)
		}
	}
}

// isStale says that a path is watched which now is another directory, or none:
// something was mounted over it or unmounted, of which inotify tells nobody.
func (w *watches) isStale(path string) bool {
	id, ok := w.held(path)
	if !ok {
		return false
	}
	now, err := inodeOf(path)
	return err != nil || now != id
}

// aliases gives the paths, beside the one that fsnotify knows it by, of the
// directory at path.
func (w *watches) aliases(path string) []string {
	id, ok := w.held(path)
	if !ok {
		return nil
	}
	return slices.Clone(w.others[id])
}

// size is the number of watches that the kernel holds for us.
func (w *watches) size() int { return len(w.byInode) }

// close gives the inotify instance back to the kernel.
func (w *watches) close() error {
	err := w.kernel.Close()
	if errors.Is(err, fsnotify.ErrClosed) {
		return nil
	}
	return err
}
