package site

import (
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// fileOverhead is about how many bytes a file takes beside its data: the
	// File, its name and its places in lists and allocator.
	fileOverhead = 200
	// headMost is about how many bytes stand before the body in a File's data; 119
	// at the most, for a weak tag and 19 digits.
	headMost = 112
	// passing is how many bytes the bodies of a new tree may take beyond the
	// budget while the one before it, which has others, is still being served.
	// What has no room by then is fetched when that is gone (see Fetch); so a
	// site that is exchanged as a whole never takes twice its memory.
	passing = 16 << 20
	// readTries is how often a file is read that changes under the reader,
	// when it is to be taken even so.
	readTries = 3
)

// spot is where a file is, free of symlinks, and where it is served: the same,
// unless a symlink leads to it.
type spot struct {
	dir, name     string
	linkDir, link string
}

// spot names a file that no symlink leads to.
func (s *scan) spot(dir, name string) spot { return spot{dir, name, dir, name} }

// file takes a regular file: prev itself if that is still true. st is what is
// known of it, zero for nothing. No file and no error: there is none any more,
// or none that is ready to be shown. A file with an error is a forbidden one.
func (s *scan) file(at int, p spot, st *unix.Stat_t, prev *File) (*File, error) {
	force := s.forced(p)
	if prev != nil && prev.flags&(flagRacy|flagForbidden) == 0 {
		if st.Ino == 0 {
			if err := statAt(at, p.name, st); err != nil {
				return s.failed(st, prev, err)
			}
		}
		if typeOf(st.Mode) == unix.DT_REG && prev.is(st) {
			return s.keep(p, prev), nil
		}
	}
	fd, err := openAt(at, p.name, fileFlags)
	if err != nil {
		if st.Ino == 0 && !gone(err) {
			_ = statAt(at, p.name, st) // only to know the version that cannot be read
		}
		return s.failed(st, prev, err)
	}
	defer unix.Close(fd)
	for range readTries {
		f, err := s.read(fd, p, prev, force)
		if err == nil {
			return f, nil
		}
		if err != errBusy {
			return s.failed(st, prev, err)
		}
		if !force {
			break
		}
	}
	s.tree.busy.add(s.tree.realPath(p.dir), strings.Clone(p.name))
	if prev == nil || prev.Forbidden() {
		return prev, nil // what could not be read is there all the same
	}
	return s.keep(p, prev), nil
}

// failed says what stands for a file that could not be opened or read.
func (s *scan) failed(st *unix.Stat_t, prev *File, err error) (*File, error) {
	if gone(err) {
		return nil, nil
	}
	if starved(err) {
		return nil, err
	}
	if prev != nil && prev.Forbidden() && prev.is(st) {
		return prev, err
	}
	return forbidden(stampOf(st)), err
}

// forbidden makes the File of what is there and cannot be read.
func forbidden(stamp Stamp) *File {
	h := newHead(nil, "", 0, 0)
	f := h.file()
	f.shared = &Shared{}
	f.flags = flagForbidden
	f.setStamp(stamp)
	return f
}

// keep takes a file as it was, but for what other Options say of it.
func (s *scan) keep(p spot, f *File) *File {
	if !s.sameOptions {
		shared := s.shared(p.linkDir, p.link, f, f.HasCoded())
		if f.shared != shared || f.onDisk() {
			g := *f
			g.shared = shared
			if g.onDisk() {
				g.moveTo(place{s.tree.real, join(p.dir, p.name)})
			}
			f = &g
		}
	}
	s.use(f, f)
	if f.Size() <= s.threshold() && (f.onDisk() || s.Budget > 0 && s.used > s.Budget) {
		s.full = true
	}
	return f
}

// use counts the memory of a file in the place of what stood there before.
func (s *scan) use(prev, f *File) {
	s.used += f.memory()
	if s.partial && prev != nil {
		s.used -= prev.memory()
	}
}

// forced says that a file is to be taken even while somebody writes it.
func (s *scan) forced(p spot) bool {
	return s.changes != nil && s.changes[s.tree.realPath(p.dir)][p.name]
}

// read makes a File of the version that fd is open on.
func (s *scan) read(fd int, p spot, prev *File, force bool) (*File, error) {
	var st unix.Stat_t
	if err := fstat(fd, &st); err != nil {
		return nil, err
	}
	if typeOf(st.Mode) != unix.DT_REG {
		return nil, unix.ENOENT
	}
	if !force && prev != nil && s.emptied(&st, prev) {
		return nil, errBusy
	}
	modified, flags := modifiedBy(s.now, &st)
	var f *File
	var reread []byte
	if s.fits(st.Size) {
		h := newHead(&modified, placeholder, st.Size, st.Size)
		body := h.body(st.Size)
		n, err := readFull(fd, body)
		if err != nil {
			return nil, err
		}
		if n < len(body) {
			return nil, errBusy
		}
		h.setTag(sumOf(body))
		f = h.file()
		reread = body
	} else {
		h := newHead(&modified, weakTag(weakSum(stampOf(&st), st.Size)), st.Size, 0)
		f = h.file()
		f.moveTo(place{s.tree.real, join(p.dir, p.name)})
		if force {
			flags |= flagWritten
		}
	}
	if err := s.unchanged(fd, &st, force, s.quiet(p, &st, prev)); err != nil {
		return nil, err
	}
	if flags&flagRacy != 0 {
		if err := s.reads(fd, reread); err != nil {
			return nil, err
		}
	}
	f.setStamp(stampOf(&st))
	f.flags |= flags
	if prev != nil && !prev.Forbidden() {
		f.inherit(prev)
	}
	f.shared = s.shared(p.linkDir, p.link, f, f.HasCoded())
	s.use(prev, f)
	s.fresh += f.memory()
	return f, nil
}

// fits says that a body is to be in memory.
func (s *scan) fits(size int64) bool {
	if size > s.threshold() {
		return false
	}
	cost := fileOverhead + allocated(headMost+size)
	if s.Budget > 0 && s.used+cost > s.Budget || !s.passes(cost) {
		s.full = true
		return false
	}
	return true
}

// passes says that so many bytes more have room beside the trees that this one
// takes the place of.
func (s *scan) passes(cost int64) bool {
	return s.Budget <= 0 || s.held == 0 || s.held+s.fresh+cost <= s.Budget+passing
}

// threshold is up to how many bytes a body may be in memory.
func (l *Loader) threshold() int64 {
	if l.Threshold == 0 {
		return Threshold
	}
	return l.Threshold
}

// inherit takes over from the version before it what is still true.
func (f *File) inherit(prev *File) {
	if f.data == prev.data {
		f.data = prev.data // one piece of memory instead of two
	}
	if f.data[:f.etagAt] == prev.data[:prev.etagAt] && (prev.flags&flagTwice != 0 || f.differs(prev)) {
		f.flags |= flagTwice
	}
	if prev.coded == nil || f.onDisk() || prev.onDisk() || f.ETag() != prev.ETag() {
		return
	}
	coded := Coded{declined: prev.coded.declined}
	for c, v := range prev.coded.variant {
		if v != nil && v.flags&flagMade != 0 {
			coded.variant[c] = v.redated(f)
		}
	}
	if coded != (Coded{}) {
		f.coded = &coded
	}
}

// differs says that the version before had other content, as far as is known: a
// weak tag is another one also where only the permissions have changed.
func (f *File) differs(prev *File) bool {
	if f.weak() || prev.weak() {
		return f.Size() != prev.Size() || f.mtime != prev.mtime
	}
	return f.ETag() != prev.ETag()
}

// redated gives a made variant the Last-Modified of the file it is a variant of.
func (v *File) redated(f *File) *File {
	date := f.data[:f.etagAt]
	const dated = flagFuture | flagTwice
	if v.data[:v.etagAt] == date && v.flags&dated == f.flags&dated {
		return v
	}
	w := *v
	w.data = date + v.data[v.etagAt:]
	shift := f.etagAt - v.etagAt
	w.etagAt += shift
	w.lengthAt += shift
	w.bodyAt += shift
	w.setStamp(f.stamp())
	w.flags = w.flags&^dated | f.flags&dated
	return &w
}

// memory is about how many bytes a File takes, its variants included. A
// sidecar's body is counted under the sidecar's own name.
func (f *File) memory() int64 {
	n := fileOverhead + allocated(int64(len(f.data)))
	if f.coded != nil {
		for _, v := range f.coded.variant {
			if v != nil {
				n += fileOverhead
				if v.flags&flagMade != 0 {
					n += allocated(int64(len(v.data)))
				}
			}
		}
	}
	return n
}

// bodyMemory is how many of these are for the body, with the variants that were
// made of it; for one on disk, how many it would be.
func (f *File) bodyMemory() int64 {
	n := -allocated(int64(f.bodyAt))
	if f.onDisk() {
		return n + allocated(int64(f.bodyAt)+f.Size())
	}
	n += allocated(int64(len(f.data)))
	if f.coded != nil {
		for _, v := range f.coded.variant {
			if v != nil && v.flags&flagMade != 0 {
				n += fileOverhead + allocated(int64(len(v.data)))
			}
		}
	}
	return n
}
