package loop

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"monopoll/loop/sys"
)

// sink is where access log lines go: a file, or one of the standard streams.
// One goroutine writes; the loop only ever hands it a batch, if there is room.
type sink struct {
	name  string
	file  *os.File
	own   bool // the file is ours to close, and to open anew
	half  bool // what is in the file ends within a line
	out   outage
	lost  *atomic.Int64 // lines, for the counts of the loop
	full  chan []byte
	free  chan []byte
	done  chan struct{}
	stale chan struct{} // to be opened anew, before the next batch
}

// openSink opens the access log that the config names: "stdout", "stderr",
// "off", or a path, to which is appended. Lines that cannot be written are added
// to lost.
func openSink(name string, log *slog.Logger, lost *atomic.Int64) (*sink, error) {
	s := &sink{name: name, out: outage{log: log, file: name}, lost: lost}
	switch name {
	case "off":
		return s, nil
	case "stdout":
		s.file = os.Stdout
	case "stderr":
		s.file = os.Stderr
	default:
		if err := s.open(); err != nil {
			return nil, err
		}
		s.own = true
	}
	s.full = make(chan []byte, sinkDepth)
	s.free = make(chan []byte, sinkDepth)
	s.done = make(chan struct{})
	s.stale = make(chan struct{}, 1)
	go s.write()
	return s, nil
}

// off says that there is no log. (file is for the writer alone to look at.)
func (s *sink) off() bool { return s.full == nil }

func (s *sink) open() error {
	f, err := sys.OpenAppend(s.name, 0o640)
	if errors.Is(err, sys.ErrNoReader) {
		return fmt.Errorf("cannot open the access log: %w; start its reader first, or name another file by log.access", err)
	}
	if err != nil {
		return fmt.Errorf("cannot open the access log: %w; name another file by log.access, or make its folder writable", err)
	}
	s.file = f
	return nil
}

// give hands a batch to the writer; false when it has too many already.
func (s *sink) give(batch []byte) bool {
	select {
	case s.full <- batch:
		return true
	default:
		return false
	}
}

// blank gives an empty buffer for the next batch.
func (s *sink) blank() []byte {
	select {
	case b := <-s.free:
		return b[:0]
	default:
		return make([]byte, 0, accessBatch+(16<<10))
	}
}

func (s *sink) write() {
	defer close(s.done)
	for batch := s.next(); batch != nil; batch = s.next() {
		s.append(batch)
		select {
		case s.free <- batch:
		default:
		}
	}
	s.endLine()
	s.out.ends()
	if s.own {
		s.file.Close()
	}
}

// append writes a batch, or counts the lines of it that are lost.
func (s *sink) append(batch []byte) {
	n, err := 0, s.endLine()
	if err == nil {
		n, err = s.file.Write(batch)
		s.half = n > 0 && batch[n-1] != '\n'
	}
	if err == nil {
		s.out.works(time.Now())
		return
	}
	lines := bytes.Count(batch[n:], []byte{'\n'})
	s.lost.Add(int64(lines))
	s.out.fails(err, lines, time.Now())
}

// endLine ends the half line that a disk left which became full within it, so that
// the next line is whole. To cut the half line off instead would be wrong in a pipe,
// and in a file to which somebody else appends too.
func (s *sink) endLine() error {
	if !s.half {
		return nil
	}
	_, err := s.file.Write([]byte{'\n'})
	s.half = err != nil
	return err
}

// next gives the next batch, nil after the last. A rotation does not wait for it:
// whoever asks for one looks for the new file, or for why there is none, at once.
func (s *sink) next() []byte {
	for {
		select {
		case batch := <-s.full:
			select {
			case <-s.stale: // asked for before the batch was seen
				s.reopen()
			default:
			}
			return batch
		case <-s.stale:
			s.reopen()
		}
	}
}

// reopen opens the file by its name again, for a rotation that renamed it.
func (s *sink) reopen() {
	if !s.own {
		return
	}
	s.endLine()
	old := s.file
	if err := s.open(); err != nil {
		s.file = old
		s.out.log.Error("the access log stays with the file that is open", "error", err)
		return
	}
	if was, err := old.Stat(); err == nil && s.half {
		now, err := s.file.Stat()
		s.half = err == nil && os.SameFile(was, now) // or the half line is not in this one
	}
	old.Close()
}

// retire takes no more batches. Those that wait are still written.
func (s *sink) retire() {
	if !s.off() {
		close(s.full)
	}
}

// close retires the sink and waits for the last batch, for sinkEnds at most: a
// pipe that nobody reads must not keep the process from ending.
func (s *sink) close() {
	if s.off() {
		return
	}
	s.retire()
	select {
	case <-s.done:
	case <-time.After(sinkEnds):
	}
}

// ReopenLog opens the access log by its name again, as logrotate asks by a
// signal. Any goroutine may call it.
func (l *Loop) ReopenLog() {
	l.mail.post(func(l *Loop) {
		if l.access.sink != nil {
			select {
			case l.access.sink.stale <- struct{}{}:
			default: // it is about to be
			}
		}
	})
}
