package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Mistake is one thing that is wrong with a config, and what to do about it.
type Mistake struct {
	// Path is the file as the user named it, "" where there is no file: then
	// Where names an argument of the command line.
	Path string
	// Line and Column count from 1, Column in characters; 0 is unknown.
	Line, Column int
	// Where is the place by its names: listeners[1].root. It may be empty.
	Where string
	// Text is a sentence without a capital or a full stop.
	Text string
	// Source is the whole line of the file; "" where it is unknown.
	Source string
	// Cause is the error of the system that Text tells about, if there was one.
	Cause error
}

// Headline is the mistake on one line: config.yaml:12:5: where: text.
func (m Mistake) Headline() string {
	var b strings.Builder
	if m.Path != "" {
		b.WriteString(m.Path)
		if m.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", m.Line, max(m.Column, 1))
		}
		b.WriteString(": ")
	}
	if m.Where != "" {
		b.WriteString(m.Where + ": ")
	}
	b.WriteString(m.Text)
	return strings.Map(printable, b.String())
}

// Error renders the mistake for a terminal: its headline, then the line of the
// file and a caret under the place.
func (m Mistake) Error() string {
	if m.Source == "" {
		return m.Headline()
	}
	shown, caret := quote(m.Source, m.Column)
	return m.Headline() + "\n    " + shown + "\n    " + caret
}

// Unwrap gives Cause.
func (m Mistake) Unwrap() error { return m.Cause }

// Mistakes is every mistake of a config, in the order of the file. It is the
// only error that Load, Parse and the quick modes return.
type Mistakes []Mistake

// mistakesShown is how many mistakes Error renders. Nobody mends more in one
// go, and a file of another format would fill the terminal.
const mistakesShown = 100

// maxMistakes is how many are kept. A file of a million empty listeners has two
// million, and each costs half a kilobyte.
const maxMistakes = 10_000

// Error renders the mistakes for a terminal, without a newline at the end.
func (ms Mistakes) Error() string {
	var b strings.Builder
	for i, m := range ms {
		if i == mistakesShown {
			fmt.Fprintf(&b, "\n… and %d more", len(ms)-i)
			if len(ms) >= maxMistakes {
				b.WriteString(" at least")
			}
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(m.Error())
	}
	return b.String()
}

// Unwrap gives the mistakes one by one, so that errors.Is finds the causes.
func (ms Mistakes) Unwrap() []error {
	errs := make([]error, len(ms))
	for i, m := range ms {
		errs[i] = m
	}
	return errs
}

// Sort brings the mistakes into the order of the file and drops what is said
// twice, as happens where an alias repeats a value.
func (ms Mistakes) Sort() Mistakes {
	slices.SortStableFunc(ms, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(ms, func(a, b Mistake) bool {
		return a.Line == b.Line && a.Column == b.Column && a.Where == b.Where && a.Text == b.Text
	})
}

// NewMistake makes a mistake at pos in the file that cfg came from, for those
// who find out later: routes about its patterns, the loop about an address. A
// cfg that came from no file, or a pos of zero, gives a mistake without a line.
func NewMistake(cfg *Config, pos Pos, where, text string) Mistake {
	return Mistake{
		Path:   cfg.Path,
		Line:   pos.Line,
		Column: pos.Column,
		Where:  where,
		Text:   text,
		Source: cfg.text.line(pos.Line),
	}
}

// confined adds to what may not be read that a sandbox may be why: the rights of
// the user, which are named otherwise, are then as they should be.
func (ms Mistakes) confined() {
	for i := range ms {
		if errors.Is(ms[i].Cause, fs.ErrPermission) {
			ms[i].Text += "; a server that runs with sandbox: on reaches what it was started with, so restart it if this is new"
		}
	}
}
