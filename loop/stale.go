package loop

import (
	"time"

	"monopoll/loop/sys"
	"monopoll/routes"
)

// A large file that has changed on disk since the table was made cannot be sent
// as the table has it: its head would speak of bytes that are gone. Whoever asks
// for it waits for the table that knows it: some milliseconds, or for as long as
// somebody is writing it, which is two seconds at the most. Where that table does
// not come it is sent as it is, under a head of its own; and at once if it is a log.

// isStill says that an open file is what the table says of it, as far as the kernel
// tells. It is for files that are in memory: see sys.Kernel.Fstat.
func (o *openFile) isStill(k sys.Kernel) bool {
	size, mtime, ctime, errno := k.Fstat(o.fd)
	return errno != 0 || o.what.Still(size, mtime, ctime)
}

// waitForTable has c, whose file is not what a table says, stepped again when
// there is another one, and now and then.
func (l *Loop) waitForTable(c *conn, table *routes.Table) {
	if c.stale == 0 {
		c.stale = clockOf(l.now)
	}
	if c.socket.table != table || l.anyway(c) {
		l.advance(c, c.in) // it has come meanwhile, or need not come
		return
	}
	l.enter(c, stateStale)
}

// tableCame has everybody who waits for a table answered from it.
func (l *Loop) tableCame() {
	for c := l.lanes[laneStale].head; c != nil; c = l.lanes[laneStale].head {
		l.later(c)
	}
}

// anyway says that the next answer to c takes a large file as it is: it has waited
// for long enough, or its socket has got its last table.
func (l *Loop) anyway(c *conn) bool {
	return c.stale != 0 && clockOf(l.now)-c.stale >= uint32(staleTime/time.Millisecond) || c.socket.closing
}

// clockOf gives a time in milliseconds, never 0. It comes round after 49 days.
func clockOf(now int64) uint32 { return uint32(now/int64(time.Millisecond)) | 1 }
