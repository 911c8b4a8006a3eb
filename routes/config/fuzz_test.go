package config

import (
	"errors"
	"strings"
	"testing"
)

// FuzzParse gives Parse any text. It must neither panic nor hang, what it
// accepts must keep the promises of Config, and what it refuses must come as
// Mistakes that have a place in the text and are fit for a terminal.
func FuzzParse(f *testing.F) {
	for _, folder := range []string{"good", "broken"} {
		for _, text := range cases(f, folder) {
			f.Add(text)
		}
	}
	dir := newFolder(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := Parse("config.yaml", dir, text)
		if err == nil {
			checkInvariants(t, cfg)
			_ = Mistakes(cfg.Warnings()).Error()
			return
		}
		var ms Mistakes
		if !errors.As(err, &ms) || len(ms) == 0 || cfg != nil {
			t.Fatalf("error %T with %d mistakes, config %v", err, len(ms), cfg)
		}
		last := 0
		lines := len(splitLines(string(text))) + 1
		for _, m := range ms {
			if m.Line < last || m.Line > lines || m.Column < 0 || m.Text == "" {
				t.Errorf("mistake at %d:%d after line %d of %d: %q", m.Line, m.Column, last, lines, m.Text)
			}
			last = m.Line
		}
		if shown := err.Error(); strings.ContainsAny(shown, "\x1b\x00\r\x07\u0085\u009b\u202e") {
			t.Errorf("not fit for a terminal: %q", shown)
		}
	})
}
