package watch

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// patience is how long a test waits for what must happen. It is no measure of
// how soon that happens: machines that run tests are busy.
const patience = time.Minute

// server is a Watcher on real files with a loop that only takes tables.
type server struct {
	t       testing.TB
	dir     string // the config's folder, by its real path
	watcher *Watcher
	log     *safeBuffer

	mu       sync.Mutex
	table    *routes.Table
	tables   int   // how many were published
	refuse   error // what Publish says
	verdicts []Verdict
	news     chan struct{} // something was published or said
}

// serve starts a watcher on a config, which is written to config.yaml.
func serve(t testing.TB, dir, text string, edit ...func(*setup)) *server {
	t.Helper()
	write(t, dir+"/config.yaml", text)
	return serveFile(t, dir, dir+"/config.yaml", edit...)
}

// setup is what a test may change before the watcher runs.
type setup struct {
	*Options
	prepare func(*Watcher)
	early   bool // go on before the watcher has looked at everything once
}

func serveFile(t testing.TB, dir, path string, edit ...func(*setup)) *server {
	t.Helper()
	s := &server{t: t, dir: dir, log: &safeBuffer{}, news: make(chan struct{}, 1)}
	cfg, err := config.Load(path)
	must(t, err)
	loader := &site.Loader{}
	s.table, err = routes.Build(cfg, nil, loader)
	must(t, err)
	opt := Options{
		Path: path, Table: s.table, Loader: loader,
		Log:     slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Publish: s.publish, Report: s.report,
	}
	set := setup{&opt, func(*Watcher) {}, false}
	for _, e := range edit {
		e(&set)
	}
	s.watcher, err = New(opt)
	must(t, err)
	set.prepare(s.watcher)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.watcher.Run(ctx) // ends with ctx
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		if t.Failed() {
			t.Logf("log:\n%s", s.log)
		}
	})
	if !set.early {
		s.watcher.Reload(ctx)
	}
	return s
}

func (s *server) publish(t *routes.Table) (Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return Outcome{}, s.refuse
	}
	s.table = t
	s.tables++
	s.tell()
	return Outcome{Kept: 7}, nil
}

func (s *server) report(v Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verdicts = append(s.verdicts, v)
	s.tell()
}

func (s *server) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// until waits until ok holds, which is asked whenever there is news.
func (s *server) until(what string, ok func() bool) {
	s.t.Helper()
	late := time.After(patience)
	for {
		s.mu.Lock()
		done := ok()
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-s.news:
		case <-late:
			s.mu.Lock()
			defer s.mu.Unlock()
			s.t.Fatalf("never: %s\nthe site is %v\nverdicts: %v", what, contents(s.table), s.verdicts)
		}
	}
}

// serves waits until the first root has just these files: "name=body" each.
func (s *server) serves(want ...string) {
	s.t.Helper()
	s.until(fmt.Sprintf("the site is %v", want), func() bool {
		return strings.Join(contents(s.table), "\n") == strings.Join(want, "\n")
	})
}

// answers waits until the first listener's first route responds with a body.
func (s *server) answers(body string) {
	s.t.Helper()
	s.until(fmt.Sprintf("the answer is %q", body), func() bool {
		a := &s.table.Config.Listeners[0].Action
		return a.Respond != nil && string(a.Respond.Body) == body
	})
}

// told waits for a verdict of a kind after those that were there, and gives it.
func (s *server) told(kind Kind, after int) (v Verdict) {
	s.t.Helper()
	s.until("a verdict: "+kind.String(), func() bool {
		for _, v = range s.verdicts[after:] {
			if v.Kind == kind {
				return true
			}
		}
		return false
	})
	return v
}

func (s *server) saidSoFar() int { return len(s.said()) }

// said gives the verdicts so far.
func (s *server) said() []Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.verdicts)
}

func (s *server) version() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.Version
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables
}

// logged waits until the log has a text.
func (s *server) logged(text string) {
	s.t.Helper()
	for late := time.Now().Add(patience); !strings.Contains(s.log.String(), text); {
		if time.Now().After(late) {
			s.t.Fatalf("the log never says %q", text)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// contents gives the files of a table's first root, by path.
func contents(t *routes.Table) (all []string) {
	trees := t.Trees()
	if len(trees) == 0 {
		return nil
	}
	return list1("", trees[0].Root())
}

func list1(rel string, d *site.Dir) (all []string) {
	for e := range d.Names() {
		path := filepath.Join(rel, e.Name)
		if e.Dir != nil {
			all = append(all, list1(path, e.Dir)...)
			continue
		}
		body, _ := e.File.Body()
		all = append(all, path+"="+body)
	}
	return all
}

// safeBuffer is a bytes.Buffer for several goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func write(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

// replace saves as most programs do: another file, renamed into place.
func replace(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path+".tmp~", []byte(text), 0o644))
	must(t, os.Rename(path+".tmp~", path))
}

const oneRoot = "listeners:\n  - listen: \"127.0.0.1:8080\"\n    root: site\n"

// respondWith is a config with a fixed response.
func respondWith(body string) string {
	return fmt.Sprintf("listeners:\n  - listen: \"127.0.0.1:8080\"\n    respond: %q\n", body)
}
