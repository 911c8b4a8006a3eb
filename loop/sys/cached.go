package sys

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Cached asks cachestat(2), which counts a page as soon as it is being read; to
// send such a page is to wait for its disk. So the last byte is read, too, if that
// is possible without waiting (RWF_NOWAIT of preadv2(2)): what is read ahead comes
// in order, so it is the last to come. Where cachestat is not there (before Linux
// 6.5), or is not for this user (the file is another's), a byte of each page is
// read, at a quarter of a microsecond each: to have the desk read all would be
// five times as much work.
func (*Linux) Cached(file int, offset int64, n int) (bool, Errno) {
	page, last := int64(unix.Getpagesize()), offset+int64(n)-1
	pages, errno := cachedPages(file, offset, n)
	switch {
	case errno != 0:
		return eachReadable(file, offset, n)
	case pages < last/page-offset/page+1:
		return false, 0
	}
	now, errno := readable(file, last)
	return now || errno != 0, errno
}

// eachReadable asks readable for each page of a part of a file.
func eachReadable(file int, offset int64, n int) (bool, Errno) {
	page, end := int64(unix.Getpagesize()), offset+int64(n)
	for at := offset; at < end; at = (at/page + 1) * page {
		if ok, errno := readable(file, at); !ok {
			return errno != 0, errno
		}
	}
	return true, 0
}

// cachedPages counts the pages of a part of a file that are in the page cache.
func cachedPages(file int, offset int64, n int) (int64, Errno) {
	part := unix.CachestatRange{Off: uint64(offset), Len: uint64(n)}
	var stat unix.Cachestat_t
	_, _, errno := unix.RawSyscall6(unix.SYS_CACHESTAT, uintptr(file),
		uintptr(unsafe.Pointer(&part)), uintptr(unsafe.Pointer(&stat)), 0, 0, 0)
	return int64(stat.Cache), errno
}

// readable says whether a byte of a file can be read without waiting for a disk.
// There is no telling on filesystems that know no RWF_NOWAIT, such as those of
// file servers.
func readable(file int, at int64) (bool, Errno) {
	var b byte
	piece := unix.Iovec{Base: &b, Len: 1}
	_, _, errno := unix.RawSyscall6(unix.SYS_PREADV2, uintptr(file),
		uintptr(unsafe.Pointer(&piece)), 1, uintptr(at), 0, unix.RWF_NOWAIT)
	switch errno {
	case 0:
		return true, 0 // also beyond the end, where there is nothing to wait for
	case unix.EAGAIN:
		return false, 0
	}
	return false, ENOSYS
}

// Local says that a file is on a filesystem that knows no RWF_NOWAIT, of which
// what is cached is in memory all the same, or soon will be: tmpfs; and overlayfs,
// where all files of a container are. Its layers are local as a rule, and the desk
// would take twice the time of a processor. A file server that hangs holds whoever
// asks: not for use on the loop.
func Local(file int) bool {
	var fs unix.Statfs_t
	return unix.Fstatfs(file, &fs) == nil && (fs.Type == unix.TMPFS_MAGIC || fs.Type == unix.OVERLAYFS_SUPER_MAGIC)
}
