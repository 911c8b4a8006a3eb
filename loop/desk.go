package loop

import (
	"errors"
	"time"

	"monopoll/loop/sys"
	"monopoll/routes/site"
)

// clerk is what the loop asks of the desk. Each call is answered by a letter.
type clerk interface {
	// open has f opened for c, which is then stepped again with the same bytes.
	open(l *Loop, c *conn, f *site.File)
	// warm brings the part of a file that c is to be sent next into memory.
	warm(l *Loop, c *conn)
	close()
}

// desk is where the loop leaves work that may wait for a disk: opening a large
// file, and bringing the next part of one into memory. Its goroutines touch
// nothing of the loop's; what they found comes back by the mailbox.
type desk struct {
	mail *mailbox
	jobs chan func()
}

var errDeskFull = errors.New("too many large files are waiting for the disk")

func newDesk(mail *mailbox) *desk {
	d := &desk{mail: mail, jobs: make(chan func(), deskQueue)}
	for range deskWorkers {
		go d.work()
	}
	return d
}

func (d *desk) work() {
	for job := range d.jobs {
		job()
	}
}

func (d *desk) close() { close(d.jobs) }

// ask leaves a job, and says whether there was room for it.
func (d *desk) ask(job func()) bool {
	select {
	case d.jobs <- job:
		return true
	default:
		return false
	}
}

func (d *desk) open(l *Loop, c *conn, f *site.File) {
	fd, gen := int(c.fd), c.gen
	ok := d.ask(func() {
		file, err := f.Open()
		if errors.Is(err, site.ErrChanged) {
			time.Sleep(changedRetry)
		}
		if !d.mail.post(func(l *Loop) { l.opened(fd, gen, f, file, err) }) && err == nil {
			(&sys.Linux{}).Close(file)
		}
	})
	if !ok {
		l.opened(fd, gen, f, -1, errDeskFull)
	}
}

// changedTries is how often a file that has just changed is asked for again:
// with changedRetry, about a second, in which the watcher will have noticed.
const changedTries = 200

// opened is the desk's letter.
func (l *Loop) opened(fd int, gen uint32, f *site.File, file int, err error) {
	if err == nil {
		l.files.add(f, file)
	}
	c := l.conns.find(fd, gen)
	if c == nil || c.state != stateDesk || c.out != nil {
		return
	}
	defer l.contain(c)
	if errors.Is(err, site.ErrChanged) && c.tries < changedTries {
		c.tries++ // the table of now may name another file; if not, ask again
	} else {
		c.tries = 0
		l.out.failed = err
		if errors.Is(err, sys.EMFILE) || errors.Is(err, sys.ENFILE) {
			l.shortOfDescriptors()
		}
	}
	l.advance(c, c.in)
}

func (d *desk) warm(l *Loop, c *conn) {
	s := &c.out.segs[c.out.first]
	fd, gen, file, at, length := int(c.fd), c.gen, s.file, s.at, min(s.left, aheadSize)
	l.files.take(file) // it must stay open until the desk is done with it
	ok := d.ask(func() {
		err := sys.ReadAhead(file.fd, at, length)
		d.mail.post(func(l *Loop) { l.warmed(fd, gen, file, at+length, err) })
	})
	if !ok {
		l.files.release(file)
		l.enter(c, stateDead) // half an answer cannot become a 503
	}
}

// warmed is the desk's letter.
func (l *Loop) warmed(fd int, gen uint32, file *openFile, upTo int64, err error) {
	defer l.files.release(file)
	c := l.conns.find(fd, gen)
	if c == nil || c.state != stateDesk || c.out == nil || c.out.segs[c.out.first].file != file {
		return
	}
	defer l.contain(c)
	c.out.segs[c.out.first].warm = upTo
	if err != nil {
		l.files.broken(l, file, sys.EIO)
		l.enter(c, stateDead)
		return
	}
	l.resume(c)
}
