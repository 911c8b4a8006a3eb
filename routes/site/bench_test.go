package site

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// manyFiles makes a root of dirs directories with files files each, of size bytes.
func manyFiles(b testing.TB, dirs, files, size int) string {
	b.Helper()
	root := real(b, b.TempDir())
	body := make([]byte, size)
	for i := range dirs {
		dir := filepath.Join(root, fmt.Sprintf("section-%04d", i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			b.Fatal(err)
		}
		for j := range files {
			copy(body, fmt.Sprint(i, j))
			if err := os.WriteFile(fmt.Sprintf("%s/page-%06d.html", dir, j), body, 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	return root
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkLoad reads 100,000 files, then the same again with nothing changed.
func BenchmarkLoad(b *testing.B) {
	for _, shape := range []struct{ dirs, files int }{{1000, 100}, {1, 100_000}} {
		b.Run(fmt.Sprintf("%dx%d", shape.dirs, shape.files), func(b *testing.B) {
			const size = 1000
			root := manyFiles(b, shape.dirs, shape.files, size)
			count := shape.dirs * shape.files
			l := &Loader{Now: func() time.Time { return time.Now().Add(time.Hour) }}
			opt := options(root)
			for b.Loop() {
				before := heap()
				start := time.Now()
				tree := load(b, l, root, opt, nil)
				b.ReportMetric(float64(time.Since(start).Microseconds())/float64(count), "µs/file")
				b.ReportMetric(float64(heap()-before)/float64(count)-size, "B/file")
				start = time.Now()
				again := load(b, l, root, opt, tree)
				b.ReportMetric(float64(time.Since(start).Microseconds())/float64(count), "µs/known-file")
				if again.Root() != tree.Root() {
					b.Fatal("an unchanged root makes another tree")
				}
				runtime.KeepAlive(tree)
			}
		})
	}
}

// BenchmarkRefresh changes, adds and removes one file of 100,000.
func BenchmarkRefresh(b *testing.B) {
	for _, shape := range []struct{ dirs, files int }{{1000, 100}, {1, 100_000}} {
		b.Run(fmt.Sprintf("%dx%d", shape.dirs, shape.files), func(b *testing.B) {
			root := manyFiles(b, shape.dirs, shape.files, 100)
			l := &Loader{}
			tree := load(b, l, root, options(root), nil)
			dir := root + "/section-0000"
			n := 0
			refresh := func(name string) {
				next, delta, err := l.Refresh(tree, Changes{dir: {name: false}})
				if err != nil || delta.Empty() {
					b.Fatal(delta, err)
				}
				tree = next
			}
			for b.Loop() {
				n++
				name := fmt.Sprintf("new-%d.html", n)
				write(b, dir+"/"+name, "new")
				refresh(name)
				write(b, dir+"/"+name, "new and changed")
				refresh(name)
				if err := os.Remove(dir + "/" + name); err != nil {
					b.Fatal(err)
				}
				refresh(name)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(3*b.N), "µs/refresh")
		})
	}
}
