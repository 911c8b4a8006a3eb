package watch

import (
	"os"
	"testing"
	"time"

	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// busyFor counts a server's work: a lot at each of the first looks, none from
// then on.
type busyFor struct{ looks, busy int }

func (b *busyFor) work() int64 {
	b.looks++
	return int64(min(b.looks, b.busy)) * 1e9
}

// Background work waits while the server is busy, and goes on when it is not.
func TestGiveWay(t *testing.T) {
	t.Parallel()
	b := busyFor{busy: 4}
	p := pace{s: &round{ctx: t.Context(), served: b.work}, last: time.Minute}
	if p.giveWay(); b.looks <= b.busy {
		t.Errorf("it went on after %d looks at a server that is busy for %d", b.looks, b.busy)
	}
	b = busyFor{busy: 1 << 30}
	p = pace{s: &round{ctx: t.Context(), served: b.work}, last: time.Microsecond}
	if p.giveWay(); b.looks < 2 {
		t.Errorf("a short piece of work did not wait at all")
	}
}

// To hash a large file is background work like any other.
func TestHashGivesWay(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	must(t, os.WriteFile(dir+"/large.bin", make([]byte, site.Threshold+1), 0o644))
	cfg, err := config.Parse("config.yaml", dir, []byte("listeners: [{listen: 8080, root: .}]\n"))
	must(t, err)
	table, err := routes.Build(cfg, nil, &site.Loader{})
	must(t, err)
	gone := make(chan struct{}) // nobody takes the tags
	close(gone)
	b := busyFor{busy: 3}
	s := &round{ctx: t.Context(), served: b.work, trees: table.Trees(), roots: []*root{nil}, ended: gone}
	s.hash(0)
	if b.looks == 0 {
		t.Error("nobody asked how busy the server is")
	}
}
