package loop

import (
	"errors"

	"monopoll/loop/sys"
	"monopoll/routes/site"
)

// openFile is a large file that is open, shared by all who are being sent it.
type openFile struct {
	fd         int
	refs       int // segments that send it
	what       *site.File
	saidBroken bool
	once       bool // no table knows it: it is for those who have it by now
	local      bool // see sys.Local
	// in openFiles.idle, while nobody sends it
	prev, next *openFile
}

// window is a part of an open file that is in memory.
type window struct {
	file       *openFile
	at, length int64
}

// has says that what of f comes at an offset is in memory.
func (w window) has(f *openFile, at int64) bool {
	return w.file == f && w.at <= at && at < w.at+w.length
}

// openFiles keeps large files open from one request to the next. It holds at most
// idleFilesMost that nobody is being sent.
type openFiles struct {
	byFile map[*site.File]*openFile
	idle   openFile // ring; idle.next was used longest ago
	count  int      // of idle
	dead   []int    // descriptors, for reap to have closed
}

func newOpenFiles() *openFiles {
	c := &openFiles{byFile: make(map[*site.File]*openFile)}
	c.idle.prev, c.idle.next = &c.idle, &c.idle
	return c
}

// inMemory says whether a part of an open file is in memory, so that nobody waits
// for a disk who sends it.
func (o *openFile) inMemory(k sys.Kernel, at, length int64) bool {
	cached, errno := k.Cached(o.fd, at, int(length))
	return cached && (errno == 0 || o.local)
}

// get gives f open, or nil when the desk has to open it first.
func (c *openFiles) get(f *site.File) *openFile {
	o := c.byFile[f]
	if o == nil {
		return nil
	}
	if o.refs == 0 {
		c.unlink(o)
		c.link(o)
	}
	return o
}

// add takes a descriptor that the desk has opened.
func (c *openFiles) add(f *site.File, fd int) *openFile {
	if o := c.byFile[f]; o != nil { // two asked at the same time
		c.dead = append(c.dead, fd)
		return o
	}
	o := &openFile{fd: fd, what: f}
	c.byFile[f] = o
	c.link(o)
	c.trim(idleFilesMost)
	return o
}

// retain counts one more segment that sends o.
func (c *openFiles) retain(o *openFile) {
	if o.refs == 0 {
		c.unlink(o)
	}
	o.refs++
}

// outdated lets no further answer use o, which has changed.
func (c *openFiles) outdated(o *openFile) {
	if c.byFile[o.what] != o {
		return
	}
	delete(c.byFile, o.what)
	if o.refs == 0 {
		c.unlink(o)
		c.dead = append(c.dead, o.fd)
	}
}

// unused closes o if it was opened for an answer that has no use for it.
func (c *openFiles) unused(o *openFile) {
	if o.once && o.refs == 0 {
		c.outdated(o)
	}
}

// send puts length bytes of o, from offset at, behind what is in out.
func (c *openFiles) send(out *output, o *openFile, at, length int64) {
	if length > 0 {
		c.retain(o)
		out.part(o, at, length)
	}
}

// release is called by each segment when it is done with its file.
func (c *openFiles) release(o *openFile) {
	o.refs--
	if o.refs > 0 {
		return
	}
	if o.once {
		delete(c.byFile, o.what)
	}
	if c.byFile[o.what] != o {
		c.dead = append(c.dead, o.fd)
		return
	}
	c.link(o)
	c.trim(idleFilesMost)
}

// trim closes the files used longest ago until no more than n are idle.
func (c *openFiles) trim(n int) {
	for c.count > n {
		o := c.idle.next
		c.unlink(o)
		delete(c.byFile, o.what)
		c.dead = append(c.dead, o.fd)
	}
}

// forget lets no further answer use what is open: a new table has come, and
// with it perhaps new files. Those being sent are closed when they are done.
func (c *openFiles) forget() {
	c.trim(0)
	clear(c.byFile)
}

// abandon releases the files of an output that will not be sent.
func (c *openFiles) abandon(out *output) {
	for i := range out.segs {
		if f := out.segs[i].file; f != nil {
			out.segs[i].file = nil
			c.release(f)
		}
	}
	out.reset()
}

// broken is called when a file could not be read to its end, which somebody still
// needs.
func (c *openFiles) broken(l *Loop, o *openFile, why error) {
	c.outdated(o)
	if o.saidBroken {
		return
	}
	o.saidBroken = true
	l.log.Warn("a large file could not be sent", "file", o.what.Path(), "reason", why)
}

var errShorter = errors.New("it became shorter while it was sent; replace files by renaming a new one over them")

func (c *openFiles) link(o *openFile) {
	o.prev, o.next = c.idle.prev, &c.idle
	o.prev.next, o.next.prev = o, o
	c.count++
}

func (c *openFiles) unlink(o *openFile) {
	o.prev.next, o.next.prev = o.next, o.prev
	o.prev, o.next = nil, nil
	c.count--
}
