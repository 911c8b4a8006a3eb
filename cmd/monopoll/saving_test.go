package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// saver is a way in which programs save a file. The file at path exists; dir
// is its folder.
type saver struct {
	name string
	// needs is a program that it takes; without it the way is not tested.
	needs string
	save  func(t *testing.T, path, text string)
	// gone says that there is a moment without the file: then a page may be
	// missing in between, and a config may not.
	gone bool
}

var savers = []saver{
	{name: "renamed over", save: func(t *testing.T, path, text string) { replace(t, path, text) }},
	{name: "written in place", save: func(t *testing.T, path, text string) { must(t, os.WriteFile(path, []byte(text), 0o644)) }},
	{name: "truncated, then written slowly", save: func(t *testing.T, path, text string) {
		f, err := os.Create(path)
		must(t, err)
		for piece := range strings.SplitAfterSeq(text, "\n") {
			time.Sleep(time.Millisecond)
			_, err = io.WriteString(f, piece)
			must(t, err)
		}
		must(t, f.Close())
	}},
	{name: "written in place without being truncated", save: func(t *testing.T, path, text string) {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		must(t, err)
		_, err = io.WriteString(f, text)
		must(t, err)
		must(t, f.Truncate(int64(len(text))))
		must(t, f.Close())
	}},
	{name: "empty for a moment", save: func(t *testing.T, path, text string) {
		must(t, os.WriteFile(path, nil, 0o644))
		time.Sleep(10 * time.Millisecond)
		must(t, os.WriteFile(path, []byte(text), 0o644))
	}},
	{name: "deleted and created again", gone: true, save: func(t *testing.T, path, text string) {
		must(t, os.Remove(path))
		must(t, os.WriteFile(path, []byte(text), 0o644))
	}},
	{name: "moved away and created again", gone: true, save: func(t *testing.T, path, text string) {
		must(t, os.Rename(path, path+"~"))
		must(t, os.WriteFile(path, []byte(text), 0o644))
		must(t, os.Remove(path+"~"))
	}},
	{name: "sed -i", needs: "sed", save: func(t *testing.T, path, text string) {
		old, err := os.ReadFile(path)
		must(t, err)
		script := "s/" + digits(string(old)) + "/" + digits(text) + "/g"
		shell(t, "", "sed", "-i", script, path)
	}},
	{name: "vim", needs: "vim", save: vim("set nobackup writebackup backupcopy=auto")},
	{name: "vim with backup by renaming", gone: true, needs: "vim", save: vim("set backup backupcopy=no")},
	{name: "vim with backup by copying", needs: "vim", save: vim("set backup backupcopy=yes")},
	{name: "vim without backup", needs: "vim", save: vim("set nobackup nowritebackup")},
	{name: "touched, then renamed over", save: func(t *testing.T, path, text string) {
		must(t, os.Chtimes(path, time.Now(), time.Now()))
		replace(t, path, text)
	}},
	{name: "hard link", save: func(t *testing.T, path, text string) {
		must(t, os.WriteFile(path+"~1", []byte(text), 0o644))
		must(t, os.Link(path+"~1", path+"~2"))
		must(t, os.Rename(path+"~2", path))
		must(t, os.Remove(path+"~1"))
	}},
	{name: "a symlink instead, pointed elsewhere", save: func(t *testing.T, path, text string) {
		// the target is beside it, so that it is inside the root too
		target := filepath.Base(path) + "." + digits(text)
		must(t, os.WriteFile(filepath.Join(filepath.Dir(path), target), []byte(text), 0o644))
		os.Remove(path + "~link")
		must(t, os.Symlink(target, path+"~link"))
		must(t, os.Rename(path+"~link", path))
	}},
	{name: "through that symlink", save: func(t *testing.T, path, text string) { must(t, os.WriteFile(path, []byte(text), 0o644)) }},
	{name: "the symlink's target renamed over", save: func(t *testing.T, path, text string) {
		real, err := filepath.EvalSymlinks(path)
		must(t, err)
		replace(t, real, text)
	}},
	{name: "a file again", save: func(t *testing.T, path, text string) { replace(t, path, text) }},
}

// vim saves with vim, as it does with the options given.
func vim(options string) func(t *testing.T, path, text string) {
	return func(t *testing.T, path, text string) {
		old, err := os.ReadFile(path)
		must(t, err)
		shell(t, filepath.Dir(path), "vim", "-u", "NONE", "-i", "NONE", "-es", "-c", "set nocompatible",
			"-c", options, "-c", "%s/"+digits(string(old))+"/"+digits(text)+"/g", "-c", "wq", path)
	}
}

// shell runs a program that is to succeed.
func shell(t *testing.T, dir string, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

// digits gives the number that tells one text from another: six digits.
func digits(text string) string {
	at := strings.Index(text, "#")
	return text[at+1 : at+7]
}

// witness reads an address on and on, and reports what is torn, until it is
// told to stop.
func witness(t *testing.T, address, path string, whole func(status int, body string) bool) func() {
	var stop atomic.Bool
	var done sync.WaitGroup
	c := connect(t, address)
	done.Go(func() {
		for n := 0; !stop.Load(); n++ {
			c.ask(path)
			res, body, err := c.answer()
			if err != nil {
				t.Errorf("answer %d: %v", n, err)
				return
			}
			if !whole(res.StatusCode, body) {
				t.Errorf("answer %d is torn: %s, %d bytes: %.200q", n, res.Status, len(body), body)
				return
			}
		}
	})
	return func() { stop.Store(true); done.Wait() }
}

// Every way of saving a page makes it live; no answer has halves of two
// versions, or half of one.
func TestWaysOfSavingAPage(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	page := func(n int) string {
		return strings.Repeat(fmt.Sprintf("#%06d is the number of this page\n", n), 200)
	}
	dir := folder(t, map[string]string{
		"config.yaml": "listeners: [{listen: '" + a + "', root: www}]\nlog: {access: off}", "www/page.txt": page(0)})
	s := run(t, dir)
	var gone atomic.Bool
	stop := witness(t, a, "/page.txt", func(status int, body string) bool {
		if status == 404 {
			return gone.Load()
		}
		return len(body) == len(page(0)) && body == strings.Repeat(body[:len(body)/200], 200)
	})
	n := 0
	for _, w := range savers {
		if !isInstalled(w.needs) {
			t.Logf("%s: %s is not installed", w.name, w.needs)
			continue
		}
		for range 2 {
			n++
			gone.Store(gone.Load() || w.gone) // for good: the next answer may still be the 404
			began := time.Now()
			w.save(t, filepath.Join(dir, "www/page.txt"), page(n))
			s.until(w.name+" to be live", func() bool { return fetch(a, "/page.txt") == page(n) })
			if testing.Verbose() {
				t.Logf("%s: %d ms", w.name, time.Since(began).Milliseconds())
			}
		}
	}
	stop()
	s.stop()
}

// Every way of saving the config makes it live, and none of them is a mistake on
// the way.
func TestWaysOfSavingTheConfig(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	text := func(n int) string {
		return fmt.Sprintf("#%06d\nlisteners:\n  - listen: '%s'\n    respond: 'version #%06d'\nlog: {access: off}\n", n, a, n)
	}
	dir := folder(t, map[string]string{"config.yaml": text(0)})
	s := run(t, dir)
	stop := witness(t, a, "/", func(status int, body string) bool { return status == 200 && len(body) == len("version #000000") })
	n := 0
	for _, w := range savers {
		if !isInstalled(w.needs) {
			continue
		}
		for range 2 {
			n++
			began := time.Now()
			w.save(t, filepath.Join(dir, "config.yaml"), text(n))
			s.serves(a, "/", fmt.Sprintf("version #%06d", n))
			if testing.Verbose() {
				t.Logf("%s: %d ms", w.name, time.Since(began).Milliseconds())
			}
		}
	}
	s.until("no mistake", func() bool { return s.status().Mistake == "" })
	if v := s.status().Version; v != n+1 {
		t.Errorf("version %d after %d edits", v, n)
	}
	stop()
	s.stop()
}

func isInstalled(name string) bool {
	_, err := exec.LookPath(name)
	return name == "" || err == nil
}

// A ConfigMap of Kubernetes: config.yaml → ..data/config.yaml, ..data → a folder
// named by time. An update makes another folder and exchanges ..data.
func TestKubernetesConfigMap(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"volume/": "", "work/": ""})
	volume := filepath.Join(dir, "volume")
	publish := func(n int) {
		t.Helper()
		fresh := fmt.Sprintf("..2026_%d", n)
		must(t, os.MkdirAll(filepath.Join(volume, fresh, "www"), 0o755))
		text := fmt.Sprintf("listeners: [{listen: '%s', routes: {/: {root: www}, /number: {respond: '%d'}}}]\ncontrol: ../work/c.sock\n", a, n)
		must(t, os.WriteFile(filepath.Join(volume, fresh, "config.yaml"), []byte(text), 0o644))
		must(t, os.WriteFile(filepath.Join(volume, fresh, "www/page.txt"), []byte(fmt.Sprint("page ", n)), 0o644))
		old, _ := os.Readlink(filepath.Join(volume, "..data"))
		must(t, os.Symlink(fresh, filepath.Join(volume, "..data_tmp")))
		must(t, os.Rename(filepath.Join(volume, "..data_tmp"), filepath.Join(volume, "..data")))
		if old != "" {
			must(t, os.RemoveAll(filepath.Join(volume, old)))
		}
	}
	publish(1)
	must(t, os.Symlink("..data/config.yaml", filepath.Join(volume, "config.yaml")))
	must(t, os.Symlink("..data/www", filepath.Join(volume, "www")))
	s := run(t, filepath.Join(dir, "work"), "-c", "../volume/config.yaml")
	for n := 2; n <= 6; n++ {
		publish(n)
		s.serves(a, "/number", fmt.Sprint(n))
		s.serves(a, "/page.txt", fmt.Sprint("page ", n))
	}
	s.until("no mistake", func() bool {
		out, _, _ := monopoll(t, dir, "status", "--json", "-c", "volume/config.yaml")
		return strings.Contains(out, `"mistake": ""`)
	})
	s.stop()
}

// A deploy by symlink: current → releases/2. The whole site changes at once:
// nobody sees pages of two releases in one exchange after the change.
func TestDeployBySymlink(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + "', root: current}]\nlog: {access: off}", "releases/": ""})
	deploy := func(n int) {
		t.Helper()
		release := filepath.Join(dir, "releases", fmt.Sprint(n))
		must(t, os.Mkdir(release, 0o755))
		for _, name := range []string{"a.txt", "b.txt"} {
			must(t, os.WriteFile(filepath.Join(release, name), []byte(fmt.Sprint("release ", n)), 0o644))
		}
		must(t, os.Symlink("releases/"+fmt.Sprint(n), filepath.Join(dir, "next")))
		must(t, os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "current")))
	}
	deploy(0)
	s := run(t, dir)
	c := connect(t, a)
	var last string
	for n := 1; n <= 8; n++ {
		deploy(n)
		s.until("the release to be live", func() bool {
			_, first := c.get("/a.txt")
			_, second := c.get("/b.txt") // asked later, so never older
			if first > second || first < last {
				t.Errorf("%q, then %q, after %q", first, second, last)
			}
			last = second
			return first == fmt.Sprint("release ", n)
		})
		if n > 3 {
			must(t, os.RemoveAll(filepath.Join(dir, "releases", fmt.Sprint(n-1))))
		}
	}
	s.stop()
}
