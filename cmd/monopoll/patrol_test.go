package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// store writes three bytes into a file through a memory mapping, of which no
// event tells.
func store(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	memory, err := syscall.Mmap(int(f.Fd()), 0, 3, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	copy(memory, text)
	if err := syscall.Munmap(memory); err != nil {
		t.Fatal(err)
	}
}

// A filesystem that is mounted in a root and does not answer holds the patrol
// there, and nowhere else: another root is patrolled on.
func TestPatrolPassesAHungMount(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{
		"config.yaml": "listeners: [{listen: '" + a + "', routes: {/a/: {root: www}, /b/: {root: other}}}]\nlog: {access: off}\n",
		"www/sub/x":   "1", "other/b.txt": "one"})
	s := run(t, dir)
	replace(t, filepath.Join(dir, "other/b.txt"), "1st")
	s.serves(a, "/b/b.txt", "1st") // so the first look at everything is over
	h := mountHanging(t, filepath.Join(dir, "www/sub"), true)
	for _, text := range []string{"two", "new"} {
		store(t, filepath.Join(dir, "other/b.txt"), text)
		s.serves(a, "/b/b.txt", text)
	}
	h.hung.Store(false)
	s.signal(syscall.SIGTERM)
	s.exits(exitFine)
}
