package loop

import (
	"bytes"

	"monopoll/loop/sys"
)

// Console has the loop read lines from a terminal, and give each to line, on
// the loop's goroutine. The descriptor stays the caller's. Any goroutine may
// call it, also again: a terminal that could not be read, as it cannot by a
// process in the background, is left alone until then.
func (l *Loop) Console(fd int, line func(string)) {
	l.mail.post(func(l *Loop) {
		l.console = line
		l.kernel.EpollAdd(l.epoll, fd, sys.In, tagConsole|uint64(fd)) // EEXIST: it is being read
	})
}

// readConsole reads what was typed. A terminal gives whole lines; it is not
// made non-blocking, because that would make it so for the shell too. That it
// is readable does not mean that there is something for us: in the background
// the read fails with EIO, if SIGTTIN is ignored, and would do so for ever.
func (l *Loop) readConsole(fd int) {
	n, errno := l.kernel.Read(fd, l.scratch)
	if errno == sys.EAGAIN {
		return
	}
	if errno != 0 || n == 0 {
		l.kernel.EpollDel(l.epoll, fd)
		return
	}
	for text := range bytes.Lines(l.scratch[:n]) {
		l.console(string(bytes.TrimSpace(text)))
	}
}
