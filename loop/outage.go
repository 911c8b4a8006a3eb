package loop

import (
	"log/slog"
	"time"
)

// outage is what is said while the access log cannot be written: that it cannot,
// that it can again, and how many lines that has cost. A disk that is full by turns
// could have every batch say so, therefore each is said at most once in
// complainSeldom; what was not said is in the next number.
type outage struct {
	log  *slog.Logger
	file string
	open bool      // that it cannot be written was the last that was said
	lost int       // lines, since it was last said that it can
	said time.Time // when an outage was last told of
}

func (o *outage) fails(why error, lines int, now time.Time) {
	o.lost += lines
	if o.due(now) {
		o.open, o.said = true, now
		o.log.Error("the access log cannot be written; requests are served on without it",
			"file", o.file, "error", why, "lines_lost", o.lost)
	}
}

func (o *outage) works(now time.Time) {
	if o.lost == 0 || !o.open && !o.due(now) {
		return
	}
	o.log.Info("the access log is written again", "file", o.file, "lines_lost", o.lost)
	if !o.open {
		o.said = now // of an outage that was over before its turn had come
	}
	o.open, o.lost = false, 0
}

// ends is for the end of the log: nothing will be written to it any more.
func (o *outage) ends() {
	if o.lost > 0 {
		o.log.Warn("the access log ends, and lines of it are lost", "file", o.file, "lines_lost", o.lost)
	}
}

func (o *outage) due(now time.Time) bool { return o.said.IsZero() || now.Sub(o.said) >= complainSeldom }
