package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// finders know a mistake of syntax better than the library: each looks for one
// kind of it at and before byte stop, where the reader gave up with problem. The
// first that gives a text holds.
var finders = []func(src *source, problem string, stop int) (at Pos, text string){
	findDirective, findOddSpace, findOpenQuote, findShortBlock, findLateQuote, findInBrackets, findContinued, findWordStart,
}

// findDirective finds a "%YAML" before the document, which the reader takes for
// the version 1.1 alone, or for a word where no "---" follows it.
func findDirective(src *source, problem string, _ int) (Pos, string) {
	for i, line := range src.lines {
		if blankOrComment(line) {
			continue
		}
		if !strings.HasPrefix(line, "%") {
			break
		}
		next := slices.IndexFunc(src.lines[i+1:], func(l string) bool { return !blankOrComment(l) })
		if strings.Contains(problem, "incompatible") || strings.Contains(problem, "directive") || next < 0 || !strings.HasPrefix(src.lines[i+1+next], "---") {
			return Pos{i + 1, 1}, "a line that begins with % is a directive of YAML, and a config needs none; remove the line"
		}
	}
	return Pos{}, ""
}

func blankOrComment(line string) bool {
	text := strings.TrimSpace(line)
	return text == "" || text[0] == '#'
}

// findOddSpace finds a space that is none to YAML, where one belongs: before or
// behind a dash, or behind a colon. An editor or a word processor put
// it there, and nobody can see it.
func findOddSpace(src *source, _ string, stop int) (Pos, string) {
	line, _ := src.lastWord(stop)
	for _, n := range []int{src.lineBefore(line), line} {
		column, before := 0, ' '
		for _, r := range src.line(n) {
			column++
			if r != ' ' && unicode.Is(unicode.Zs, r) && strings.ContainsRune(" -:", before) {
				name := ""
				if r == '\u00a0' {
					name = "no-break space "
				}
				return Pos{n, column}, fmt.Sprintf("this is the %sU+%04X, which YAML takes for a letter; type a space instead", name, r)
			}
			if before = r; unicode.Is(unicode.Zs, r) {
				before = ' '
			}
		}
	}
	return Pos{}, ""
}

// lineBefore is the last line before another that says something, 0 for none.
func (s *source) lineBefore(line int) int {
	for line--; line > 0 && blankOrComment(s.line(line)); line-- {
	}
	return line
}

func findOpenQuote(src *source, problem string, stop int) (Pos, string) {
	if !strings.Contains(problem, "unexpected end of stream") && !strings.Contains(problem, "unexpected document indicator") {
		return Pos{}, ""
	}
	const text = "this quote is never closed"
	if s := scan(src.text[:stop]); s.quote >= 0 {
		return src.position(s.quote), text
	}
	line, column := src.firstWord(libraryLine(problem))
	return Pos{line, column}, text
}

// findShortBlock finds a line that ends a block of text because it is indented
// less than the first line of that, and is no key either.
func findShortBlock(src *source, _ string, stop int) (Pos, string) {
	s := scan(src.text[:stop])
	if s.short < 0 {
		return Pos{}, ""
	}
	line, column := src.firstWord(src.position(s.short).Line)
	if last, _ := src.lastWord(stop); line < src.lineBefore(last) {
		return Pos{}, ""
	}
	return Pos{line, column}, "the text above has ended here, since this line is indented less than its first one; give all its lines the indentation of the first, or more"
}

// findLateQuote finds a quote that is closed by the next one of another text.
func findLateQuote(src *source, _ string, stop int) (Pos, string) {
	s := scan(src.text[:stop])
	if s.long[1] == 0 {
		return Pos{}, ""
	}
	end := src.position(s.long[1]).Line
	if last, _ := src.lastWord(stop); end != last {
		return Pos{}, ""
	}
	return src.position(s.long[0]), fmt.Sprintf("this quote is closed on line %d only; is one missing before that?", end)
}

// findInBrackets finds what is missing inside of { } and [ ].
func findInBrackets(src *source, problem string, stop int) (Pos, string) {
	if !strings.Contains(problem, "expected ',' or") {
		return Pos{}, ""
	}
	s := scan(src.text[:stop])
	if s.wrong != "" {
		return src.position(s.wrongAt), s.wrong
	}
	line, _ := src.lastWord(stop)
	before := src.offset(line) // of what is open in its own line, all of the line is to be seen
	if len(bytes.TrimSpace(src.text[stop:])) == 0 {
		before = stop
	}
	for _, b := range slices.Backward(s.open) {
		if b.at < before {
			return src.position(b.at), fmt.Sprintf("this %c is never closed, or a comma is missing behind it", src.text[b.at])
		}
	}
	return Pos{}, ""
}

// findContinued finds a key that YAML takes for the rest of the text in the line
// before: it is indented more, or the key there lacks the space after its colon.
func findContinued(src *source, problem string, stop int) (Pos, string) {
	if !strings.Contains(problem, "mapping values are not allowed") {
		return Pos{}, ""
	}
	line, column := src.lastOf(stop, ":", 0, 0)
	key := src.line(line)
	before := src.lineBefore(line)
	if column == 0 || before == 0 || strings.Contains(firstRunes(key, column-1), ": ") {
		return Pos{}, ""
	}
	above := src.line(before)
	start := len(above) - len(strings.TrimLeft(above, " -"))
	switch colon := strings.Index(above, ": "); {
	case colon >= 0 && len(key)-len(strings.TrimLeft(key, " ")) > start:
		_, column = src.firstWord(line)
		return Pos{line, column}, "this line goes on with the text of the line before, since it is indented more; give it the indentation of the keys beside it"
	case colon < 0 && strings.Contains(above[start:], ":"):
		return Pos{before, utf8.RuneCountInString(above[:start]) + 1}, noColon
	}
	return Pos{}, ""
}

func firstRunes(s string, n int) string { return string([]rune(s)[:n]) }

// findWordStart finds the character that no word can begin with. The reader
// looks a little further, so it is the last one that stands where a word begins.
func findWordStart(src *source, problem string, stop int) (Pos, string) {
	if !strings.Contains(problem, "cannot start any token") {
		return Pos{}, ""
	}
	last, _ := src.lastWord(stop)
	for i := stop - 1; i >= 0; i-- {
		if strings.IndexByte("@`%|>\t", src.text[i]) < 0 {
			continue
		}
		before := bytes.TrimRight(src.text[:i], " \t")
		if n := len(before); n > 0 && strings.IndexByte("\r\n-:,[{?", before[n-1]) < 0 {
			continue
		}
		at := src.position(i)
		if at.Line < last-1 {
			break
		}
		if src.text[i] != '\t' {
			return at, wordRemedy
		}
		first := src.position(len(bytes.TrimRight(src.text[:i+1], "\t")))
		if at := src.tabIndent(first.Line); at.Line > 0 {
			return at, tabRemedy
		}
		return first, "a tab where YAML takes spaces only: behind this dash it would be indentation"
	}
	return Pos{}, ""
}

// tabIndent finds the first tab in the indentation of a line; none inside of
// brackets, where YAML allows it.
func (s *source) tabIndent(line int) Pos {
	whole := s.line(line)
	indent := whole[:len(whole)-len(strings.TrimLeft(whole, " \t"))]
	tab := strings.IndexByte(indent, '\t')
	if tab < 0 || len(scan(s.text[:s.offset(line)]).open) > 0 {
		return Pos{}
	}
	return Pos{line, tab + 1}
}

// offset is the byte where a line begins.
func (s *source) offset(line int) (at int) {
	for _, l := range s.lines[:min(line-1, len(s.lines))] {
		at += len(l)
		if bytes.HasPrefix(s.text[at:], []byte("\r\n")) {
			at++
		}
		_, size := utf8.DecodeRune(s.text[at:])
		at += size
	}
	return at
}
