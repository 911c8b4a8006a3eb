package watch

import (
	"log/slog"
	"os"
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
	cfg, err := config.Load(dir + "/config.yaml")
	must(t, err)
	loader := &site.Loader{}
	table, err := routes.Build(cfg, nil, loader)
	must(t, err)
	w, err := New(Options{Path: dir + "/config.yaml", Table: table, Loader: loader, Log: slog.New(slog.DiscardHandler)})
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
