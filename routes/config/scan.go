package config

import (
	"bytes"
	"fmt"
	"strings"
)

// scanner reads a text nearly as YAML does, to say where something is missing
// that the library misses only later: a quote, a bracket, a comma, indentation.
// It is for texts that the library has refused and never decides anything; what
// it takes for a word where YAML goes on with the text of the line before it may
// be wrong about.
type scanner struct {
	text  []byte
	at    int       // the byte to look at next
	open  []bracket // in the order of the text
	quote int       // the quote that the text ends in, -1 for none
	long  [2]int    // the quotes of the last quoted text that has a line break
	short int       // the line that cut a block of text short, -1 for none

	wrong   string // what is wrong inside of brackets, "" for nothing found
	wrongAt int
}

// bracket is a { or [ that is open, with the word read last inside of it.
type bracket struct {
	at         int
	colon      bool // the entry has its key
	begin, end int  // of the word; end is 0 where none is before the next comma
	plain      bool // the word has neither quotes nor brackets
}

// scan reads text to its end, or to what is wrong inside of brackets.
func scan(text []byte) *scanner {
	s := &scanner{text: text, quote: -1, short: -1}
	for s.at < len(text) && s.quote < 0 && s.wrong == "" {
		s.token()
	}
	return s
}

func (s *scanner) token() {
	c, flow := s.text[s.at], len(s.open) > 0
	switch {
	case isWhite(c):
		s.at++
	case c == '#' && (s.at == 0 || isWhite(s.text[s.at-1])):
		s.at = s.lineEnd(s.at)
	case c == '"' || c == '\'':
		s.quoted(c)
	case c == '{' || c == '[':
		s.enter()
	case flow && (c == '}' || c == ']'):
		s.leave(c)
	case flow && c == ',':
		s.open[len(s.open)-1] = bracket{at: s.open[len(s.open)-1].at}
		s.at++
	case s.isColon(s.at):
		s.colon()
	case !flow && (c == '|' || c == '>'):
		s.block()
	case c == '&' || c == '!' || !flow && c == '-' && s.isWhiteAt(s.at+1):
		for s.at++; !s.isWhiteAt(s.at); s.at++ {
		}
	default:
		s.plain(flow)
	}
}

// isColon says that a colon ends a key, and is no part of a word: behind a quote
// inside of brackets no space needs to follow it.
func (s *scanner) isColon(i int) bool {
	if s.text[i] != ':' {
		return false
	}
	if s.isWhiteAt(i + 1) {
		return true
	}
	if len(s.open) == 0 {
		return false
	}
	b := s.open[len(s.open)-1]
	return strings.IndexByte("[]{},", s.text[i+1]) >= 0 || b.end == i && !b.plain
}

// colon ends a key. The second one of an entry is that of the next, which has no
// comma before it.
func (s *scanner) colon() {
	if len(s.open) > 0 {
		b := &s.open[len(s.open)-1]
		if b.colon && b.end > 0 {
			s.second(b)
			return
		}
		b.colon, b.end = true, 0
	}
	s.at++
}

// second says where the entry before a second key ends: at a line break, or at
// the last space.
func (s *scanner) second(b *bracket) {
	word := s.text[b.begin:b.end]
	cut := bytes.LastIndexAny(word, "\r\n")
	if cut < 0 {
		cut = bytes.LastIndexAny(word, " \t")
	}
	if cut < 0 || !b.plain {
		s.fail(s.at, `this colon comes where no key ends; put a text with ": " in it into quotes`)
		return
	}
	end := b.begin + len(bytes.TrimRight(word[:cut], " \t\r\n"))
	s.missing(end, b.begin+cut+1)
}

// word takes a whole word or bracket that ends before end.
func (s *scanner) word(begin, end int, plain bool) {
	s.at = end
	if len(s.open) == 0 {
		return
	}
	b := &s.open[len(s.open)-1]
	if b.end > 0 {
		s.missing(b.end, begin)
		return
	}
	b.begin, b.end, b.plain = begin, end, plain
}

// missing says what is to stand between a word and the next one.
func (s *scanner) missing(end, next int) {
	b := s.open[len(s.open)-1]
	broken := bytes.ContainsAny(s.text[end:next], "\r\n")
	switch {
	case end == next:
		s.fail(b.begin, "inside of { } or [ ] a pattern or text with braces or brackets needs quotes")
	case broken && s.indent(next) <= s.indent(b.at):
		s.fail(b.at, fmt.Sprintf("this %c is never closed", s.text[b.at]))
	case broken:
		s.fail(end, "a comma is missing here")
	default:
		s.fail(end, `a comma is missing here, or a text with ": " in it needs quotes`)
	}
}

func (s *scanner) fail(at int, text string) { s.wrongAt, s.wrong = at, text }

func (s *scanner) enter() {
	if n := len(s.open); n > 0 && s.open[n-1].end > 0 {
		s.missing(s.open[n-1].end, s.at)
		return
	}
	s.open = append(s.open, bracket{at: s.at})
	s.at++
}

func (s *scanner) leave(c byte) {
	last := len(s.open) - 1
	b := s.open[last]
	if s.text[b.at] != c-2 { // as ASCII has them
		s.fail(b.at, fmt.Sprintf("this %c is not closed before the %c on line %d", s.text[b.at], c, 1+bytes.Count(s.text[:s.at], []byte("\n"))))
		return
	}
	s.open = s.open[:last]
	s.word(b.at, s.at+1, false)
}

func (s *scanner) quoted(q byte) {
	for i := s.at + 1; i < len(s.text); i++ {
		switch {
		case q == '"' && s.text[i] == '\\':
			i++
		case s.text[i] != q:
		case q == '\'' && i+1 < len(s.text) && s.text[i+1] == q:
			i++ // two of them are one that does not close
		default:
			if bytes.IndexByte(s.text[s.at:i], '\n') >= 0 {
				s.long = [2]int{s.at, i}
			}
			s.word(s.at, i+1, false)
			return
		}
	}
	s.quote = s.at
}

// plain takes a word without quotes, which ends with its line where no bracket
// is open.
func (s *scanner) plain(flow bool) {
	i := s.at + 1
	for ; i < len(s.text) && !s.isColon(i); i++ {
		c := s.text[i]
		if flow && c == '?' { // to the library, that is
			s.fail(s.at, "inside of { } or [ ] a text with a question mark needs quotes")
			return
		}
		if !flow && c == '\n' || flow && strings.IndexByte("[]{},", c) >= 0 || c == '#' && isWhite(s.text[i-1]) {
			break
		}
	}
	begin := s.at
	s.word(begin, begin+len(bytes.TrimRight(s.text[begin:i], " \t\r\n")), true)
}

// block takes a block of text (| or >): the lines that are indented more than
// the key that it belongs to.
func (s *scanner) block() {
	key := s.keyIndent()
	header := s.text[s.at:s.lineEnd(s.at)]
	first := -1
	if bytes.ContainsAny(header, "123456789") {
		first = key + 1 // how far is written there
	}
	for s.at = s.lineEnd(s.at); s.at < len(s.text); s.at = s.lineEnd(s.at + 1) {
		line := s.text[s.at+1 : s.lineEnd(s.at+1)]
		n := len(line) - len(bytes.TrimLeft(line, " "))
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if n <= key {
			return
		}
		if n < first {
			s.short = s.at + 1
			return
		}
		if first < 0 {
			first = n
		}
	}
}

// keyIndent is how far the key of this line is indented, or, where it has none,
// its last dash.
func (s *scanner) keyIndent() int {
	begin := bytes.LastIndexByte(s.text[:s.at], '\n') + 1
	rest := s.text[begin:s.at]
	key := 0
	for i, c := range rest {
		if c != ' ' && c != '-' || c == '-' && !s.isWhiteAt(begin+i+1) {
			return i
		}
		if c == '-' {
			key = i
		}
	}
	return key
}

// indent is how far the line with byte i is indented.
func (s *scanner) indent(i int) int {
	line := s.text[bytes.LastIndexByte(s.text[:i], '\n')+1:]
	return len(line) - len(bytes.TrimLeft(line, " \t"))
}

// lineEnd is where the line with byte i ends.
func (s *scanner) lineEnd(i int) int {
	if i >= len(s.text) {
		return len(s.text)
	}
	if n := bytes.IndexByte(s.text[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(s.text)
}

func (s *scanner) isWhiteAt(i int) bool { return i >= len(s.text) || isWhite(s.text[i]) }

func isWhite(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
