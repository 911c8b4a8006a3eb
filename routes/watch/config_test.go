package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// Every way of saving a config.
func TestConfigIsSaved(t *testing.T) {
	for _, c := range []struct {
		name string
		save func(t *testing.T, path, text string)
	}{
		{"renamed into place", func(t *testing.T, path, text string) { replace(t, path, text) }},
		{"in place", func(t *testing.T, path, text string) { write(t, path, text) }},
		{"written in two parts by a slow writer", func(t *testing.T, path, text string) {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
			must(t, err)
			half := len(text) / 2
			_, err = f.WriteString(text[:half])
			must(t, err)
			time.Sleep(4 * quietSlow) // the writer's leisure; nothing is waited for
			_, err = f.WriteString(text[half:])
			must(t, err)
			must(t, f.Close())
		}},
		{"removed and made again", func(t *testing.T, path, text string) {
			must(t, os.Remove(path))
			write(t, path, text)
		}},
		{"old one renamed away, as vim does", func(t *testing.T, path, text string) {
			must(t, os.Rename(path, path+"~"))
			write(t, path, text)
			must(t, os.Remove(path+"~"))
		}},
		{"sed -i", func(t *testing.T, path, text string) {
			write(t, path+".new", text)
			script := fmt.Sprintf("1{r %s.new\nd};d", path)
			if out, err := exec.Command("sed", "-i", script, path).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}},
		{"replaced by a symlink", func(t *testing.T, path, text string) {
			write(t, path+".d/real.yaml", text)
			must(t, os.Remove(path))
			must(t, os.Symlink(filepath.Base(path)+".d/real.yaml", path))
		}},
		{"folder renamed away, another in its place", func(t *testing.T, path, text string) {
			dir := filepath.Dir(path)
			write(t, dir+".new/config.yaml", text)
			must(t, os.Rename(dir, dir+".old"))
			must(t, os.Rename(dir+".new", dir))
			t.Cleanup(func() { must(t, os.RemoveAll(dir+".old")) })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := realDir(t) + "/conf"
			must(t, os.Mkdir(dir, 0o755))
			s := serve(t, dir, respondWith("one"))
			c.save(t, dir+"/config.yaml", respondWith("two"))
			s.answers("two")
			replace(t, dir+"/config.yaml", respondWith("three"))
			s.answers("three")
			write(t, dir+"/config.yaml", respondWith("four"))
			s.answers("four")
			for _, v := range s.said() {
				if v.Kind == Refused {
					t.Errorf("on the way a mistake was reported: %s", v.Mistakes)
				}
			}
		})
	}
}

// Whatever is wrong with the file, it is said once, the old table stays, and
// the next good version is taken.
func TestConfigIsBroken(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, path string)
		says string
	}{
		{"typo", func(t *testing.T, path string) { replace(t, path, "listeners:\n  - listen: 8080\n    rot: site\n") }, "did you mean"},
		{"no YAML", func(t *testing.T, path string) { write(t, path, "listeners: [") }, "config.yaml:1"},
		{"removed", func(t *testing.T, path string) { must(t, os.Remove(path)) }, "there is no such file"},
		{"emptied", func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) }, "config.yaml"},
		{"a folder", func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, os.Mkdir(path, 0o755))
		}, "folder"},
		{"a dangling symlink", func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, os.Symlink("nowhere/config.yaml", path))
		}, "there is no such file"},
		{"its folder removed", func(t *testing.T, path string) { must(t, os.RemoveAll(filepath.Dir(path))) }, "there is no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := realDir(t) + "/conf"
			must(t, os.Mkdir(dir, 0o755))
			path := dir + "/config.yaml"
			s := serve(t, dir, respondWith("one"))
			for i := range 2 {
				before := s.saidSoFar()
				c.do(t, path)
				v := s.told(Refused, before)
				if !strings.Contains(v.Mistakes, c.says) {
					t.Errorf("the mistake is %q, want one that says %q", v.Mistakes, c.says)
				}
				if want := fmt.Sprintf("still serving version %d", s.version()); !strings.HasSuffix(v.String(), want) {
					t.Errorf("the verdict is %q, want %q at its end", v, want)
				}
				if s.watcher.Status().Mistake == "" {
					t.Error("the status knows of no mistake")
				}
				s.answers(fmt.Sprint("one", strings.Repeat("+", i)))
				must(t, os.RemoveAll(path))
				next := fmt.Sprint("one", strings.Repeat("+", i+1))
				write(t, path, respondWith(next))
				s.answers(next)
				s.until("the status knows of no mistake", func() bool { return s.watcher.Status().Mistake == "" })
			}
		})
	}
}

func TestConfigIsMended(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	s := serve(t, dir, respondWith("one"))
	replace(t, dir+"/config.yaml", "broken")
	s.told(Refused, 0)
	replace(t, dir+"/config.yaml", respondWith("one"))
	v := s.told(Mended, 0)
	if want := "config.yaml is back to what is being served, the mistake is gone; serving version 1"; v.String() != want {
		t.Errorf("got  %s\nwant %s", v, want)
	}
	if s.count() != 0 {
		t.Errorf("%d tables were published for the text that is being served", s.count())
	}
}

// A touched file is no news.
func TestConfigIsTouched(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	s := serve(t, dir, respondWith("one"))
	v := s.watcher.Reload(t.Context())
	if v.Kind != Unchanged || !v.OK() {
		t.Fatalf("a reload without a change is %s: %s", v.Kind, v)
	}
	before := s.saidSoFar()
	replace(t, dir+"/config.yaml", respondWith("one"))
	s.told(Unchanged, before)
	if s.count() != 0 {
		t.Errorf("%d tables were published", s.count())
	}
	if log := s.log.String(); strings.Contains(log, "INFO") {
		t.Errorf("it was told above debug level:\n%s", log)
	}
}

// A config that is empty or away for a moment is waited for; one that is being
// written is, too, though not for ever.
func TestConfigGlance(t *testing.T) {
	path := realDir(t) + "/config.yaml"
	c, err := newConfigFile(path)
	must(t, err)
	now := time.Unix(1000, 0)
	expect := func(what string, after time.Duration, want look) {
		t.Helper()
		now = now.Add(after)
		if got, _ := c.glance(now); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	expect("away", 0, notYet)
	write(t, path, " \n")
	expect("empty", grace-1, notYet)
	expect("empty for long", 1, changed)
	write(t, path, "one")
	expect("a text", 0, changed)
	c.running = []byte("one")
	expect("that text", 0, same)
	write(t, path, "\ufeffone")
	expect("that text with a byte order mark", 0, same)
	must(t, os.Truncate(path, 0))
	expect("empty again", 0, notYet)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	defer f.Close()
	_, err = f.WriteString("two")
	must(t, err)
	expect("being written", 0, notYet)
	expect("still being written", capSlow-1, notYet)
	expect("being written for ever", 1, changed)
}

// A body that is truncated between the glance at it and its reading is not half
// served, whether the config had it before or not; what changes without end is.
func TestBodyIsWrittenWhileItIsRead(t *testing.T) {
	const reads = "listeners:\n  - listen: \"127.0.0.1:8080\"\n    respond: {file: notes.txt}\n"
	for _, before := range []string{reads, respondWith("one")} {
		dir := realDir(t)
		write(t, dir+"/notes.txt", "one")
		write(t, dir+"/config.yaml", before)
		cfg, err := config.Load(dir + "/config.yaml")
		must(t, err)
		loader := &site.Loader{}
		table, err := routes.Build(cfg, nil, loader)
		must(t, err)
		w, err := New(Options{Path: dir + "/config.yaml", Table: table, Loader: loader, Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		t.Cleanup(w.close)
		expect := func(what string, want bool, meanwhile func()) {
			t.Helper()
			w.config.glance(time.Now())
			meanwhile()
			if _, torn, err := w.readWhole([]byte(reads)); torn != want || err != nil {
				t.Errorf("%s: torn is %t: %v", what, torn, err)
			}
		}
		expect("at rest", false, func() {})
		if before == reads {
			expect("written", true, func() { write(t, dir+"/notes.txt", "two") })
			expect("replaced", true, func() { replace(t, dir+"/notes.txt", "two") })
		}
		expect("at rest again", false, func() {})
		f, err := os.OpenFile(dir+"/notes.txt", os.O_WRONLY, 0)
		must(t, err)
		defer f.Close()
		for range tornMost {
			expect("truncated", true, func() { must(t, f.Truncate(0)) })
		}
		expect("truncated without end", false, func() { must(t, f.Truncate(0)) })
	}
}

// What the loop refuses changes nothing, and is tried again.
func TestPublishIsRefused(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	must(t, os.Mkdir(dir+"/site", 0o755))
	s := serve(t, dir, respondWith("one"))
	watched := s.watcher.Describe()[0]
	s.mu.Lock()
	s.refuse = errors.New("listen :9090: address already in use")
	s.mu.Unlock()
	replace(t, dir+"/config.yaml", strings.Replace(oneRoot, "8080", "9090", 1))
	v := s.told(Refused, 0)
	if want := "listen :9090: address already in use\nstill serving version 1"; v.String() != want {
		t.Errorf("got  %s\nwant %s", v, want)
	}
	if v := s.watcher.Reload(t.Context()); v.OK() {
		t.Errorf("asked for, it is %s", v)
	}
	if got := s.watcher.Describe()[0]; got != watched {
		t.Errorf("what was refused is watched: %s, before %s", got, watched)
	}
	s.mu.Lock()
	s.refuse = nil
	s.mu.Unlock()
	v = s.told(Reloaded, 0) // without any event
	if !strings.Contains(v.String(), "+ listener 127.0.0.1:9090 (root site) · − listener 127.0.0.1:8080; 7 connections kept, 0 draining;") {
		t.Errorf("the verdict is %s", v)
	}
	replace(t, dir+"/site/a", "1")
	s.serves("a=1")
}

// A root that a refused config names is made later: no further event is needed.
func TestMissingRootIsMade(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	s := serve(t, dir, respondWith("one"))
	replace(t, dir+"/config.yaml", oneRoot)
	s.told(Refused, 0)
	write(t, dir+"/site/a", "1")
	s.serves("a=1")
}

func TestBodyFile(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, dir+"/x/notes.txt", "one")
	s := serve(t, dir, "listeners:\n  - listen: \"127.0.0.1:8080\"\n    respond: {file: x/notes.txt}\n")
	s.answers("one")
	replace(t, dir+"/x/notes.txt", "two")
	s.answers("two")
	write(t, dir+"/x/notes.txt", "three")
	s.answers("three")
	v := s.said()[s.saidSoFar()-1]
	if got := strings.Join(v.Changes, " "); got != "~ listener 127.0.0.1:8080 body (notes.txt)" {
		t.Errorf("told: %s", got)
	}
	if want := "x/notes.txt changed: ~ listener"; !strings.Contains(v.String(), want) {
		t.Errorf("told: %s, want it to say %q", v, want)
	}
	must(t, os.Rename(dir+"/x", dir+"/y"))
	write(t, dir+"/z/notes.txt", "four")
	must(t, os.Rename(dir+"/z", dir+"/x"))
	s.answers("four")
}

// Roots come and go with the config, and their watches with them.
func TestRootsComeAndGo(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, dir+"/site/x/a", "1")
	write(t, dir+"/site2/y/z/b", "2")
	s := serve(t, dir, respondWith("one"))
	at := func() int { return s.watcher.watches.size() } // only when Run is at rest
	s.watcher.Reload(t.Context())
	none := at()
	for i := range 3 {
		replace(t, dir+"/config.yaml", oneRoot)
		s.serves(fmt.Sprintf("x/a=%d", i+1))
		write(t, dir+"/site/x/a", fmt.Sprint(i+2))
		s.serves(fmt.Sprintf("x/a=%d", i+2))
		replace(t, dir+"/config.yaml", strings.Replace(oneRoot, "site", "site2", 1))
		s.serves(fmt.Sprintf("y/z/b=%d", i+2))
		replace(t, dir+"/site2/y/z/b", fmt.Sprint(i+3))
		s.serves(fmt.Sprintf("y/z/b=%d", i+3))
		replace(t, dir+"/config.yaml", respondWith(fmt.Sprint(i)))
		s.answers(fmt.Sprint(i))
		v := s.watcher.Reload(t.Context())
		if got := at(); got != none {
			t.Errorf("round %d: %d folders are watched, %d were before there was a root (%s)", i, got, none, v)
		}
	}
}

// A config and its content that change together are one commit.
func TestConfigWithContent(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, dir+"/site/a", "1")
	s := serve(t, dir, oneRoot, quietKernel)
	s.watcher.Reload(t.Context())
	before := s.count()
	replace(t, dir+"/site/a", "2")
	replace(t, dir+"/config.yaml", oneRoot+"limits: {head: 32KiB}\n")
	v := s.watcher.Reload(t.Context())
	s.serves("a=2")
	if n := s.count() - before; n != 1 {
		t.Errorf("%d commits", n)
	}
	if got := strings.Join(v.Changes, " · "); got != "~ limits.head 16KiB → 32KiB · site: 1 file changed (a)" {
		t.Errorf("told: %s", got)
	}
}

func TestReloadEndsWithItsContext(t *testing.T) {
	dir := realDir(t)
	s := serve(t, dir, respondWith("one"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if v := s.watcher.Reload(ctx); v.Kind == Refused && !strings.Contains(v.Mistakes, "canceled") {
		t.Errorf("the verdict is %s", v)
	}
}

func TestDescribe(t *testing.T) {
	dir := realDir(t)
	write(t, dir+"/site/x/a", "1")
	s := serve(t, dir, oneRoot)
	way := len(spine(dir + "/config.yaml"))
	want := fmt.Sprintf("watching config.yaml and site, by inotify in %d folders", way+2)
	if got := strings.Join(s.watcher.Describe(), "\n"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if st := s.watcher.Status(); st.Version != 1 || st.Since.IsZero() || st.Mistake != "" {
		t.Errorf("status: %+v", st)
	}
}
