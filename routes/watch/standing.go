package watch

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// standing is which versions there are of the config and the bodies it reads.
type standing struct {
	paths  []string
	names  []name   // what they lead to
	stamps []string // see stampOf
}

// standing looks at the file and the bodies, without reading them.
func (c *configFile) standing(bodies []string) (s standing) {
	for _, path := range c.paths(bodies) {
		s.paths = append(s.paths, path)
		s.names = append(s.names, c.real[path])
		s.stamps = append(s.stamps, stampOf(path))
	}
	return s
}

// stampOf names the version of a file, or what is wrong with it.
func stampOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	st := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintln(st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim)
}

// rests tells the patrol what there was of the config when it was looked at.
func (p *patrol) rests(s standing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.config = s
}

// lookAtConfig looks for what no event tells of, at the config and its bodies: they are
// few, so all of them are looked at in each step.
func (b *patrolWalk) lookAtConfig() {
	b.mu.Lock()
	s := b.config
	b.mu.Unlock()
	for i, path := range s.paths {
		if stampOf(path) != s.stamps[i] {
			b.in.unheard(s.names[i], time.Now())
		}
	}
}
