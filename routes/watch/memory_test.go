package watch

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// heap is how many bytes are in use once all garbage is gone.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A file takes less than 300 bytes beside its body, what its folder takes in the
// table and among the watches included: 1,250 sites of 10 pages, which fill the map
// of watches as far as 10,000 do.
func TestMemory(t *testing.T) {
	const sites, pages, body, most = 1250, 10, 1000, 300
	dir := realDir(t)
	text := make([]byte, body)
	for i := range sites {
		for k := range pages {
			write(t, fmt.Sprintf("%s/sites/site-%05d/page-%d.html", dir, i, k), string(text))
		}
	}
	write(t, dir+"/config.yaml", "listeners: [{listen: '127.0.0.1:8080', sites: {dir: sites, domain: localhost}}]\n")
	cfg, err := config.Load(dir + "/config.yaml")
	must(t, err)
	start := heap()
	loader := &site.Loader{Now: func() time.Time { return time.Now().Add(time.Hour) }} // no file is of just now
	table, err := routes.Build(cfg, nil, loader)
	must(t, err)
	built := heap()
	w, err := New(Options{Path: dir + "/config.yaml", Table: table, Loader: loader,
		Publish: func(*routes.Table) (Outcome, error) { return Outcome{}, nil }})
	must(t, err)
	defer w.close()
	w.background.at = time.Time{} // variants are not what this is about
	w.turn(time.Now())
	watched := heap()
	const files = sites * pages
	inTable, watching := (built-start)/files-body, (watched-built)/files
	t.Logf("%d bytes a file in the table and %d among the watches", inTable, watching)
	if all := inTable + watching; all > most {
		t.Errorf("a file takes %d bytes beside its body, more than %d", all, most)
	}
	runtime.KeepAlive(table)
}
