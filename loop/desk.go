package loop

import (
	"errors"

	"monopoll/loop/sys"
	"monopoll/routes"
	"monopoll/routes/site"
)

// clerk is what the loop asks of the desk.
type clerk interface {
	// fetch sees to what an answer to c needs of a file before it can begin. It is
	// answered by a letter, after which c is stepped again with the same bytes.
	fetch(l *Loop, c *conn, what errand)
	// warm brings the part of a file that c is to be sent next into memory. It is
	// answered by a letter.
	warm(l *Loop, c *conn)
	// shut closes the descriptor of a file, at some time.
	shut(l *Loop, fd int)
	close()
}

// errand is a file that is to be opened, unless it is open already, and a part
// of it that is to be in memory.
type errand struct {
	what       *site.File
	open       *openFile
	at, length int64
	table      *routes.Table // the one that what is of
	// anyway: as it is at this moment, if it is not what the table says
	anyway bool
	// instead is why it is about a file that no table knows: another range of that
	// is asked for than of the one in the table.
	instead *routes.Instead
}

// found is what came of an errand.
type found struct {
	now   *site.File // what it was about, or what is in its place
	fd    int
	local bool // see sys.Local
	err   error
}

// desk is where the loop leaves work that may wait for a disk: opening and
// closing a large file, and bringing the next part of one into memory. Its
// goroutines touch nothing of the loop's; what they found comes back by the
// mailbox.
type desk struct {
	mail *mailbox
	jobs chan func()
	// stale is told of a file that is not what a table says of it.
	stale func(path string)
}

var errDeskFull = errors.New("too many large files are waiting for the disk")

func newDesk(mail *mailbox, stale func(path string)) *desk {
	d := &desk{mail: mail, jobs: make(chan func(), deskQueue), stale: stale}
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

func (d *desk) fetch(l *Loop, c *conn, what errand) {
	fd, gen := int(c.fd), c.gen
	if what.open != nil {
		l.files.retain(what.open) // it must stay open until the desk is done with it
	}
	ok := d.ask(func() {
		f := what.carryOut()
		if f.now != what.what || errors.Is(f.err, site.ErrChanged) {
			d.stale(what.what.Path())
		}
		if !d.mail.post(func(l *Loop) { l.fetched(fd, gen, what, f) }) && what.open == nil && f.err == nil {
			sys.CloseFile(f.fd)
		}
	})
	if !ok {
		// By a letter, too: each of a thousand pipelined requests is told so in its turn.
		d.mail.post(func(l *Loop) { l.fetched(fd, gen, what, found{now: what.what, err: errDeskFull}) })
	}
}

// carryOut opens the file, where it is not open, and reads ahead.
func (e *errand) carryOut() (f found) {
	f.now = e.what
	if e.open != nil {
		size, mtime, ctime, err := sys.FstatWaiting(e.open.fd)
		if err == nil && e.instead == nil && !e.what.Still(size, mtime, ctime) {
			err = site.ErrChanged
		}
		if err == nil {
			err = sys.ReadAhead(e.open.fd, e.at, e.length)
		}
		f.err = err
		return f
	}
	if f.now, f.fd, f.err = e.what.OpenNow(); f.err != nil {
		return f
	}
	if f.now != e.what && !e.anyway && !e.what.GrewInto(f.now) {
		sys.CloseFile(f.fd)
		f.err = site.ErrChanged
		return f
	}
	f.local = sys.Local(f.fd)
	if cached, errno := (&sys.Linux{}).Cached(f.fd, e.at, int(e.length)); errno != 0 || !cached {
		f.err = sys.ReadAhead(f.fd, e.at, e.length)
	}
	if f.err != nil {
		sys.CloseFile(f.fd)
	}
	return f
}

// fetched is the desk's letter.
func (l *Loop) fetched(fd int, gen uint32, what errand, f found) {
	open := what.open
	if open != nil {
		defer l.files.release(open)
		if errors.Is(f.err, site.ErrChanged) {
			l.files.outdated(open)
		} else if f.err != nil && !errors.Is(f.err, errDeskFull) {
			l.files.broken(l, open, f.err)
		}
	} else if f.err == nil {
		open = l.files.add(f.now, f.fd)
		open.local, open.once = f.local, f.now != what.what
		defer l.files.unused(open)
	}
	c := l.conns.find(fd, gen)
	if c == nil || c.state != stateDesk || c.out != nil {
		return
	}
	defer l.contain(c)
	switch {
	case f.err == nil:
		l.out.had = window{open, what.at, what.length}
		l.out.instead = what.instead
		if f.now != what.what {
			l.out.instead = &routes.Instead{Of: what.what, Now: f.now}
		}
	case errors.Is(f.err, errDeskFull) && c.stale != 0 && !l.anyway(c):
		l.enter(c, stateStale) // with all who were waiting for the same table
		return
	case errors.Is(f.err, site.ErrChanged) && what.open != nil:
		// It is to be opened anew.
	case errors.Is(f.err, site.ErrChanged) && !what.anyway:
		l.waitForTable(c, what.table)
		return
	default:
		l.out.failed = f.err
		if errors.Is(f.err, sys.EMFILE) || errors.Is(f.err, sys.ENFILE) {
			l.shortOfDescriptors()
		}
	}
	l.advance(c, c.in)
}

func (d *desk) warm(l *Loop, c *conn) {
	s := &c.out.segs[c.out.first]
	fd, gen, file, at, length := int(c.fd), c.gen, s.file, s.at, min(s.left, aheadSize)
	l.files.retain(file) // as in fetch
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
		l.files.broken(l, file, err)
		l.enter(c, stateDead)
		return
	}
	l.resume(c)
}

// shut has a goroutine of its own for each file, since a filesystem that hangs
// holds whoever closes one of its files (fuse(4), nfs(5)), and must hold nobody
// else. There are no more of them than files were open.
func (d *desk) shut(l *Loop, fd int) {
	wanted := l.spare < 0
	go func() {
		sys.CloseFile(fd)
		if wanted {
			d.mail.post(func(l *Loop) {
				if l.spare < 0 {
					l.reserve()
				}
			})
		}
	}()
}
