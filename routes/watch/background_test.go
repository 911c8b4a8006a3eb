package watch

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"weak"

	"monopoll/routes/config"
	"monopoll/routes/site"
)

// file finds a file of the first root, nil if it is not there.
func (s *server) file(name string) *site.File { return s.table.Trees()[0].Root().File([]byte(name)) }

// After a page is served, its variants are made and served; a large file gets a
// strong entity tag. Neither is told as a change, and versions do not count it.
func TestBackground(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	page := strings.Repeat("<p>the same again</p>\n", 200)
	write(t, dir+"/site/page.html", page)
	large := make([]byte, site.Threshold+1)
	must(t, os.WriteFile(dir+"/site/large.bin", large, 0o644))
	s := serve(t, dir, oneRoot)
	coded := func() bool {
		f := s.file("page.html")
		return f != nil && f.Coded(site.Brotli) != nil && f.Coded(site.Gzip) != nil && f.Coded(site.Zstd) != nil
	}
	strong := func() bool {
		f := s.file("large.bin")
		return f != nil && strings.HasPrefix(f.ETag(), `"`)
	}
	s.until("the page has variants", coded)
	s.until("the large file has a strong tag", strong)
	if v := s.version(); v != 1 {
		t.Errorf("the version is %d, want 1", v)
	}
	for i := range 3 {
		next := page + fmt.Sprint(i)
		replace(t, dir+"/site/page.html", next)
		large[0]++
		must(t, os.WriteFile(dir+"/site/large.new", large, 0o644))
		must(t, os.Rename(dir+"/site/large.new", dir+"/site/large.bin"))
		s.until("the new page is served", func() bool {
			body, _ := s.file("page.html").Body()
			return body == next
		})
		s.until("the new page has variants", coded)
		s.until("the new large file has a strong tag", strong)
	}
	for _, v := range s.said() {
		if v.Kind == Refused {
			t.Errorf("told: %s", v)
		}
	}
}

// What is made for a tree that is no longer the newest comes to the newest.
func TestBackgroundMeetsChange(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	const pages = 5
	for i := range pages {
		write(t, fmt.Sprintf("%s/site/p%02d.html", dir, i), strings.Repeat(fmt.Sprintf("<p>page %d</p>\n", i), 60))
	}
	s := serve(t, dir, oneRoot)
	for i := range 30 {
		replace(t, dir+"/site/other", fmt.Sprint(i))
		s.until("the change is served", func() bool {
			f := s.file("other")
			if f == nil {
				return false
			}
			body, _ := f.Body()
			return body == fmt.Sprint(i)
		})
	}
	s.until("all pages have variants", func() bool {
		for i := range pages {
			if s.file(fmt.Sprintf("p%02d.html", i)).Coded(site.Gzip) == nil {
				return false
			}
		}
		return true
	})
	if body, _ := s.file("other").Body(); body != "29" {
		t.Errorf("a change was lost: %q", body)
	}
}

// What was made from a tree that has changed meanwhile comes to the new one.
func TestBackgroundIsLate(t *testing.T) {
	dir := realDir(t)
	page := strings.Repeat("<p>the same again</p>\n", 200)
	write(t, dir+"/site/page.html", page)
	serve(t, dir, oneRoot, func(o *setup) {
		o.prepare = func(w *Watcher) {
			r := w.roots[0]
			from := r.tree
			var e site.Encoder
			var with results
			for _, one := range from.Plan() {
				v, err := e.Do(t.Context(), one)
				must(t, err)
				with.variants = append(with.variants, v)
			}
			write(t, dir+"/site/other", "new")
			w.perform(&job{all: true})
			handing := make(chan made)
			s := &round{made: handing, ended: w.ended, roots: w.roots, trees: []*site.Tree{from}, room: 1 << 20}
			given := make(chan struct{})
			go func() {
				defer close(given)
				h := newHandover(s, 0)
				h.results = with
				h.give()
			}()
			late := <-handing
			w.collect(late)
			if late.from != from || r.tree.Root().File([]byte("page.html")).HasCoded() {
				t.Error("the watcher has done what is not for it")
			}
			again := <-handing
			if again.from != r.tree {
				t.Error("the background work is not told of the tree of now")
			}
			w.collect(again)
			if <-given; s.trees[0] != r.tree {
				t.Error("the background work does not know what came of it")
			}
			if r.tree.Root().File([]byte("other")) == nil {
				t.Error("the change was lost")
			}
			if !r.tree.Root().File([]byte("page.html")).HasCoded() {
				t.Error("the variants were lost")
			}
			reply := make(chan handed, 1)
			w.collect(made{root: r, from: from, to: late.to, with: with, insist: true, reply: reply})
			if got := <-reply; !got.taken || got.now != r.tree || r.tree.Root().File([]byte("other")) == nil {
				t.Error("who insists is not served, or a change was lost")
			}
			w.roots = nil
			w.collect(made{root: r, from: from, to: from, with: with, reply: reply})
			if got := <-reply; got.taken || got.now != nil {
				t.Error("a root that is gone took something")
			}
			w.roots = []*root{r}
		}
	})
}

// No tree is kept beyond its time: each has all bodies that were served with it.
func TestTreesOfBeforeAreLetGo(t *testing.T) {
	t.Parallel()
	for _, links := range []bool{false, true} {
		dir := realDir(t)
		write(t, dir+"/1/page.html", strings.Repeat("<p>the same again</p>\n", 100))
		write(t, dir+"/2/page.html", strings.Repeat("<p>and another</p>\n", 100))
		if links {
			must(t, os.Symlink("page.html", dir+"/2/link.html"))
		}
		must(t, os.Symlink("1", dir+"/site"))
		var first weak.Pointer[site.Tree]
		s := serve(t, dir, oneRoot, func(set *setup) {
			first = weak.Make(set.Table.Trees()[0])
			set.prepare = func(w *Watcher) { w.pulse.next = time.Now().Add(time.Hour) } // the beat must not be needed
		})
		must(t, os.Symlink("2", dir+"/next"))
		must(t, os.Rename(dir+"/next", dir+"/site"))
		s.until("the other release is served", func() bool {
			body, _ := s.file("page.html").Body()
			return strings.HasPrefix(body, "<p>and another")
		})
		late := time.After(patience)
		for first.Value() != nil {
			runtime.GC()
			select {
			case <-time.After(5 * time.Millisecond):
			case <-late:
				t.Fatalf("symlinks %t: the first tree is still held", links)
			}
		}
	}
}

// limits.memory is kept: where nothing is left, no variant is kept.
func TestBackgroundKeepsBudget(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, dir+"/site/page.html", strings.Repeat("<p>the same again</p>\n", 1000))
	alone, err := (&site.Loader{}).Load(dir+"/site", site.NewOptions(&config.Root{Compress: true}, nil), nil)
	must(t, err)
	limit := (alone.Memory() + 100) * 8 / 7 // 100 bytes to spare
	s := serve(t, dir, oneRoot+fmt.Sprintf("limits: {memory: %d}\n", limit))
	s.until("nothing is planned any more", func() bool { return len(s.table.Trees()[0].Plan()) == 0 })
	s.until("nothing is kept beyond the limit", func() bool { return s.table.Trees()[0].Memory() <= limit })
	if s.file("page.html").HasCoded() {
		t.Error("a variant was kept")
	}
}

// With limits.memory 0 no body is in memory, neither at first nor later, and the
// limit may come and go.
func TestNoMemory(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	page := strings.Repeat("<p>the same again</p>\n", 1000)
	write(t, dir+"/site/page.html", page)
	limited := func(memory string) string { return oneRoot + "limits: {memory: " + memory + "}\n" }
	s := serve(t, dir, limited("0"))
	inMemory := func() bool { _, ok := s.file("page.html").Body(); return ok }
	for _, text := range []string{page, page + "<p>and more</p>\n"} {
		replace(t, dir+"/site/page.html", text)
		s.until("its strong tag, which comes last", func() bool {
			f := s.file("page.html")
			return f.Size() == int64(len(text)) && !strings.HasPrefix(f.ETag(), "W/")
		})
		if inMemory() || s.file("page.html").HasCoded() {
			t.Error("it is in memory")
		}
	}
	replace(t, dir+"/config.yaml", limited("1MiB"))
	s.until("the page in memory", inMemory)
	replace(t, dir+"/config.yaml", limited("0"))
	s.until("the page on disk", func() bool { return !inMemory() })
}

// On one processor that another goroutine never leaves, changes are noticed.
func TestOneProcessor(t *testing.T) {
	s := oneSite(t, "a=0")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for n := 0; ; n++ {
			if n%(1<<20) == 0 {
				select {
				case <-stop:
					return
				default:
				}
			}
		}
	}()
	for i := range 5 {
		replace(t, s.dir+"/site/a", fmt.Sprint(i+1))
		s.serves(fmt.Sprintf("a=%d", i+1))
	}
}

// A burst of files is a few rebuilds, not one for each.
func TestBurst(t *testing.T) {
	t.Parallel()
	const files = 1000
	s := oneSite(t)
	before := s.count()
	for i := range files {
		write(t, fmt.Sprintf("%s/site/d%02d/f%04d", s.dir, i%20, i), "1")
	}
	s.until("all are served", func() bool { return s.table.Trees()[0].Files() == files })
	// How many depends on how fast this machine writes; settle_test.go has the
	// exact numbers.
	if n := s.count() - before; n > files/4 {
		t.Errorf("%d files took %d rebuilds", files, n)
	}
}

// BenchmarkRename says how long after a rename the new file is published.
func BenchmarkRename(b *testing.B) {
	s := oneSite(b, "a=0")
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		text := fmt.Sprint(i + 1)
		must(b, os.WriteFile(s.dir+"/site/.new", []byte(text), 0o644))
		began := time.Now()
		must(b, os.Rename(s.dir+"/site/.new", s.dir+"/site/a"))
		s.serves("a=" + text)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms-median")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "ms-99th")
	b.ReportMetric(took[len(took)-1].Seconds()*1000, "ms-max")
}

// Work that was left because a root hangs ends soon after: nobody waits for that.
func TestEndOfWhatWasLeft(t *testing.T) {
	w, _ := asked(t)
	now := time.Now()
	w.background.touch(now)
	w.background.start(w, now.Add(backgroundMost))
	w.background.leave(now)
	for m := range w.background.made {
		if w.collect(m); m.root == nil {
			break
		}
	}
	if w.background.cancel != nil || w.background.at.IsZero() {
		t.Error("what was to begin anew will not")
	}
}
