package watch

import (
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

const readsNotes = "listeners:\n  - listen: \"127.0.0.1:8080\"\n    respond: {file: notes.txt}\n"

// still makes a watcher that does not run.
func still(t *testing.T, dir, text string) *Watcher {
	t.Helper()
	write(t, dir+"/config.yaml", text)
	return stillOf(t, dir+"/config.yaml")
}

func stillOf(t *testing.T, path string) *Watcher {
	t.Helper()
	cfg, err := config.Load(path)
	must(t, err)
	loader := &site.Loader{}
	table, err := routes.Build(cfg, nil, loader)
	must(t, err)
	w, err := New(Options{Path: path, Table: table, Loader: loader, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(w.close)
	return w
}

// A body that has lost what was in it, or is gone, is waited for as an empty
// config is; one that never had anything is not.
func TestBodyIsEmptied(t *testing.T) {
	for _, c := range []struct {
		name, before string
		lose         func(path string) error
		waits        bool
	}{
		{"truncated", "one", func(path string) error { return os.Truncate(path, 0) }, true},
		{"removed", "one", os.Remove, true},
		{"empty as ever", "", func(path string) error { return os.WriteFile(path, nil, 0o644) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := realDir(t)
			write(t, dir+"/notes.txt", c.before)
			w := still(t, dir, readsNotes)
			now := time.Unix(1000, 0)
			expect := func(what string, after time.Duration, want look) {
				t.Helper()
				now = now.Add(after)
				if got, _ := w.config.glance(now); got != want {
					t.Errorf("%s: %d, want %d", what, got, want)
				}
			}
			expect("at rest", 0, same)
			must(t, c.lose(dir+"/notes.txt"))
			if c.waits {
				expect("lost", time.Second, notYet)
				expect("lost for a while", grace-1, notYet)
				expect("lost for good", 1, same)
				expect("still lost", time.Hour, same)
				write(t, dir+"/notes.txt", "two")
				expect("back", 0, same)
				must(t, c.lose(dir+"/notes.txt"))
				expect("lost again", 0, notYet)
			} else {
				expect("emptied", time.Second, same)
			}
		})
	}
}

// A config that came through a pipe is gone; what it reads is followed all the
// same, by events, when asked to, and where no event tells.
func TestBodyOfAPipedConfig(t *testing.T) {
	dir := realDir(t)
	write(t, dir+"/notes.txt", "one")
	must(t, syscall.Mkfifo(dir+"/config.yaml", 0o600))
	text := strings.Replace(readsNotes, "notes.txt", dir+"/notes.txt", 1)
	go func() {
		if err := os.WriteFile(dir+"/config.yaml", []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}()
	s := serveFile(t, dir, dir+"/config.yaml")
	s.answers("one")
	replace(t, dir+"/notes.txt", "two")
	s.answers("two")
	write(t, dir+"/notes.txt", "three")
	s.answers("three")
	before := s.saidSoFar()
	must(t, os.Remove(dir+"/notes.txt"))
	s.told(Refused, before)
	if v := s.watcher.Reload(t.Context()); v.OK() {
		t.Errorf("without the body a reload is %s", v)
	}
	s.answers("three")
	replace(t, dir+"/notes.txt", "four")
	s.answers("four")
	// An outside name of the same file: the event goes there.
	must(t, os.Mkdir(dir+"/x", 0o755))
	must(t, os.Link(dir+"/notes.txt", dir+"/x/other"))
	write(t, dir+"/x/other", "five")
	s.answers("five")
}

// Where no event tells, the patrol finds what has become of the config and its
// bodies, in each of its steps; what it found is no news once it was looked at.
func TestConfigIsPatrolled(t *testing.T) {
	dir := realDir(t)
	write(t, dir+"/notes.txt", "one")
	w := still(t, dir, readsNotes)
	b := newPatrolWalk(&w.patrol, 0)
	w.config.glance(time.Now())
	w.tidy()
	found := func(want ...name) {
		t.Helper()
		b.lookAtConfig()
		for _, n := range want {
			if !w.in.written(n) {
				t.Errorf("%s: the change was not found", n.base)
			}
		}
		if n := len(w.in.settle.names); n != len(want) {
			t.Errorf("%d names, want %d", n, len(want))
		}
		w.in.settle.forget()
	}
	found()
	notes, text := name{dir, "notes.txt"}, name{dir, "config.yaml"}
	must(t, os.Mkdir(dir+"/x", 0o755))
	for _, n := range []name{notes, text} {
		must(t, os.Link(n.path(), dir+"/x/"+n.base)) // which sets the ctime
	}
	w.config.glance(time.Now())
	w.tidy()
	w.in.settle.forget()
	write(t, dir+"/x/notes.txt", "another")
	found(notes)
	write(t, dir+"/x/config.yaml", respondWith("another"))
	found(notes, text)
	w.config.glance(time.Now())
	w.tidy()
	found()
}

// A config that was named from the current folder is gone with that folder: what
// stands in it under another name is not what the config's path leads to.
func TestFolderOfRelativeConfigIsRenamed(t *testing.T) {
	dir := realDir(t)
	write(t, dir+"/conf/config.yaml", respondWith("one"))
	t.Chdir(dir + "/conf")
	w := stillOf(t, "config.yaml")
	must(t, os.Rename(dir+"/conf", dir+"/away"))
	if _, err := w.read(nil); err == nil || !strings.Contains(err.Error(), dir+"/conf/config.yaml: there is no such file") {
		t.Errorf("it says: %v", err)
	}
	write(t, dir+"/conf/config.yaml", respondWith("two"))
	cfg, err := w.read(nil)
	if err != nil || cfg.Path != "config.yaml" || string(cfg.Listeners[0].Action.Respond.Body) != "two" {
		t.Errorf("when it is back: %v, %v", cfg, err)
	}
}
