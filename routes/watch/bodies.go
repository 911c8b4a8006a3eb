package watch

import (
	"bytes"
	"os"
	"time"

	"monopoll/routes/config"
)

// bodiesOf are the files that fixed responses are read from.
func bodiesOf(cfg *config.Config) (paths []string) {
	for _, a := range cfg.Actions() {
		if a.Kind == config.KindRespond && a.Respond.File != "" {
			paths = append(paths, a.Respond.File)
		}
	}
	return paths
}

// changedBodies gives the files of a config that had other content in the one
// before it, which has the same text.
func changedBodies(old, cfg *config.Config) (files []string) {
	was := map[string][]byte{}
	for _, a := range old.Actions() {
		if a.Kind == config.KindRespond {
			was[a.Respond.File] = a.Respond.Body
		}
	}
	for _, a := range cfg.Actions() {
		if a.Kind == config.KindRespond && a.Respond.File != "" && !bytes.Equal(was[a.Respond.File], a.Respond.Body) {
			files = append(files, shorten(cfg.Dir, a.Respond.File))
		}
	}
	return files
}

// isHollow says that a body which had content has just lost it, or is gone.
func (c *configFile) isHollow(now time.Time) bool {
	hollow := false
	for _, path := range c.bodies {
		info, err := os.Stat(path)
		hollow = hollow || c.filled[path] && (err != nil || info.Mode().IsRegular() && info.Size() == 0)
	}
	return c.waits(&c.hollow, hollow, now)
}
