package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"monopoll/loop/sys"
	"monopoll/routes/config"
	"monopoll/routes/site"
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
		read = append(append(read, cfg.Dir), ledTo(absolute(cfg.Path))...)
	}
	for _, a := range cfg.Actions() {
		switch {
		case a.Root != nil:
			read = append(append(read, a.Root.Dir), ledTo(a.Root.Dir)...)
		case a.Sites != nil:
			read = append(append(read, a.Sites.Root.Dir), ledTo(a.Sites.Root.Dir)...)
		case a.Respond != nil && a.Respond.File != "":
			read = append(read, ledTo(a.Respond.File)...)
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

// ledTo gives what is to be read where path, or a link on its way, is pointed
// elsewhere later. A symlink to a folder is how a release is deployed: app/current
// leads to releases/1, and then to releases/2, so what its target stands in is
// given. A file may be put in the place of another, or of a link to it, so what
// these stand in is: Kubernetes' config.yaml leads to ..data/config.yaml, and
// ..data to ..2031. To give / would be to give everything; and a link in / that the
// path goes on from is how a machine is laid out, and nothing that is deployed.
func ledTo(path string) (dirs []string) {
	way, _, _ := site.Way(path, nil) // as far as it is there
	for _, a := range way {
		at := filepath.Join(a.Dir, a.Name)
		real, err := filepath.EvalSymlinks(at)
		if err != nil {
			continue
		}
		info, err := os.Stat(real)
		layout := filepath.Dir(at) == "/" && at != filepath.Clean(path)
		switch {
		case err != nil:
		case !info.IsDir() && filepath.Dir(at) == "/":
			dirs = append(dirs, at)
		case !info.IsDir():
			dirs = append(dirs, filepath.Dir(at))
		case real != at && !layout && filepath.Dir(real) != "/": // a symlink
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	return dirs
}
