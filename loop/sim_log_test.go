package loop

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strconv"
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
// then, and counts lines, and the bytes they tell of.
type simLog struct {
	full  chan []byte
	lines int
	bytes int64
}

// simLine is a line of either format, its number of bytes apart.
var simLine = regexp.MustCompile(`^(?:[0-9a-f.:]+ - - \[[^]]+\] "[^"]*" \d{3} (\d+) "-" "(?:-|sim/\d+)"|` +
	`\{"time":"[^"]+","remote":"[0-9a-f.:]+","listener":"[^"]*","host":.*,"status":\d{3},"bytes":(\d+),"route":.*,"user_agent":"(?:sim/\d+)?"\})\n$`)

func (s *simLog) sink() *sink {
	s.full = make(chan []byte, 2)
	done := make(chan struct{})
	close(done)
	return &sink{file: os.Stderr, full: s.full, free: make(chan []byte, 2), done: done}
}

func (s *simLog) drain(w *simWorld) {
	if w.chance(3) {
		s.empty(w)
	}
}

func (s *simLog) empty(w *simWorld) {
	for {
		select {
		case batch, ok := <-s.full:
			if !ok {
				return
			}
			for line := range bytes.Lines(batch) {
				s.lines++
				m := simLine.FindSubmatch(line)
				if m == nil {
					w.fail("a line of the log is %q", line)
					return
				}
				n, _ := strconv.ParseInt(string(m[1])+string(m[2]), 10, 64)
				s.bytes += n
			}
		default:
			return
		}
	}
}
