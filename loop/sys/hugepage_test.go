package sys

import (
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Collapse makes what is there, and what is not, one huge page; Resident tells
// what is there, and where the mapping ends.
func TestCollapse(t *testing.T) {
	size := HugePage()
	if size == 0 || size > 4<<20 {
		t.Skipf("huge pages of %d bytes", size)
	}
	m, err := unix.Mmap(-1, 0, 4*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(m)
	first := uintptr(unsafe.Pointer(&m[0]))
	from := (size - int(first)&(size-1)) & (size - 1)
	at, page := first+uintptr(from), os.Getpagesize()
	for i := 0; i < size; i += 2 * page {
		m[from+i] = byte(i / page)
	}
	room := make([]byte, size/page)
	if n, errno := Resident(at, room); errno != 0 || n != len(room)/2 {
		t.Errorf("%d of %d pages are in memory, %v", n, len(room), errno)
	}
	switch errno := Collapse(at, size); errno {
	case 0:
	case EINVAL, ENOMEM, EAGAIN:
		t.Skipf("no huge page here: %v", errno)
	default:
		t.Fatal(errno)
	}
	if n, errno := Resident(at, room); errno != 0 || n != len(room) {
		t.Errorf("after Collapse %d of %d pages are in memory, %v", n, len(room), errno)
	}
	for i := 0; i < size; i += page {
		want := byte(0)
		if i%(2*page) == 0 {
			want = byte(i / page)
		}
		if m[from+i] != want {
			t.Fatalf("byte %d is %d, want %d", i, m[from+i], want)
		}
	}
	if _, errno := Resident(uintptr(page), room); errno != ENOMEM { // nobody may map the lowest pages
		t.Errorf("of what is not mapped: %v", errno)
	}
}
