package site

import "golang.org/x/sys/unix"

// Stamp names one version of one inode: two looks at a file that give the same
// Stamp and the same size saw the same bytes, unless both fell into one tick
// of the file system's clock (see flagRacy). The ctime cannot be set by a
// program, so a file whose mtime was forced back has another Stamp all the same.
type Stamp struct {
	Dev, Ino     uint64
	Mtime, Ctime int64 // nanoseconds since 1970
}

func stampOf(st *unix.Stat_t) Stamp {
	return Stamp{
		Dev:   uint64(st.Dev), //nolint:unconvert // 32 bits on some machines
		Ino:   st.Ino,
		Mtime: st.Mtim.Nano(),
		Ctime: st.Ctim.Nano(),
	}
}

// is says that f was made from what st describes.
func (f *File) is(st *unix.Stat_t) bool {
	return f.stamp == stampOf(st) && (f.Size() == st.Size || f.flags&flagForbidden != 0)
}
