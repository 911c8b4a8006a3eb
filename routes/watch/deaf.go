package watch

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"monopoll/routes/config"
)

const (
	// watchesMore is what max_user_watches is advised to be at least: what
	// kernels since 5.11 take themselves on a machine with 8 GiB.
	watchesMore = 524_288
	// pathMost is PATH_MAX without the NUL at its end (limits.h).
	pathMost = 4095
)

// unwatched does what is to be done where a folder of a root cannot be watched.
func (w *Watcher) unwatched(r *root, err error) {
	if !tooLong(err) {
		w.deafen(r, err)
		return
	}
	if r.tree == nil || r.far != "" {
		return // a root in the making, see deafen
	}
	var at *fs.PathError
	_ = errors.As(err, &at) // all that hold gives for it are
	r.far = fmt.Sprintf("a folder in it (%s) has a path of more than %d bytes, which inotify does not take; shorter names, or a root that begins further in, let it be watched",
		config.Visible(abridged(shorten(w.table.Config.Dir, at.Path))), pathMost)
	r.polled = cmp.Or(r.polled, r.far)
	w.startPolling(r, time.Now())
}

// deafen gives up the watches of a root for which there are not enough, so that
// others may have them.
func (w *Watcher) deafen(r *root, err error) {
	if r.deaf {
		return
	}
	r.deaf = true
	w.watches.forget(r.owner)
	if r.tree == nil {
		return // a root in the making; it comes here again when it is made
	}
	r.polled = reason(err)
	r.next = time.Now().Add(pollEvery)
	w.index.stale = true
	w.complain(w.call(r), err)
}

// goDeaf does without inotify from here on.
func (w *Watcher) goDeaf(err error) {
	_ = w.watches.close() // it is broken, whatever close says
	w.kernel, w.watches = nil, newWatches(deaf{err})
	for _, r := range w.roots {
		w.deafen(r, fmt.Errorf("%w: %w", errDeaf, err))
	}
	w.followConfig()
}

// complain says once for each reason that something is polled for want of
// watches, and what to do about it.
func (w *Watcher) complain(what string, err error) {
	key := reason(err)
	w.once(key, fmt.Sprintf("%s, and whatever comes after it, is looked at every second instead of being watched: %s; %s", what, key, remedy(err)))
}

// reason says why nothing is watched.
func reason(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "all inotify watches of this user are in use"
	case errors.Is(err, syscall.ENOMEM):
		return "the kernel has no memory for more inotify watches"
	case errors.Is(err, syscall.EMFILE):
		return "all inotify instances of this user are in use"
	}
	return "inotify does not work here (" + err.Error() + ")"
}

// remedy says what to do about it.
func remedy(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		more := max(watchesMore, 2*kernelNumber("max_user_watches"))
		return fmt.Sprintf("`sysctl fs.inotify.max_user_watches=%d` allows more, a file in /etc/sysctl.d keeps it so; then reload", more)
	case errors.Is(err, syscall.EMFILE):
		more := max(1024, 2*kernelNumber("max_user_instances"))
		return fmt.Sprintf("`sysctl fs.inotify.max_user_instances=%d` allows more; then restart", more)
	}
	return "changes are noticed all the same, a second later"
}

// kernelNumber reads a limit of inotify(7), 0 if it cannot.
func kernelNumber(limit string) int {
	text, err := os.ReadFile("/proc/sys/fs/inotify/" + limit)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return n
}

// once warns of something that does not change.
func (w *Watcher) once(key, text string) {
	if !w.said[key] {
		w.said[key] = true
		w.log.Warn(text)
	}
}

// abridged leaves out the middle of a path that would fill the screen.
func abridged(path string) string {
	const end = 40
	if len(path) <= 3*end {
		return path
	}
	return strings.ToValidUTF8(path[:end], "") + "…" + strings.ToValidUTF8(path[len(path)-end:], "")
}
