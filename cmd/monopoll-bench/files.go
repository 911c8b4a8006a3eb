package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// files is what every server serves, the same in each run.
type files struct {
	root string
	size map[string]int64 // by path
	site []string         // the paths of the site, in the order they are asked for
}

const (
	siteFiles = 1000
	// Sizes of the site's files are log-normal, as those of web pages are, with
	// a median of 5.4 kB.
	siteMedian, siteSpread = 8.6, 1.3
	siteLeast, siteMost    = 300, 200_000
)

// writeFiles makes the document root in a directory.
func writeFiles(root string) (*files, error) {
	f := &files{root: root, size: map[string]int64{}}
	random := rand.New(rand.NewPCG(7, 7))
	for _, file := range []struct {
		path string
		size int
	}{{"/index.html", 1 << 10}, {"/1k.html", 1 << 10}, {"/10k.html", 10 << 10}, {"/100k.bin", 100 << 10}, {"/1m.bin", 1 << 20}} {
		if err := f.write(file.path, file.size, random); err != nil {
			return nil, err
		}
	}
	for i := range siteFiles {
		path := fmt.Sprintf("/site/p%04d.html", i)
		size := math.Exp(siteMedian + siteSpread*random.NormFloat64())
		if err := f.write(path, int(min(siteMost, max(siteLeast, size))), random); err != nil {
			return nil, err
		}
		f.site = append(f.site, path)
	}
	random.Shuffle(len(f.site), func(i, j int) { f.site[i], f.site[j] = f.site[j], f.site[i] })
	return f, nil
}

func (f *files) write(path string, size int, random *rand.Rand) error {
	const letters = "abcdefghij klmnop<>\n"
	text := make([]byte, size)
	for i := range text {
		text[i] = letters[random.IntN(len(letters))]
	}
	name := filepath.Join(f.root, path)
	// A server may have given up the rights of the user who runs this.
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f.size[path] = int64(size)
	return os.WriteFile(name, text, 0o644)
}
