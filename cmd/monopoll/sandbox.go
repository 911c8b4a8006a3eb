package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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

// reach gives what a config needs to read and to write. A root that is a
// symlink is deployed by pointing it elsewhere in the same folder, so what lies
// beside its target is readable too.
func reach(cfg *config.Config) (read, write []string) {
	read = []string{"/dev/null", "/proc/self"}
	if cfg.Path != "" && cfg.Path != "-" {
		read = append(read, cfg.Dir)
	}
	root := func(dir string) {
		read = append(read, dir)
		if info, err := os.Lstat(dir); err == nil && info.Mode()&os.ModeSymlink != 0 {
			if real, err := filepath.EvalSymlinks(dir); err == nil {
				read = append(read, filepath.Dir(real))
			}
		}
	}
	for _, a := range cfg.Actions() {
		switch {
		case a.Root != nil:
			root(a.Root.Dir)
		case a.Sites != nil:
			root(a.Sites.Root.Dir)
		case a.Respond != nil && a.Respond.File != "":
			read = append(read, filepath.Dir(a.Respond.File))
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
	return read, write
}
