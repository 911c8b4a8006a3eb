package loop

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// simHandler is the log of the process. An error in it is a bug.
type simHandler struct{ w *simWorld }

func (simHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h simHandler) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		var b strings.Builder
		planted := false
		r.Attrs(func(a slog.Attr) bool {
			fmt.Fprintf(&b, "\n%s: %s", a.Key, a.Value)
			planted = planted || a.Value.String() == simPanic
			return true
		})
		if planted {
			return nil
		}
		h.w.fail("%s%s", r.Message, b.String())
	}
	return nil
}

func (h simHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h simHandler) WithGroup(string) slog.Handler { return h }

// simLog stands in for the writer of the access log: one that is slow now and
// then, and counts lines.
type simLog struct {
	full  chan []byte
	lines int
}

func (s *simLog) sink() *sink {
	s.full = make(chan []byte, 2)
	done := make(chan struct{})
	close(done)
	return &sink{file: os.Stderr, full: s.full, free: make(chan []byte, 2), done: done}
}

func (s *simLog) drain(w *simWorld) {
	if w.chance(3) {
		s.empty()
	}
}

func (s *simLog) empty() {
	for {
		select {
		case batch, ok := <-s.full:
			if !ok {
				return
			}
			for _, b := range batch {
				if b == '\n' {
					s.lines++
				}
			}
		default:
			return
		}
	}
}
