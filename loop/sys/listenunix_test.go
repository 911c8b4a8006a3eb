package sys

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Twenty want a path where a dead process left its socket. One has it, clients
// find that one there, and the others are told.
func TestListenUnixAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for range 20 {
		dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err != nil {
			t.Fatal(err)
		}
		dead.SetUnlinkOnClose(false)
		dead.Close()
		fds, begin := make(chan int, 20), make(chan struct{})
		var all sync.WaitGroup
		for range cap(fds) {
			all.Go(func() {
				<-begin
				if fd, err := ListenUnix(path, 0o600, new(Patience)); err == nil {
					fds <- fd
				} else if !errors.Is(err, EADDRINUSE) {
					t.Error(err)
				}
			})
		}
		close(begin)
		all.Wait()
		if n := len(fds); n != 1 {
			t.Fatalf("%d have the path", n)
		}
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		unix.Close(<-fds)
		if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
			t.Fatalf("left behind: %v, %v", names, err)
		}
		os.Remove(path)
	}
}

// What has the name that a socket would be made by stays as it is.
func TestListenUnixTouchesNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path+"~", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("unix", path+"0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	fd, err := ListenUnix(path, 0o600, new(Patience))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if text, err := os.ReadFile(path + "~"); string(text) != "mine" {
		t.Errorf("%q, %v", text, err)
	}
	for _, name := range []string{path, path + "0"} {
		c, err := net.Dial("unix", name)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
}

// Where no name is left it says so, and nothing has changed.
func TestListenUnixWithoutAName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for _, end := range freshEnds {
		if err := os.WriteFile(path+string(end), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if fd, err := ListenUnix(path, 0o600, new(Patience)); !errors.Is(err, unix.EEXIST) {
		t.Errorf("%d, %v", fd, err)
	}
	if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != len(freshEnds) {
		t.Errorf("%d names, %v", len(names), err)
	}
}

// Somebody who keeps a lock on a folder is waited for once, not for every socket.
func TestListenUnixInLockedFolder(t *testing.T) {
	dir := t.TempDir()
	other, err := os.Open(dir)
	if err == nil {
		err = unix.Flock(int(other.Fd()), unix.LOCK_SH)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	const spent = napsMost + 1 // which nobody comes to by waiting
	patience := new(Patience)
	for _, name := range []string{"a", "b", "c"} {
		fd, err := ListenUnix(filepath.Join(dir, name), 0o600, patience)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if patience.naps < napsMost || name != "a" && patience.naps != spent {
			t.Errorf("after %s it has waited %d times, want %d", name, patience.naps, max(napsMost, spent))
		}
		patience.naps = spent
	}
}
