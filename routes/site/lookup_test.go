package site

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// lookUpRoot makes a root of count files, size to a directory.
func lookUpRoot(count, size int) *Dir {
	root := &Dir{}
	var dirs []change[Dir]
	for at := 0; at < count; at += size {
		var files []change[File]
		for i := at; i < min(at+size, count); i++ {
			files = append(files, change[File]{fmt.Sprintf("page-%08d.html", i), &File{}})
		}
		dirs = append(dirs, change[Dir]{fmt.Sprintf("section-%08d", at/size), &Dir{files: set[File]{}.with(files)}})
	}
	root.dirs = root.dirs.with(dirs)
	return root
}

// putDigits writes a number over the eight digits that begin p.
func putDigits(p []byte, n uint32) {
	for i := 7; i >= 0; i-- {
		p[i] = '0' + byte(n%10)
		n /= 10
	}
}

// BenchmarkLookup finds a file by the two names of its path, which are in the
// processor's cache, as those of a request are that has just been read. What it
// costs does not depend on how many there are: "one" asks for the same again and
// again. What the machine's memory costs does: "all" asks for each in turn,
// without order, so that of 100,000 hardly anything is in a cache.
func BenchmarkLookup(b *testing.B) {
	for _, shape := range []struct {
		name string
		size int
	}{{"dirs-of-100", 100}, {"one-dir", 1 << 30}} {
		for _, count := range []int{10, 1000, 100_000} {
			root := lookUpRoot(count, shape.size)
			var all []uint32
			for _, n := range rand.New(rand.NewPCG(1, 1)).Perm(count) {
				all = append(all, uint32(n))
			}
			for _, order := range []struct {
				name string
				ask  []uint32
			}{{"one", all[:1]}, {"all", all}} {
				b.Run(fmt.Sprintf("%s/%d/%s", shape.name, count, order.name), func(b *testing.B) {
					lookUp(b, root, order.ask, uint32(shape.size))
				})
			}
		}
	}
}

func lookUp(b *testing.B, root *Dir, ask []uint32, size uint32) {
	dir, file := []byte("section-00000000"), []byte("page-00000000.html")
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		putDigits(dir[len("section-"):], ask[i]/size)
		putDigits(file[len("page-"):], ask[i])
		if i++; i == len(ask) {
			i = 0
		}
		if d := root.Dir(dir); d == nil || d.File(file) == nil {
			b.Fatal("not found")
		}
	}
}
