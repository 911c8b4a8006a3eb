package site

import "golang.org/x/sys/unix"

// Stamp names one version of one inode: two looks at a file that give the same
// Stamp and the same size saw the same bytes, unless both fell into one tick
// of the file system's clock (see flagRacy). The ctime cannot be set by a
// program, so a file whose mtime was forced back has another Stamp all the same.
type Stamp struct {
	Ino          uint64
	Mtime, Ctime int64  // nanoseconds since 1970
	Dev          uint32 // the kernel's device numbers have 12 and 20 bits
}

func stampOf(st *unix.Stat_t) Stamp {
	return Stamp{
		Ino:   st.Ino,
		Mtime: st.Mtim.Nano(),
		Ctime: st.Ctim.Nano(),
		Dev:   uint32(st.Dev),
	}
}

// stamp gives the version that f was made of.
func (f *File) stamp() Stamp { return Stamp{f.ino, f.mtime, f.ctime, f.dev} }

func (f *File) setStamp(s Stamp) { f.ino, f.mtime, f.ctime, f.dev = s.Ino, s.Mtime, s.Ctime, s.Dev }

// is says that f was made from what st describes.
func (f *File) is(st *unix.Stat_t) bool {
	return f.stamp() == stampOf(st) && (f.Size() == st.Size || f.flags&flagForbidden != 0)
}
