package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"monopoll/loop/sys"
	"monopoll/routes/config"
)

// confine carries out `sandbox: on`: from now on the process can read the config
// and what it names, write its log and its sockets, and nothing else. It is
// done once; a root or a log that a later config names elsewhere cannot be
// opened, which is an error of that reload and says so.
func confine(cfg *config.Config, log *slog.Logger) error {
	if !cfg.Sandbox {
		return nil
	}
	_, _ = time.Now().Zone() // reads the time zone, which the log needs, while it can be read
	read, write := reach(cfg)
	err := sys.Confine(read, write)
	if errors.Is(err, sys.ErrNoLandlock) {
		log.Warn("sandbox: on has no effect", "error", err, "remedy", "a kernel from 5.13 on with landlock in its list of security modules (lsm=)")
		return nil
	}
	if err != nil {
		return fmt.Errorf("sandbox: on cannot be carried out: %w", err)
	}
	log.Info("confined by Landlock: folders that a later config names for the first time need a restart", "readable", read, "writable", write)
	return nil
}

// reach gives what a config needs to read and to write.
func reach(cfg *config.Config) (read, write []string) {
	read = []string{"/dev/null", "/proc/self"}
	if cfg.Path != "" && cfg.Path != "-" {
		read = append(append(read, cfg.Dir), foldersOf(absolute(cfg.Path))...)
	}
	for _, a := range cfg.Actions() {
		switch {
		case a.Root != nil:
			read = append(read, deployed(a.Root.Dir)...)
		case a.Sites != nil:
			read = append(read, deployed(a.Sites.Root.Dir)...)
		case a.Respond != nil && a.Respond.File != "":
			read = append(read, foldersOf(a.Respond.File)...)
		}
	}
	for _, l := range cfg.Listeners {
		for _, a := range l.Addresses {
			if a.Unix != "" {
				write = append(write, filepath.Dir(a.Unix))
			}
		}
	}
	if cfg.Control != "" {
		write = append(write, filepath.Dir(cfg.Control))
	}
	if filepath.IsAbs(cfg.Log.Access) {
		write = append(write, filepath.Dir(cfg.Log.Access))
	}
	slices.Sort(read)
	slices.Sort(write)
	return slices.Compact(read), slices.Compact(write)
}

// deployed gives a folder, and where it is a symlink, which is deployed by
// pointing it elsewhere in the same folder, what its target lies in. That of a
// folder of / would be everything, and is left out.
func deployed(dir string) []string {
	if dir != "/" {
		dir = strings.TrimRight(dir, "/") // or Lstat would follow it
	}
	if info, err := os.Lstat(dir); err == nil && info.Mode()&os.ModeSymlink != 0 {
		if real, err := filepath.EvalSymlinks(dir); err == nil && filepath.Dir(real) != "/" {
			return []string{dir, filepath.Dir(real)}
		}
	}
	return []string{dir}
}

// foldersOf gives the folder that a file is in and, where it is a symlink, the
// folders that it leads through: Kubernetes' config.yaml leads to
// ..data/config.yaml, and ..data to ..2031.
func foldersOf(path string) (dirs []string) {
	for range linksMost {
		dir := path[:strings.LastIndexByte(path, '/')+1] // not filepath.Dir: where a is a symlink, a/.. may be elsewhere
		dirs = append(dirs, deployed(dir)...)
		target, err := os.Readlink(path)
		if err != nil {
			break // it is no symlink
		}
		if path = target; !filepath.IsAbs(target) {
			path = dir + target
		}
	}
	return dirs
}

// linksMost is how many symlinks the kernel follows (path_resolution(7)).
const linksMost = 40
