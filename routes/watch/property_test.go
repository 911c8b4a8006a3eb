package watch

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"monopoll/routes/site"
)

// Whatever is done to a root, in the end the table is what a fresh scan finds.
func TestTableEqualsDisk(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			dir := realDir(t)
			must(t, os.Mkdir(dir+"/site", 0o755))
			s := serve(t, dir, oneRoot, func(o *setup) { o.early = seed%2 == 1 })
			v := &vandal{Rand: rand.New(rand.NewPCG(seed, 7)), t: t, dir: dir}
			for range 200 {
				v.act()
				if v.IntN(10) == 0 {
					// Not to wait for anything: so that some acts fall into
					// rebuilds, and others between them.
					time.Sleep(time.Duration(v.IntN(4000)) * time.Microsecond)
				}
			}
			s.until("the table is what is on disk\n"+strings.Join(v.done, "\n"), func() bool {
				fresh, err := (&site.Loader{}).Load(dir+"/site", s.table.Trees()[0].Options(), nil)
				if err != nil {
					return len(contents(s.table)) == 0
				}
				return strings.Join(list1("", fresh.Root()), "\n") == strings.Join(contents(s.table), "\n")
			})
			// And it stays alive: every directory that is there is watched.
			_ = filepath.WalkDir(dir+"/site", func(path string, d os.DirEntry, err error) error {
				if err == nil && d.IsDir() {
					replace(t, path+"/last", path)
				}
				return nil
			})
			s.until("the last change everywhere", func() bool {
				fresh, err := (&site.Loader{}).Load(dir+"/site", s.table.Trees()[0].Options(), nil)
				return err != nil || strings.Join(list1("", fresh.Root()), "\n") == strings.Join(contents(s.table), "\n")
			})
		})
	}
}

// vandal does to a root what users do, in any order.
type vandal struct {
	*rand.Rand
	t    *testing.T
	dir  string
	n    int
	done []string
}

// path picks a name in the root, few enough that they meet.
func (v *vandal) path() string {
	parts := []string{v.dir, "site"}
	for range v.IntN(3) {
		parts = append(parts, string(rune('p'+v.IntN(3))))
	}
	return filepath.Join(append(parts, string(rune('a'+v.IntN(4))))...)
}

// folder picks a name that is a directory, if it is there.
func (v *vandal) folder() string {
	return filepath.Join(filepath.Dir(v.path()), string(rune('p'+v.IntN(3))))
}

// act does one thing. That it cannot be done does not matter.
func (v *vandal) act() {
	v.n++
	text := strings.Repeat(fmt.Sprint(v.n), 1+v.IntN(3))
	from, to := v.path(), v.path()
	folder := v.folder()
	outside := v.dir + "/out"
	var what string
	var err error
	switch v.IntN(16) {
	case 0, 1, 2:
		what, err = "write "+to, os.WriteFile(to, []byte(text), 0o644)
	case 3, 4:
		what = "replace " + to
		if err = os.WriteFile(to+"~", []byte(text), 0o644); err == nil {
			err = os.Rename(to+"~", to)
		}
	case 5:
		what, err = "remove "+to, os.Remove(to)
	case 6:
		what, err = "rename "+from+" "+to, os.Rename(from, to)
	case 7, 8:
		what, err = "mkdir "+folder, os.MkdirAll(folder, 0o755)
	case 9:
		what, err = "removeall "+folder, os.RemoveAll(folder)
	case 10:
		other := v.folder()
		what, err = "rename "+folder+" "+other, os.Rename(folder, other)
	case 11:
		what = "out and in " + folder + " " + outside
		if err = os.Rename(folder, outside); err != nil {
			err = os.Rename(outside, folder)
		}
	case 12:
		what = "symlink " + to
		target := []string{"../p", "q/a", "a", "p/../q", v.dir + "/site/p", "/etc"}[v.IntN(6)]
		if err = os.Symlink(target, to+"~"); err == nil {
			err = os.Rename(to+"~", to)
		}
	case 13:
		what, err = "link", os.Link(from, to)
	case 14:
		what = "append " + to
		var f *os.File
		if f, err = os.OpenFile(to, os.O_APPEND|os.O_WRONLY, 0); err == nil {
			_, err = f.WriteString(text)
			_ = f.Close()
		}
	case 15:
		what = "new root"
		if v.IntN(3) == 0 {
			err = os.Rename(v.dir+"/site", fmt.Sprintf("%s/old%d", v.dir, v.n))
			_ = os.Mkdir(v.dir+"/site", 0o755)
		}
	}
	v.done = append(v.done, fmt.Sprintf("%s: %v", what, err))
}
