package watch

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Kind says what a Verdict is about.
type Kind uint8

const (
	// Reloaded: a new table is being served.
	Reloaded Kind = iota + 1
	// Refused: something is wrong; the table of before is still being served.
	Refused
	// Unchanged: there was nothing to do.
	Unchanged
	// Mended: after a mistake, the config is again the one being served.
	Mended
)

var kindNames = [...]string{"", "reloaded", "refused", "unchanged", "mended"}

// String gives the name that records and `status --json` carry.
func (k Kind) String() string { return kindNames[k] }

// Verdict tells what a reload did, or why it did nothing. Immutable.
type Verdict struct {
	Kind Kind
	// Version is that of the table being served after it.
	Version int
	// At is when it was reached, Took how long reading, building and the commit
	// took, without the time that was waited for the disk to come to rest.
	At   time.Time
	Took time.Duration
	// What changed, for people: "config.yaml", or the document roots.
	What string
	// Config says that the config file was read anew.
	Config bool
	// Changes are the differences, each a short phrase.
	Changes []string
	// Mistakes say why it was refused, with places and carets where there are
	// any; one text of several lines.
	Mistakes string
	// Kept and Draining count the connections that were carried over, and those
	// of removed listeners that finish what they are at.
	Kept, Draining int
}

// OK says that what is on disk is what is being served: the exit code of
// `monopoll reload` hangs on it.
func (v Verdict) OK() bool { return v.Kind != Refused }

// changesMost is how many changes a line names before it counts the rest: a
// terminal shows about so many without scrolling the start of them away.
const changesMost = 20

// String gives the block that people read, without a newline at its end.
func (v Verdict) String() string {
	switch v.Kind {
	case Refused:
		return fmt.Sprintf("%s\nstill serving version %d", strings.TrimRight(v.Mistakes, "\n"), v.Version)
	case Unchanged:
		return fmt.Sprintf("%s is unchanged; serving version %d", v.What, v.Version)
	case Mended:
		return fmt.Sprintf("%s is back to what is being served, the mistake is gone; serving version %d", v.What, v.Version)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "reload %d: %s", v.Version, v.headline())
	if v.Config {
		fmt.Fprintf(&b, "; %d connection%s kept, %d draining", v.Kept, plural(v.Kept), v.Draining)
	}
	fmt.Fprintf(&b, "; %s", v.took())
	return b.String()
}

// headline says what changed, and how.
func (v Verdict) headline() string {
	shown := v.Changes
	if len(shown) > changesMost {
		shown = append(shown[:changesMost:changesMost], fmt.Sprintf("and %d more", len(v.Changes)-changesMost))
	}
	if !v.Config {
		return strings.Join(shown, " · ")
	}
	if len(shown) == 0 {
		return v.What + " changed, but nothing that it means"
	}
	return v.What + " changed: " + strings.Join(shown, " · ")
}

// took rounds to what a person wants to know.
func (v Verdict) took() string {
	switch ms := v.Took.Milliseconds(); {
	case ms < 1:
		return "under 1 ms"
	case ms < 10_000:
		return fmt.Sprintf("%d ms", ms)
	default:
		return fmt.Sprintf("%.1f s", v.Took.Seconds())
	}
}

// record writes the verdict as one record. Its message is the block for
// people; its group of attributes says the same to programs.
func (v Verdict) record(log *slog.Logger) {
	level := slog.LevelInfo
	switch v.Kind {
	case Refused:
		level = slog.LevelError
	case Unchanged:
		level = slog.LevelDebug
	}
	attrs := []any{
		slog.String("verdict", v.Kind.String()),
		slog.Int("version", v.Version),
		slog.String("what", v.What),
		slog.Float64("ms", float64(v.Took.Microseconds())/1000),
	}
	if len(v.Changes) > 0 {
		attrs = append(attrs, slog.Any("changes", v.Changes))
	}
	if v.Mistakes != "" {
		attrs = append(attrs, slog.String("mistakes", v.Mistakes))
	}
	if v.Config && v.Kind == Reloaded {
		attrs = append(attrs, slog.Int("kept", v.Kept), slog.Int("draining", v.Draining))
	}
	log.LogAttrs(context.Background(), level, v.String(), slog.Group("reload", attrs...))
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
