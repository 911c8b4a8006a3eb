package loop

import (
	"context"
	"log/slog"

	"monopoll/loop/sys"
)

// complain logs trouble of the kernel's, at most once in complainOften for each kind.
func (l *Loop) complain(what string, errno sys.Errno) {
	if last, ok := l.complained[what]; ok && l.now-last < int64(complainOften) {
		return
	}
	l.complained[what] = l.now
	l.log.LogAttrs(context.Background(), slog.LevelWarn, "the kernel refused a call", slog.String("call", what), slog.String("error", errno.Error()))
}
