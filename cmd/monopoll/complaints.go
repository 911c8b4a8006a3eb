package main

import (
	"log/slog"
	"time"

	"monopoll/routes/config"
)

const (
	// complaintsMost is how many things in document roots are named in a minute.
	// A folder of a thousand symlinks that lead elsewhere has one cause, not a
	// thousand, and a screen has about this many lines.
	complaintsMost = 20
	complaintsTime = time.Minute
)

// newComplaints gives the function that says what is in a document root and not
// served as its owner may think.
func newComplaints(log *slog.Logger) func(path, text string) {
	var since time.Time
	var said int
	return func(path, text string) {
		text = config.Visible(text) // where a symlink leads is a name, too
		if now := time.Now(); now.Sub(since) > complaintsTime {
			since, said = now, 0
		}
		switch said++; {
		case said <= complaintsMost:
			log.Warn(text, "path", path)
		case said == complaintsMost+1:
			log.Warn("there is more like this; it is said with --debug")
			fallthrough
		default:
			log.Debug(text, "path", path)
		}
	}
}
