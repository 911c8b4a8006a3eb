package config

import "strings"

// openBracket finds the { or [ that was still open when the reader gave up, if
// it stands in a line before that: then it is what a person has to look at, and
// not the line that was the first to make no sense. It reads quotes and comments
// nearly as YAML does, which is enough to point: a bracket inside a block of text
// (| or >) may be taken for a real one.
func (s *source) openBracket(stop, line int) (at Pos, bracket rune) {
	var open []int      // offsets
	var quote, was rune // the quote that is open, or was closed just now
	before := '\n'
	for i, r := range string(s.text[:stop]) {
		begins := strings.ContainsRune(" \t\r\n[{,", before)
		again := was == '\'' && r == was // two of them are one that does not close
		was = 0
		switch {
		case quote == '#' && r != '\n', quote == '\'' && r != quote, quote == '"' && (r != quote || before == '\\'):
		case quote != 0:
			quote, was = 0, quote
		case again, r == '#' && begins, (r == '"' || r == '\'') && begins:
			quote = r
		case (r == '{' || r == '[') && (begins || len(open) > 0):
			open = append(open, i)
		case (r == '}' || r == ']') && len(open) > 0:
			open = open[:len(open)-1]
		}
		before = r
	}
	for i := len(open) - 1; i >= 0; i-- {
		if at = s.position(open[i]); at.Line < line {
			return at, rune(s.text[open[i]])
		}
	}
	return Pos{}, 0
}
