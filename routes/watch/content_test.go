package watch

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// oneSite serves a folder "site" with the given files: "name=body" each.
func oneSite(t testing.TB, files ...string) *server {
	t.Helper()
	dir := realDir(t)
	must(t, os.Mkdir(dir+"/site", 0o755))
	for _, f := range files {
		path, body, _ := strings.Cut(f, "=")
		write(t, dir+"/site/"+path, body)
	}
	s := serve(t, dir, oneRoot)
	s.serves(files...)
	return s
}

// run runs a program in the site's folder.
func (s *server) run(name string, args ...string) {
	s.t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		s.t.Skip(name + " is not installed")
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir + "/site"
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "GIT_CONFIG_NOSYSTEM=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// Every way in which a page comes to be another one.
func TestContent(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []string
		do     func(s *server, site string)
		after  []string
	}{
		{"renamed into place", []string{"a=1"}, func(s *server, site string) {
			replace(s.t, site+"/a", "2")
		}, []string{"a=2"}},
		{"rewritten in place", []string{"a=1"}, func(s *server, site string) {
			write(s.t, site+"/a", "2")
		}, []string{"a=2"}},
		{"appended to", []string{"a=1"}, func(s *server, site string) {
			f, err := os.OpenFile(site+"/a", os.O_APPEND|os.O_WRONLY, 0)
			must(s.t, err)
			_, err = f.WriteString("2")
			must(s.t, err)
			must(s.t, f.Close())
		}, []string{"a=12"}},
		{"same size, same mtime", []string{"a=1"}, func(s *server, site string) {
			info, err := os.Stat(site + "/a")
			must(s.t, err)
			write(s.t, site+"/b", "2")
			must(s.t, os.Chtimes(site+"/b", info.ModTime(), info.ModTime()))
			must(s.t, os.Rename(site+"/b", site+"/a"))
		}, []string{"a=2"}},
		{"added", []string{"a=1"}, func(s *server, site string) {
			write(s.t, site+"/b", "2")
		}, []string{"a=1", "b=2"}},
		{"added, empty", []string{"a=1"}, func(s *server, site string) {
			write(s.t, site+"/b", "")
		}, []string{"a=1", "b="}},
		{"removed", []string{"a=1", "b=2"}, func(s *server, site string) {
			must(s.t, os.Remove(site+"/b"))
		}, []string{"a=1"}},
		{"renamed", []string{"a=1"}, func(s *server, site string) {
			must(s.t, os.Rename(site+"/a", site+"/b"))
		}, []string{"b=1"}},
		{"hard link", []string{"a=1"}, func(s *server, site string) {
			must(s.t, os.Link(site+"/a", site+"/b"))
		}, []string{"a=1", "b=1"}},
		{"sed -i", []string{"a=one"}, func(s *server, site string) {
			s.run("sed", "-i", "s/one/two/", "a")
		}, []string{"a=two"}},
		{"sed -i --follow-symlinks", []string{"a=one"}, func(s *server, site string) {
			must(s.t, os.Symlink("a", site+"/b"))
			s.run("sed", "-i", "--follow-symlinks", "s/one/two/", "b")
		}, []string{"a=two", "b=two"}},
		{"perl -i", []string{"a=one"}, func(s *server, site string) {
			s.run("perl", "-i", "-pe", "s/one/two/", "a")
		}, []string{"a=two"}},
		{"cp", []string{"a=one"}, func(s *server, site string) {
			write(s.t, s.dir+"/new", "two")
			s.run("cp", "-p", "../new", "a")
		}, []string{"a=two"}},
		{"rsync", []string{"a=one", "x/b=1", "x/c=1"}, func(s *server, site string) {
			write(s.t, s.dir+"/new/a", "two")
			write(s.t, s.dir+"/new/x/b", "2")
			s.run("rsync", "-rI", "--delete", "../new/", ".")
		}, []string{"a=two", "x/b=2"}},
		{"rsync --inplace", []string{"a=one", "x/b=1"}, func(s *server, site string) {
			write(s.t, s.dir+"/new/a", "two")
			write(s.t, s.dir+"/new/x/b", "2")
			s.run("rsync", "-rI", "--inplace", "../new/", ".")
		}, []string{"a=two", "x/b=2"}},
		{"a symlink on the way within switched", []string{"v1/x/a=1", "v2/x/a=2"}, func(s *server, site string) {
			must(s.t, os.Symlink("v1", site+"/now"))
			must(s.t, os.Symlink("now/x", site+"/y"))
			s.serves("now/x/a=1", "v1/x/a=1", "v2/x/a=2", "y/a=1")
			must(s.t, os.Symlink("v2", site+"/next"))
			must(s.t, os.Rename(site+"/next", site+"/now"))
		}, []string{"now/x/a=2", "v1/x/a=1", "v2/x/a=2", "y/a=2"}},
		{"vim, backup by renaming", []string{"a=one\n"}, func(s *server, site string) {
			s.vim("a", "set backupcopy=no backup backupdir=. backupskip= nofixeol")
			must(s.t, os.Remove(site+"/a~"))
		}, []string{"a=two\n"}},
		{"vim, backup by copying", []string{"a=one\n"}, func(s *server, site string) {
			s.vim("a", "set backupcopy=yes nobackup writebackup backupskip= nofixeol")
		}, []string{"a=two\n"}},
		{"mkdir -p and a file far below", []string{"a=1"}, func(s *server, site string) {
			write(s.t, site+"/x/y/z/b", "2")
		}, []string{"a=1", "x/y/z/b=2"}},
		{"directory moved in", []string{"a=1"}, func(s *server, site string) {
			write(s.t, s.dir+"/x/y/b", "2")
			must(s.t, os.Rename(s.dir+"/x", site+"/x"))
		}, []string{"a=1", "x/y/b=2"}},
		{"directory moved out", []string{"a=1", "x/y/b=2"}, func(s *server, site string) {
			must(s.t, os.Rename(site+"/x", s.dir+"/x"))
		}, []string{"a=1"}},
		{"directory moved within", []string{"a=1", "x/y/b=2", "z/c=3"}, func(s *server, site string) {
			must(s.t, os.Rename(site+"/x", site+"/z/x"))
			s.serves("a=1", "z/c=3", "z/x/y/b=2")
			replace(s.t, site+"/z/x/y/b", "4")
		}, []string{"a=1", "z/c=3", "z/x/y/b=4"}},
		{"directory moved out, changed and moved in", []string{"x/y/b=2"}, func(s *server, site string) {
			must(s.t, os.Rename(site+"/x", s.dir+"/x"))
			write(s.t, s.dir+"/x/y/b", "3")
			must(s.t, os.Rename(s.dir+"/x", site+"/x"))
			s.serves("x/y/b=3")
			replace(s.t, site+"/x/y/b", "4")
		}, []string{"x/y/b=4"}},
		{"two directories exchanged", []string{"x/a=1", "y/a=2"}, func(s *server, site string) {
			must(s.t, os.Rename(site+"/x", site+"/z"))
			must(s.t, os.Rename(site+"/y", site+"/x"))
			must(s.t, os.Rename(site+"/z", site+"/y"))
			s.serves("x/a=2", "y/a=1")
			write(s.t, site+"/x/a", "3")
			write(s.t, site+"/y/a", "4")
		}, []string{"x/a=3", "y/a=4"}},
		{"directory removed and made again", []string{"x/a=1"}, func(s *server, site string) {
			must(s.t, os.RemoveAll(site+"/x"))
			write(s.t, site+"/x/a", "2")
			s.serves("x/a=2")
			replace(s.t, site+"/x/a", "3")
		}, []string{"x/a=3"}},
		{"root removed and made again", []string{"a=1"}, func(s *server, site string) {
			must(s.t, os.RemoveAll(site))
			s.serves()
			write(s.t, site+"/a", "2")
			s.serves("a=2")
			replace(s.t, site+"/a", "3")
		}, []string{"a=3"}},
		{"root renamed away, another in its place", []string{"a=1"}, func(s *server, site string) {
			write(s.t, s.dir+"/new/b", "2")
			must(s.t, os.Rename(site, s.dir+"/old"))
			must(s.t, os.Rename(s.dir+"/new", site))
			s.serves("b=2")
			replace(s.t, site+"/b", "3")
		}, []string{"b=3"}},
		{"file becomes a directory", []string{"a=1"}, func(s *server, site string) {
			must(s.t, os.Remove(site+"/a"))
			write(s.t, site+"/a/b", "2")
		}, []string{"a/b=2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := oneSite(t, c.before...)
			c.do(s, s.dir+"/site")
			s.serves(c.after...)
		})
	}
}

// vim changes "one" into "two" in a file of the site.
func (s *server) vim(file, setting string) {
	s.t.Helper()
	s.run("vim", "-u", "NONE", "-es", "-c", setting, "-c", "%s/one/two/", "-c", "wq", file)
}

// A deploy by symlink is one commit: no table has some of one release and some
// of another.
func TestDeployBySymlink(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	files := func(release string) []string {
		var all []string
		for i := range 50 {
			all = append(all, fmt.Sprintf("p%02d=%s", i, release))
		}
		return all
	}
	release := func(name string) {
		for _, f := range files(name) {
			path, body, _ := strings.Cut(f, "=")
			write(t, dir+"/releases/"+name+"/"+path, body)
		}
	}
	release("41")
	must(t, os.Symlink("releases/41", dir+"/site"))
	s := serve(t, dir, oneRoot)
	s.serves(files("41")...)
	for i := 42; i < 46; i++ {
		name := fmt.Sprint(i)
		release(name)
		must(t, os.Symlink("releases/"+name, dir+"/site.new"))
		before := s.count()
		must(t, os.Rename(dir+"/site.new", dir+"/site"))
		s.serves(files(name)...)
		if n := s.count() - before; n != 1 {
			t.Errorf("release %s came in %d commits", name, n)
		}
	}
	replace(t, dir+"/releases/45/p07", "new")
	want := files("45")
	want[7] = "p07=new"
	s.serves(want...)
}

// Kubernetes mounts a ConfigMap as symlinks to ..data/NAME, and swaps ..data.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	version := func(v, config, page string) {
		write(t, dir+"/mnt/.."+v+"/config.yaml", config)
		write(t, dir+"/mnt/.."+v+"/page", page)
		must(t, os.Symlink(".."+v, dir+"/mnt/..tmp"))
		must(t, os.Rename(dir+"/mnt/..tmp", dir+"/mnt/..data"))
	}
	version("1", strings.Replace(oneRoot, "site", dir+"/mnt", 1), "one")
	must(t, os.Symlink("..data/page", dir+"/mnt/page"))
	must(t, os.Symlink("..data/config.yaml", dir+"/mnt/config.yaml"))
	s := serveFile(t, dir, dir+"/mnt/config.yaml")
	has := func(page string) {
		t.Helper()
		s.until("page is "+page, func() bool { return strings.Contains(strings.Join(contents(s.table), " "), "page="+page) })
	}
	has("one")
	for i := range 3 {
		text := fmt.Sprintf("page%d", i)
		version(fmt.Sprint(2+i), strings.Replace(oneRoot, "site", dir+"/mnt", 1)+"# "+text+"\n", text)
		has(text)
		must(t, os.RemoveAll(fmt.Sprintf("%s/mnt/..%d", dir, 1+i)))
	}
	version("9", respondWith("nine"), "page")
	s.answers("nine")
}

func TestGitCheckout(t *testing.T) {
	t.Parallel()
	s := oneSite(t)
	site := s.dir + "/site"
	git := func(args ...string) {
		t.Helper()
		s.run("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", "-c", "core.fsync=none"}, args...)...)
	}
	git("init", "-q")
	var one, two []string
	for i := range 200 {
		write(t, fmt.Sprintf("%s/d%d/f%03d", site, i/50, i), "one")
		one = append(one, fmt.Sprintf("d%d/f%03d=one", i/50, i))
	}
	git("add", ".")
	git("commit", "-qm", "one")
	s.serves(one...)
	git("checkout", "-qb", "two")
	must(t, os.RemoveAll(site+"/d0"))
	for i := 50; i < 200; i++ {
		write(t, fmt.Sprintf("%s/d%d/f%03d", site, i/50, i), "two")
		two = append(two, fmt.Sprintf("d%d/f%03d=two", i/50, i))
	}
	write(t, site+"/e/new", "two")
	two = append(two, "e/new=two")
	git("add", ".")
	git("commit", "-qm", "two")
	s.serves(two...)
	for range 3 {
		git("checkout", "-q", "main")
		s.serves(one...)
		git("checkout", "-q", "two")
		s.serves(two...)
	}
}

// A symlink inside the root may lead to a hidden folder, which is watched then,
// and no longer when the symlink leads elsewhere.
func TestHiddenFolderBehindSymlink(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, dir+"/site/.v1/x/y/a", "1")
	write(t, dir+"/site/.v2/a", "2")
	must(t, os.Symlink(".v1", dir+"/site/now"))
	s := serve(t, dir, oneRoot, func(o *setup) {
		o.prepare = func(w *Watcher) { w.pulse.every, w.pulse.next = 20*time.Millisecond, time.Now() }
	})
	s.serves("now/x/y/a=1")
	replace(t, dir+"/site/.v1/x/y/a", "11")
	s.serves("now/x/y/a=11")
	way := len(spine(dir + "/config.yaml"))
	folders := func(n int) {
		t.Helper()
		want := fmt.Sprintf("in %d folders", way+n)
		for late := time.Now().Add(patience); !strings.Contains(s.watcher.Describe()[0], want); {
			if time.Now().After(late) {
				t.Fatalf("never %s: %s", want, s.watcher.Describe()[0])
			}
			s.watcher.Reload(t.Context())
		}
	}
	folders(1 + 3)
	must(t, os.Symlink(".v2", dir+"/site/next"))
	must(t, os.Rename(dir+"/site/next", dir+"/site/now"))
	s.serves("now/a=2")
	replace(t, dir+"/site/.v2/a", "22")
	s.serves("now/a=22")
	folders(1 + 1)
}

// Somebody writes a file, and takes their time to close it, of which no event
// tells: nothing of it is shown until then, and all of it soon after.
func TestOpenForWriting(t *testing.T) {
	t.Parallel()
	s := oneSite(t, "a=1")
	f, err := os.OpenFile(s.dir+"/site/a", os.O_WRONLY|os.O_TRUNC, 0)
	must(t, err)
	_, err = f.WriteString("22")
	must(t, err)
	s.busy(s.dir+"/site", "a")
	s.serves("a=1")
	must(t, f.Close())
	s.serves("a=22")
}

// busy waits until the loader has found a name not ready to be taken, again and
// again.
func (s *server) busy(dir, base string) {
	s.t.Helper()
	in := s.watcher.in
	for late := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		in.mu.Lock()
		p := in.settle.names[name{dir, base}]
		busy := p != nil && p.tries > 2
		in.mu.Unlock()
		if busy {
			return
		}
		if time.Now().After(late) {
			s.t.Fatal("the loader never found it busy")
		}
	}
}

// What happens between the making of the first table and the watches is found.
func TestBeforeTheWatches(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, dir+"/site/a", "1")
	s := serve(t, dir, oneRoot, func(o *setup) {
		o.early = true
		write(t, dir+"/site/a", "22")
		write(t, dir+"/site/x/b", "3")
		write(t, dir+"/config.yaml", oneRoot+"limits: {head: 32KiB}\n")
	})
	s.serves("a=22", "x/b=3")
	s.until("the config is new", func() bool { return s.table.Config.Limits.Head == 32<<10 })
}
