package sys

import (
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// HugePage gives the size in bytes of a transparent huge page, a power of two;
// 0 where none are to be had, because the kernel was built without them or its
// administrator wants none (transparent_hugepage/enabled says [never]; see
// Documentation/admin-guide/mm/transhuge.rst of the kernel).
func HugePage() int {
	const of = "/sys/kernel/mm/transparent_hugepage/"
	enabled, err := os.ReadFile(of + "enabled")
	if err != nil || strings.Contains(string(enabled), "[never]") {
		return 0
	}
	text, err := os.ReadFile(of + "hpage_pmd_size")
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n < os.Getpagesize() || n&(n-1) != 0 {
		return 0
	}
	return n
}

// Resident counts the pages that are in memory, from address at on, where a page
// begins, for as many as room has bytes (mincore(2)). ENOMEM: not all of them are
// mapped.
func Resident(at uintptr, room []byte) (pages int, errno Errno) {
	size := uintptr(len(room)) * uintptr(os.Getpagesize())
	_, _, errno = unix.Syscall(unix.SYS_MINCORE, at, size, uintptr(unsafe.Pointer(unsafe.SliceData(room))))
	if errno != 0 {
		return 0, errno
	}
	for _, page := range room {
		pages += int(page & 1)
	}
	return pages, 0
}

// Collapse makes one huge page of the size bytes of private memory at address at;
// both are multiples of HugePage. Pages that were not in memory are so from then
// on. It takes half a millisecond and more, in which whoever touches that memory
// waits. EINVAL: the kernel cannot (madvise(2), MADV_COLLAPSE, Linux 6.1), or not
// with that memory; ENOMEM: there is no huge page now; EAGAIN, EBUSY: not of
// these pages now.
func Collapse(at uintptr, size int) Errno {
	_, _, errno := unix.Syscall(unix.SYS_MADVISE, at, uintptr(size), unix.MADV_COLLAPSE)
	return errno
}
