package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

var update = flag.Bool("update", false, "write what is rendered into the .want files")

// newFolder makes a folder like that of a user, with what the configs under
// testdata name: sites, files, and things that are neither.
func newFolder(t testing.TB) string {
	t.Helper()
	// A short path, since unix sockets take 106 bytes of it.
	dir, err := os.MkdirTemp("", "config")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, name := range []string{"site", "sites/blog", "sites/docs", "sites/home", "run", "logs"} {
		must(t, os.MkdirAll(filepath.Join(dir, name), 0o755))
	}
	for name, text := range map[string]string{"notes.txt": "remember the milk\n", "empty.txt": "", "site/index.html": "<h1>hi</h1>"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	must(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	must(t, os.Symlink("nowhere", filepath.Join(dir, "gone")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "big.bin"), nil, 0o644))
	must(t, os.Truncate(filepath.Join(dir, "big.bin"), maxRespond+1))
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// cases gives the YAML files of a folder under testdata by their names.
func cases(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	must(t, err)
	if len(files) == 0 {
		t.Fatalf("no cases in testdata/%s", folder)
	}
	found := make(map[string][]byte)
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		found[strings.TrimSuffix(filepath.Base(file), ".yaml")] = text
	}
	return found
}

// TestBroken renders the mistakes of every file in testdata/broken and compares
// with the .want beside it; `go test -update` writes these.
func TestBroken(t *testing.T) {
	dir := newFolder(t)
	broken := cases(t, "broken")
	if len(broken) < 30 {
		t.Errorf("%d broken configs; there were more", len(broken))
	}
	for name, text := range broken {
		t.Run(name, func(t *testing.T) {
			cfg, err := Parse("config.yaml", dir, text)
			var ms Mistakes
			if !errors.As(err, &ms) || cfg != nil {
				t.Fatalf("got config %v and error %v; want no config and Mistakes", cfg, err)
			}
			got := strings.ReplaceAll(ms.Error(), dir, "$DIR") + "\n"
			file := filepath.Join("testdata", "broken", name+".want")
			if *update {
				must(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			must(t, err)
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}
