package config

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// source is the text of a config file, kept to quote from.
type source struct {
	path  string
	text  []byte
	lines []string
}

func newSource(path string, text []byte) *source {
	return &source{path: path, text: text, lines: splitLines(string(text))}
}

// line gives line n, counted from 1; "" where there is none.
func (s *source) line(n int) string {
	if s == nil || n < 1 || n > len(s.lines) {
		return ""
	}
	return s.lines[n-1]
}

// splitLines breaks text where YAML 1.1 does, which is what the reader counts
// by: CR and the three Unicode breaks end a line, too.
func splitLines(text string) []string {
	var lines []string
	start := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !isBreak(r) {
			i += size
			continue
		}
		lines = append(lines, text[start:i])
		if r == '\r' && strings.HasPrefix(text[i+1:], "\n") {
			size++
		}
		i += size
		start = i
	}
	if start < len(text) {
		lines = append(lines, text[start:])
	}
	return lines
}

func isBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// position turns a byte offset into a line and a column in characters.
func (s *source) position(offset int) Pos {
	before := splitLines(string(s.text[:offset]) + "x")
	last := before[len(before)-1]
	return Pos{Line: len(before), Column: utf8.RuneCountInString(last)}
}

// quoteWidth is how many characters of a line are shown around the caret: with
// an indent and two ellipses they fit into the 80 columns that a terminal has at
// least. A line that wraps would take the caret with it. A minified file is one
// line of megabytes.
const quoteWidth = 72

// quote gives the line with column (in characters, from 1) and a caret line that
// points at it, both fit for a terminal: what could move its cursor is replaced.
func quote(line string, column int) (shown, caret string) {
	length := utf8.RuneCountInString(line)
	at := min(max(column-1, 0), length)
	from := max(0, min(at-quoteWidth/2, length-quoteWidth))
	to := min(from+quoteWidth, length)
	var text, pad strings.Builder
	if from > 0 {
		text.WriteString("…")
		pad.WriteByte(' ')
	}
	i := 0
	for _, r := range line {
		if i == to {
			break
		}
		if i >= from {
			r = printable(r)
			text.WriteRune(r)
		}
		if i >= from && i < at {
			pad.WriteString(blank(r))
		}
		i++
	}
	if to < length {
		text.WriteString("…")
	}
	return text.String(), pad.String() + "^"
}

// printable replaces what a terminal would obey instead of showing.
func printable(r rune) rune {
	if r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError) {
		return '\ufffd'
	}
	return r
}

// blank is the white space as wide as r on a terminal. A tab stays a tab, since
// only the terminal knows its stops.
func blank(r rune) string {
	switch {
	case r == '\t':
		return "\t"
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return ""
	case unicode.Is(wide, r):
		return "  "
	}
	return " "
}

// wide are the blocks whose characters take two columns (Unicode annex 11, W
// and F), in ranges coarse enough to read and fine enough for a caret.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, // Hangul initials
		{Lo: 0x231a, Hi: 0x231b, Stride: 1}, // watch, hourglass
		{Lo: 0x23e9, Hi: 0x23ec, Stride: 1}, // player buttons
		{Lo: 0x2705, Hi: 0x2705, Stride: 1}, // check mark
		{Lo: 0x274c, Hi: 0x274c, Stride: 1}, // cross mark
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1}, // CJK radicals and punctuation
		{Lo: 0x3041, Hi: 0xa4cf, Stride: 1}, // kana, CJK, Yi
		{Lo: 0xa960, Hi: 0xa97c, Stride: 1}, // Hangul initials
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, // Hangul syllables
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, // CJK compatibility
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, // CJK compatibility forms
		{Lo: 0xff00, Hi: 0xff60, Stride: 1}, // full-width forms
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1}, // full-width signs
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, // pictographs, faces
		{Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1}, // transport
		{Lo: 0x1f900, Hi: 0x1faff, Stride: 1}, // more pictographs
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1}, // CJK extensions
	},
}
