package loop_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fixtureTime is when every file of the fixture was modified, as far as its
// file system is asked: a checkout has no times of its own.
var fixtureTime = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

const fixtureLarge = 1<<20 + 17 // bytes: more than is kept in memory, and no round number

// oddFiles are files of the fixture that a repository cannot hold, or that
// would make it useless to somebody: names that another system does not allow.
var oddFiles = map[string]string{
	"www/a file.txt":                       "space\n",
	"www/a+b.txt":                          "plus\n",
	"www/50%.txt":                          "percent\n",
	"www/what?.txt":                        "question\n",
	"www/a#b.txt":                          "hash\n",
	"www/a;b.txt":                          "semicolon\n",
	"www/a:b.txt":                          "colon\n",
	`www/a\b.txt`:                          "backslash\n",
	"www/grün.txt":                         "utf-8\n",
	"www/~user.txt":                        "tilde\n",
	"www/a..txt":                           "dots\n",
	"www/%2e%2e.txt":                       "escapes\n",
	"www/" + strings.Repeat("n", 255):      "a long name\n",
	"www/.hidden.txt":                      "secret\n",
	"www/.secret/file.txt":                 "secret\n",
	"www/sub/.cache/file.txt":              "secret\n",
	"outside/secret.txt":                   "secret\n",
	"secret.txt":                           "secret\n",
	"www/large.bin":                        largeBody(),
	"www/bare/two words/and more/file.txt": "words\n",
}

// largeBody is content in which no two places look alike for long.
func largeBody() string {
	var b strings.Builder
	for x := uint32(1); b.Len() < fixtureLarge; x = x*1664525 + 1013904223 {
		b.Write([]byte{byte(x >> 24), byte(x >> 16), byte(x >> 8)})
	}
	return b.String()[:fixtureLarge]
}

// newFixture makes the folders that the configs of testdata/http speak of, and
// gives the folder they are in.
func newFixture(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"www", "own"} {
		must(os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join("testdata", name))))
	}
	for name, content := range oddFiles {
		path := filepath.Join(dir, name)
		must(os.MkdirAll(filepath.Dir(path), 0o755))
		must(os.WriteFile(path, []byte(content), 0o644))
	}
	must(os.Symlink("digits.txt", filepath.Join(dir, "www/inside.txt")))
	must(os.Symlink("sub", filepath.Join(dir, "www/linked")))
	must(os.Symlink("../outside/secret.txt", filepath.Join(dir, "www/outside.txt")))
	must(os.Symlink("../outside", filepath.Join(dir, "www/outside")))
	must(os.Symlink("/etc/hostname", filepath.Join(dir, "www/absolute.txt")))
	must(os.Symlink("nowhere", filepath.Join(dir, "www/dangling.txt")))
	must(os.Symlink("loop.txt", filepath.Join(dir, "www/loop.txt")))
	must(syscall.Mkfifo(filepath.Join(dir, "www/fifo"), 0o644))
	must(filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		modified := fixtureTime
		if filepath.Base(path) == "stale.txt.gz" {
			modified = modified.Add(-time.Hour)
		}
		return os.Chtimes(path, modified, modified)
	}))
	return dir
}
