package loop

import (
	"io/fs"
	"slices"

	"monopoll/loop/sys"
	"monopoll/routes/site"

	"golang.org/x/sys/unix"
)

// simFile is a file on the simulated disk. Its content is a function of where
// it is, so that it takes no memory and every byte of an answer can be checked.
type simFile struct {
	content []byte
	open    int // descriptors
	known   []simSpan
}

// simSpan is a part of a file that the loop may take to be in memory: the kernel
// has said so, or the desk has read it.
type simSpan struct{ from, to int64 }

// knows notes one.
func (f *simFile) knows(at, length int64) {
	if s := (simSpan{at, at + length}); !slices.Contains(f.known, s) {
		f.known = append(f.known, s)
	}
}

func (k simKernel) Cached(file int, at int64, n int) (bool, sys.Errno) {
	d := k.descriptor("cachestat", file, kindFile)
	if d == nil {
		return false, unix.EBADF
	}
	if k.noCachestat {
		return false, unix.ENOSYS
	}
	if k.fault(faultUncached) {
		return false, 0
	}
	d.file.knows(at, int64(n))
	return true, 0
}

func (k simKernel) Fstat(file int) (size, mtime, ctime int64, errno sys.Errno) {
	if k.descriptor("fstat", file, kindFile) == nil {
		return 0, 0, 0, unix.EBADF
	}
	if k.fault(faultRewritten) {
		return 0, 0, 0, 0 // no version that a table has
	}
	return 0, 0, 0, unix.ENOSYS // unknown: it is as the table has it
}

func (k simKernel) Sendfile(fd, file int, offset int64, n int) (int, sys.Errno) {
	src := k.descriptor("sendfile", file, kindFile)
	dst := k.descriptor("sendfile", fd, kindConn)
	if src == nil || dst == nil {
		return 0, unix.EBADF
	}
	inMemory := func(s simSpan) bool { return s.from <= offset && offset+int64(n) <= s.to }
	if !slices.ContainsFunc(src.file.known, inMemory) {
		k.fail("%d bytes are sent from offset %d of a file, which may have to be read for it", n, offset)
	}
	if k.fault(faultFileAgain) {
		return 0, sys.EAGAIN
	}
	f := src.file
	if k.fault(faultFileShort) {
		f.content = f.content[:min(int(offset), len(f.content))]
		k.replaced(f)
	}
	if int(offset) >= len(f.content) {
		dst.conn.excuse |= excuseFile
		return 0, 0
	}
	if k.fault(faultFileError) {
		dst.conn.excuse |= excuseFile
		return 0, unix.EIO
	}
	content := f.content[offset:]
	c, n, errno := k.take("sendfile", fd, min(n, len(content)))
	if errno == 0 {
		c.put(content[:n])
	}
	return n, errno
}

// replaced has the next who opens the file find a whole one.
func (w *simWorld) replaced(f *simFile) {
	for path, other := range w.disk {
		if other == f {
			delete(w.disk, path)
		}
	}
}

// simClerk is the desk of the simulated world: it takes its time, and fails.
// Its answers come as letters, as those of the real one do.
type simClerk struct {
	w    *simWorld
	jobs []simJob
}

// simJob is something that the desk will have done at some time.
type simJob struct {
	at int64
	do func()
}

// after leaves a job. It is done soon, unless the disk is slow today.
func (k *simClerk) after(c *simConn, do func()) {
	w := k.w
	wait := w.between(0, 2_000_000)
	if w.fault(faultDeskSlow) {
		wait = w.between(0, 4*int(simDeskTimeout))
	}
	c.pending++
	k.jobs = append(k.jobs, simJob{w.now + int64(wait), func() { c.pending--; do() }})
}

// next is when the next job is done.
func (k *simClerk) next() int64 {
	at := int64(simNever)
	for _, j := range k.jobs {
		at = min(at, j.at)
	}
	return at
}

// work does the jobs that are due, in the order of their times.
func (k *simClerk) work() {
	for {
		first := -1
		for i, j := range k.jobs {
			if j.at <= k.w.now && (first < 0 || j.at < k.jobs[first].at) {
				first = i
			}
		}
		if first < 0 {
			return
		}
		do := k.jobs[first].do
		k.jobs = slices.Delete(k.jobs, first, first+1)
		do()
	}
}

// fetch does what desk.fetch does.
func (k *simClerk) fetch(l *Loop, c *conn, what errand) {
	w, fd, gen := k.w, int(c.fd), c.gen
	about := w.fds[fd].conn
	if what.open != nil {
		l.files.retain(what.open)
	}
	if w.fault(faultDeskFull) {
		about.excuse |= excuseDesk
		l.fetched(fd, gen, what, found{now: what.what, err: errDeskFull})
		return
	}
	if what.open != nil {
		w.warming[what.open]++
	}
	k.after(about, func() {
		f := found{now: what.what, fd: -1}
		if what.open != nil {
			if f.err = w.readAhead(what.open, what.at, what.length, about, excuseDesk); f.err == nil && w.fault(faultRewritten) {
				f.err = site.ErrChanged
			}
		} else if f.fd, f.err = w.openFile(what, about); f.err == nil {
			w.fds[f.fd].file.knows(what.at, what.length)
			if what.anyway && w.fault(faultDeskChanged) {
				now := *what.what // another version that happens to read the same
				f.now = &now
			}
		}
		posted := l.mail.post(func(l *Loop) {
			delete(w.inMail, f.fd)
			w.warmed(what.open)
			w.letter(fd, about, func() { l.fetched(fd, gen, what, f) })
		})
		switch {
		case what.open != nil && !posted:
			w.kept = append(w.kept, what.open.fd)
		case what.open != nil || f.err != nil:
		case posted:
			w.inMail[f.fd] = true
		default:
			l.kernel.Close(f.fd)
		}
	})
}

// shut does what desk.shut does: at some time, and nobody waits for it.
func (k *simClerk) shut(l *Loop, fd int) {
	w, wanted := k.w, l.spare < 0
	wait := 0
	if w.fault(faultShutSlow) {
		wait = w.between(0, 4*int(simDeskTimeout))
	}
	w.shutting[fd] = true
	k.jobs = append(k.jobs, simJob{w.now + int64(wait), func() {
		delete(w.shutting, fd)
		l.kernel.Close(fd)
		if wanted {
			l.mail.post(func(l *Loop) {
				if l.spare < 0 {
					l.reserve()
				}
			})
		}
	}})
}

// readAhead is what bringing a part of a file into memory comes to.
func (w *simWorld) readAhead(file *openFile, at, length int64, about *simConn, blamed excuse) error {
	if w.fds[file.fd] == nil || w.fds[file.fd].kind != kindFile || w.shutting[file.fd] {
		w.fail("descriptor %d was closed while the desk read it", file.fd)
	}
	if w.fault(faultAhead) {
		about.excuse |= blamed
		return unix.EIO
	}
	w.fds[file.fd].file.knows(at, length)
	return nil
}

// warmed notes that a job holds a file no more, if it did.
func (w *simWorld) warmed(file *openFile) {
	if file == nil {
		return
	}
	if w.warming[file]--; w.warming[file] == 0 {
		delete(w.warming, file)
	}
}

// openFile is what opening a large file comes to.
func (w *simWorld) openFile(what errand, about *simConn) (int, error) {
	var err error
	switch {
	case w.fault(faultDeskGone):
		err = fs.ErrNotExist
	case w.fault(faultDeskError):
		err = unix.EIO
	case !what.anyway && w.fault(faultDeskChanged):
		return -1, site.ErrChanged // which no client notices
	}
	if err != nil {
		about.excuse |= excuseDesk
		return -1, err
	}
	d, errno := w.allocate(kindFile)
	if errno != 0 {
		about.excuse |= excuseDesk
		return -1, errno
	}
	path := what.what.Path()
	d.file = w.disk[path]
	if d.file == nil {
		content, ok := simContents[path]
		if !ok {
			w.fail("the desk was asked for %s, which is in no root", path)
		}
		d.file = &simFile{content: content}
		w.disk[path] = d.file
	}
	d.file.open++
	return d.fd, nil
}

// warm does what desk.warm does.
func (k *simClerk) warm(l *Loop, c *conn) {
	s := &c.out.segs[c.out.first]
	w, fd, gen, file, at, length := k.w, int(c.fd), c.gen, s.file, s.at, min(s.left, aheadSize)
	about := w.fds[fd].conn
	l.files.retain(file)
	if w.fault(faultDeskFull) {
		about.excuse |= excuseFile
		l.files.release(file)
		l.enter(c, stateDead)
		return
	}
	w.warming[file]++
	k.after(about, func() {
		err := w.readAhead(file, at, length, about, excuseFile)
		posted := l.mail.post(func(l *Loop) {
			w.warmed(file)
			w.letter(fd, about, func() { l.warmed(fd, gen, file, at+length, err) })
		})
		if !posted {
			w.kept = append(w.kept, file.fd)
		}
	})
}

func (k *simClerk) close() {}

// letter carries out a letter about a connection. If that is gone, nobody else
// may notice: whoever has its descriptor now has asked for nothing.
func (w *simWorld) letter(fd int, about *simConn, do func()) {
	if w.fds[fd] != nil && w.fds[fd].conn == about {
		do()
		return
	}
	calls := w.calls
	if do(); w.calls != calls {
		w.fail("a letter about a connection that is gone went to another, at descriptor %d", fd)
	}
}
