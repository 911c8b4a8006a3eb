package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// path makes an absolute path of one in the config. Symlinks are not resolved:
// a deploy that swaps one must be seen by whoever watches.
func (d *decoder) path(at place, text string) (string, bool) {
	switch {
	case text == "":
		d.fail(at, "is empty; give a path")
		return "", false
	case strings.ContainsRune(text, 0):
		d.fail(at, "a path cannot hold a NUL")
		return "", false
	case len(text) >= maxPath:
		d.fail(at, "the path has %d bytes and the kernel takes %d", len(text), maxPath-1)
		return "", false
	}
	if filepath.IsAbs(text) {
		return filepath.Clean(text), true
	}
	return filepath.Join(d.dir, text), true
}

// maxPath is PATH_MAX with the NUL that ends a path (limits.h).
const maxPath = 4096

// folder checks that path is a folder that can be read. what names it.
func (d *decoder) folder(at place, path, what string) bool {
	if slices.ContainsFunc(d.known, func(dir string) bool { return path == dir || inside(dir, path) }) {
		return true
	}
	err, seen := d.folders[path]
	if !seen {
		err = d.checkFolder(path)
		if d.folders == nil {
			d.folders = make(map[string]error)
		}
		d.folders[path] = err
	}
	switch {
	case err == nil:
		return true
	case errors.Is(err, errNotFolder):
		d.fail(at, "%s is a file, not a folder: %s%s", what, path, fileRemedy(what))
	default:
		d.failCause(at, err, "%s", pathTrouble(what, path, at.node.Value, err))
	}
	return false
}

var (
	errNotFolder = errors.New("not a folder")
	errHangs     = errors.New("its filesystem does not answer")
)

const (
	// folderWait is how long filesystems may take to show the folders of a config,
	// all together. A disk that has to start turning takes less; a file server that
	// is down takes for ever, and whoever waits for it is lost to everybody else.
	folderWait = 10 * time.Second
	// folderLeast is what each has even so: that one hangs is no fault of the next.
	folderLeast = 200 * time.Millisecond
)

// stuck are the folders that did not answer in time and are still waited for: they
// are not asked again before that, for each who asks is a thread that is lost.
var stuck sync.Map // path → chan error

// checkFolder asks the disk for a folder whose names can be read.
func (d *decoder) checkFolder(path string) error {
	if before, is := stuck.Load(path); is {
		if len(before.(chan error)) == 0 {
			return errHangs
		}
		stuck.Delete(path)
	}
	answer := make(chan error, 1)
	go func() { answer <- lookAt(path) }()
	if d.patience.IsZero() {
		d.patience = time.Now().Add(folderWait)
	}
	timer := time.NewTimer(max(time.Until(d.patience), folderLeast))
	defer timer.Stop()
	select {
	case err := <-answer:
		return err
	case <-timer.C:
		stuck.Store(path, answer)
		return errHangs
	}
}

func lookAt(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return errNotFolder
	}
	return readable(path)
}

func fileRemedy(what string) string {
	if what != theRoot {
		return ""
	}
	return "; to answer with one file write respond: {file: …}"
}

func readable(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Readdirnames(1); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// pathTrouble says why there is no path, and what may help.
func pathTrouble(what, path, written string, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("%s does not exist: %s%s", what, path, pathRemedy(path, written))
	case errors.Is(err, errHangs):
		return fmt.Sprintf("%s does not answer: %s; bring its filesystem back, or leave it out of the config", what, path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("%s may not be read: %s; give the user that runs monopoll the right to read it and to enter the folders above", what, path)
	case errors.Is(err, syscall.ELOOP):
		return fmt.Sprintf("%s is a symlink that leads to itself: %s", what, path)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Sprintf("%s does not exist: %s; a part of the path is a file", what, path)
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Sprintf("%s cannot be used: %s: %v", what, path, err)
}

// pathRemedy looks for what the missing path was meant as.
func pathRemedy(path, written string) string {
	if strings.HasPrefix(written, "~") || strings.HasPrefix(written, "$") {
		return "; ~ and $ have no meaning here, so write the path in full"
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return "; it is a symlink to nothing"
	}
	dir, name := filepath.Split(path)
	f, err := os.Open(dir)
	if err != nil {
		return ""
	}
	defer f.Close()
	names, _ := f.Readdirnames(1000) // a hint is not worth more of the disk's time
	if near := nearest(name, names); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}
