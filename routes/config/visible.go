package config

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible writes what a terminal would obey, and what a reader of lines would take
// for the end of one, as Go's %q does: names of files may have it. Text in any
// script, its spaces and joiners among it, stays as it is.
func Visible(text string) string {
	var b strings.Builder
	for i, size := 0, 0; i < len(text); i += size {
		var r rune
		switch r, size = utf8.DecodeRuneInString(text[i:]); {
		case strconv.IsPrint(r) && (r != utf8.RuneError || size > 1), unicode.Is(unicode.Zs, r), unicode.Is(unicode.Join_Control, r):
			b.WriteString(text[i : i+size])
		default:
			quoted := strconv.Quote(text[i : i+size])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// Plain says that a line has nothing in it that a terminal would obey.
func Plain(line string) bool {
	return utf8.ValidString(line) && !strings.ContainsFunc(line, func(r rune) bool {
		return r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
	})
}
