package watch

import (
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// probeWait is how long the event of a probe may take. On a machine that is
// so busy, polling does not hurt more than the rest.
const probeWait = 5 * time.Second

// probe is a try whether a filesystem that should send events does. There are
// sandboxes (gVisor) and emulations that accept a watch and never report.
type probe struct {
	name  name // whose event is awaited
	dev   uint32
	until time.Time
}

// try starts a probe of the filesystem at path, once for each: it sets the
// directory's times to what they are, which changes nothing that anybody reads
// but its atime, and sends an event. A directory of another user, or a
// filesystem that is read-only, is not touched and believed.
func (w *Watcher) try(path string, now time.Time) {
	id, err := inodeOf(path)
	if err != nil || w.pulse.probed[id.dev] || w.kernel == nil {
		return
	}
	info, err := os.Stat(path)
	if err != nil || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
		return
	}
	w.pulse.probed[id.dev] = true
	n := name{filepath.Dir(path), filepath.Base(path)}
	if _, watched := w.watches.held(path); !watched {
		return
	}
	w.in.await(n)
	if os.Chtimes(path, now, info.ModTime()) != nil {
		w.in.heard(n)
		return
	}
	w.pulse.probes = append(w.pulse.probes, probe{n, id.dev, now.Add(probeWait)})
}

// judgeProbes polls the filesystems whose probes got no event.
func (w *Watcher) judgeProbes(now time.Time) {
	var waiting []probe
	for _, p := range w.pulse.probes {
		if now.Before(p.until) {
			waiting = append(waiting, p)
			continue
		}
		if w.in.heard(p.name) {
			continue
		}
		w.pulse.mute[p.dev] = "its filesystem takes watches and reports nothing"
		for _, r := range w.roots {
			if r.polled != "" {
				continue
			}
			if id, err := inodeOf(r.path); err == nil && id.dev == p.dev {
				r.polled = w.pulse.mute[p.dev]
				w.startPolling(r, now)
			}
		}
	}
	w.pulse.probes = waiting
}
