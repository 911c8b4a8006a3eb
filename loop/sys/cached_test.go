package sys

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// What was written is in memory, what was put out of the page cache is not; also
// where the file is another user's, who is told by a byte of each page.
func TestCached(t *testing.T) {
	const size = 1<<20 + 1
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, size), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, page := int(f.Fd()), int64(unix.Getpagesize())
	expect := func(what string, at int64, n int, want bool) {
		t.Helper()
		cached, errno := new(Linux).Cached(fd, at, n)
		if errno == ENOSYS {
			t.Skip("this filesystem does not tell")
		}
		if cached != want || errno != 0 {
			t.Errorf("%s: %t, %v", what, cached, errno)
		}
	}
	expect("written", 0, size, true)
	expect("the last byte", size-1, 1, true)
	if err := f.Sync(); err != nil { // only what is on disk can be put out
		t.Fatal(err)
	}
	if err := unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
	expect("put out", 0, size, false)
	expect("one page", page, 1, false)
	if err := ReadAhead(fd, 0, size); err != nil {
		t.Fatal(err)
	}
	expect("read", 0, size, true)
	expect("bytes in the middle", page-1, 2, true)
}

// The way of those whom cachestat(2) tells nothing.
func TestReadable(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	fd := int(f.Fd())
	if ok, errno := eachReadable(fd, 0, 1<<20); errno == ENOSYS {
		t.Skip("this filesystem does not tell")
	} else if !ok || errno != 0 {
		t.Error(ok, errno)
	}
	if err := unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
	if ok, errno := eachReadable(fd, 0, 1<<20); ok || errno != 0 {
		t.Error("what was put out is said to be there: ", ok, errno)
	}
	if err := ReadAhead(fd, 0, 4096); err != nil {
		t.Fatal(err)
	}
	if ok, errno := eachReadable(fd, 0, 4096); !ok || errno != 0 {
		t.Error("what was read is said to be gone: ", ok, errno)
	}
}
