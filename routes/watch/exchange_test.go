package watch

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// manual is a Watcher whose turns the test takes.
type manual struct {
	*Watcher
	t        *testing.T
	table    *routes.Table
	verdicts []Verdict
	log      *safeBuffer
}

func newManual(t *testing.T, dir, text string) *manual {
	t.Helper()
	write(t, dir+"/config.yaml", text)
	cfg, err := config.Load(dir + "/config.yaml")
	must(t, err)
	m := &manual{t: t, log: &safeBuffer{}}
	loader := &site.Loader{}
	m.table, err = routes.Build(cfg, nil, loader)
	must(t, err)
	m.Watcher, err = New(Options{
		Path: dir + "/config.yaml", Table: m.table, Loader: loader,
		Publish: func(table *routes.Table) (Outcome, error) { m.table = table; return Outcome{}, nil },
		Report:  func(v Verdict) { m.verdicts = append(m.verdicts, v) },
		Log:     slog.New(slog.NewTextHandler(m.log, nil)),
	})
	loader.Problem = func(path, text string) { m.Watcher.log.Warn(text, "path", path) }
	must(t, err)
	t.Cleanup(func() {
		select {
		case <-m.ended:
		default:
			m.close()
		}
	})
	return m
}

// until takes turns when there is an event, or one is due, until ok holds.
func (m *manual) until(what string, ok func() bool) {
	m.t.Helper()
	end := time.Now().Add(patience)
	for {
		next := m.turn(time.Now())
		if ok() {
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("waited in vain until %s", what)
		}
		select {
		case <-m.in.wake:
		case <-time.After(next):
		case r := <-m.alive:
			m.poll(r)
		case made := <-m.background.made:
			m.collect(made)
		}
	}
}

// A folder that a refused config names is watched for: that it is made is enough,
// whatever the clock says.
func TestMissingFolderIsWatchedFor(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	m := newManual(t, dir, respondWith("one"))
	replace(t, dir+"/config.yaml", "listeners:\n  - listen: \"127.0.0.1:8080\"\n    root: deep/er/site\n")
	m.until("the config is refused, and has been tried once more", func() bool {
		return m.Watcher.config.mistake != "" && time.Until(m.Watcher.config.at) > mendFirst/2
	})
	for _, folder := range []string{"/deep", "/deep/er", "/deep/er/site"} {
		must(t, os.Mkdir(dir+folder, 0o755))
		m.until("it is served or looked for", func() bool {
			if m.Watcher.config.mistake != "" {
				m.Watcher.config.at = time.Time{}
			}
			_, held := m.watches.held(dir + folder)
			return held
		})
	}
	write(t, dir+"/deep/er/site/a", "1")
	m.until("the file is served", func() bool {
		trees := m.table.Trees()
		return len(trees) == 1 && trees[0].Root().File([]byte("a")) != nil
	})
}

// A root that is renamed away and has a successor a moment later is served
// meanwhile; one that has none is not served any more.
func TestRootIsExchanged(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, dir+"/site/a", "1")
	m := newManual(t, dir, oneRoot)
	r, now := m.roots[0], time.Now()
	for _, look := range []struct {
		after time.Duration
		there bool
		want  bool
	}{{0, false, true}, {grace / 2, false, true}, {grace - 1, true, false}, {grace, false, true}, {2*grace - 1, false, true}, {2 * grace, false, false}} {
		if _, err := os.Stat(dir + "/site"); look.there == (err != nil) {
			from, to := dir+"/site", dir+"/old"
			if look.there {
				from, to = to, from
			}
			must(t, os.Rename(from, to))
		}
		if got := r.isExchanged(now.Add(look.after)); got != look.want {
			t.Errorf("after %v (there: %t) it is served as it was: %t, want %t", look.after, look.there, got, look.want)
		}
	}
	r.lost, r.next = time.Time{}, time.Time{}
	m.until("it is gone", func() bool { return m.table.Trees()[0].Gone() })
	if n := strings.Count(m.log.String(), "the document root is not there"); n != 1 {
		t.Errorf("it was said %d times that it is gone:\n%s", n, m.log.String())
	}
	write(t, dir+"/new/a", "2")
	must(t, os.Rename(dir+"/new", dir+"/site"))
	m.until("it is back", func() bool { return m.table.Trees()[0].Root().File([]byte("a")) != nil })
}

// Who waits for a reload when the watcher ends does not wait for ever.
func TestReloadEndsWithTheWatcher(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	m := newManual(t, dir, respondWith("one"))
	f, err := os.OpenFile(dir+"/config.yaml", os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	defer f.Close()
	verdict := make(chan Verdict)
	go func() { verdict <- m.Reload(context.Background()) }()
	m.asking.add(<-m.requests)
	m.turn(time.Now())
	if len(m.asking.replies) != 1 {
		t.Fatal("it did not wait for the writer")
	}
	m.close()
	if v := <-verdict; v.Kind != Refused {
		t.Errorf("the verdict is %q", v)
	}
}

// Who asks for a reload while somebody writes the config waits for it, too: what
// there is of it may be a config, with half the listeners.
func TestReloadWaitsForTheWriter(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	s := serve(t, dir, respondWith("one"))
	f, err := os.OpenFile(dir+"/config.yaml", os.O_WRONLY|os.O_TRUNC, 0)
	must(t, err)
	_, err = f.WriteString(respondWith("half"))
	must(t, err)
	asked, again := make(chan Verdict, 1), make(chan Verdict, 1)
	s.watcher.requests <- asked
	s.watcher.requests <- again // is taken when the first has been looked at
	_, err = f.WriteAt([]byte(respondWith("whole")), 0)
	must(t, err)
	must(t, f.Close())
	if v := <-asked; v.Kind != Reloaded || len(v.Changes) == 0 {
		t.Errorf("the verdict is %q", v)
	}
	<-again
	s.answers("whole")
	if n := s.count(); n != 1 {
		t.Errorf("%d tables were published, want 1", n)
	}
}
