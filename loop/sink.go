package loop

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"monopoll/loop/sys"
)

// sink is where access log lines go: a file, or one of the standard streams.
// One goroutine writes; the loop only ever hands it a batch, if there is room.
type sink struct {
	name  string
	file  *os.File
	own   bool // the file is ours to close, and to open anew
	log   *slog.Logger
	full  chan []byte
	free  chan []byte
	done  chan struct{}
	stale chan struct{} // to be opened anew, before the next batch
}

// openSink opens the access log that the config names: "stdout", "stderr",
// "off", or a path, to which is appended.
func openSink(name string, log *slog.Logger) (*sink, error) {
	s := &sink{name: name, log: log}
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
	var lost int
	var said time.Time
	for batch := s.next(); batch != nil; batch = s.next() {
		if n, err := s.file.Write(batch); err != nil {
			lost += bytes.Count(batch[n:], []byte{'\n'})
			if time.Since(said) > complainSeldom {
				said = time.Now()
				s.log.Error("the access log cannot be written; requests are served on without it",
					"file", s.name, "error", err, "lines_lost", lost)
			}
		}
		select {
		case s.free <- batch:
		default:
		}
	}
	if s.own {
		s.file.Close()
	}
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
	old := s.file
	if err := s.open(); err != nil {
		s.file = old
		s.log.Error("the access log stays with the file that is open", "error", err)
		return
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
