package watch

import (
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

// isHollow says that a body which had content has just lost it, or is gone.
func (c *configFile) isHollow(now time.Time) bool {
	hollow := false
	for _, path := range c.bodies {
		info, err := os.Stat(path)
		hollow = hollow || c.filled[path] && (err != nil || info.Mode().IsRegular() && info.Size() == 0)
	}
	return c.waits(&c.hollow, hollow, now)
}
