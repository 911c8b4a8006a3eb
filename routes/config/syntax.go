package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// bom is the byte order mark that some editors put before UTF-8.
var bom = []byte("\xef\xbb\xbf")

// readNodes turns text into the node of its one document, or says what is
// wrong with the characters or the syntax. There can be only one such mistake:
// after it, nothing is certain.
func readNodes(src *source) (*yaml.Node, *Mistake) {
	if m := checkCharacters(src); m != nil {
		return nil, m
	}
	var first, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(src.text))
	err := decodeNode(dec, &first)
	if errors.Is(err, io.EOF) {
		return nil, src.mistake(Pos{}, "the file is empty; a config begins with \"listeners:\"")
	}
	if err != nil {
		return nil, explainSyntax(src, err)
	}
	switch err := decodeNode(dec, &second); {
	case err == nil:
		pos := Pos{second.Line, second.Column}
		if len(second.Content) > 0 {
			pos = Pos{second.Content[0].Line, second.Content[0].Column}
		}
		return nil, src.mistake(pos, "a second document begins here; a config is one document, so remove the \"---\" between them")
	case !errors.Is(err, io.EOF):
		return nil, explainSyntax(src, err)
	}
	return first.Content[0], nil
}

// decodeNode contains a panic of the YAML library, which has them as internal
// assertions: a config under edit must never take a running server down.
func decodeNode(dec *yaml.Decoder, into *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the YAML reader cannot make sense of this text: %v", p)
		}
	}()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if len(into.Content) == 0 {
		return io.EOF
	}
	return nil
}

func (s *source) mistake(pos Pos, text string) *Mistake {
	return &Mistake{Path: s.path, Line: pos.Line, Column: pos.Column, Text: text, Source: s.line(pos.Line)}
}

// checkCharacters refuses what is not UTF-8 and what YAML allows in no text
// (YAML 1.2.2 §5.1). The library would say neither line nor remedy.
func checkCharacters(src *source) *Mistake {
	text := src.text
	if bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) {
		return src.mistake(Pos{}, "the file is in UTF-16; save it as UTF-8")
	}
	// Every other byte of ASCII, without a mark.
	if len(text) > 3 && (text[0] == 0) != (text[1] == 0) && (text[0] == 0) == (text[2] == 0) && (text[1] == 0) == (text[3] == 0) {
		return src.mistake(Pos{}, "the file is in UTF-16; save it as UTF-8")
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return src.mistake(src.position(i),
				fmt.Sprintf("byte 0x%02X is not UTF-8; save the file as UTF-8", text[i]))
		case !yamlCharacter(r):
			return src.mistake(src.position(i),
				fmt.Sprintf("the character U+%04X may not stand in a YAML file; inside double quotes it can be written as an escape", r))
		}
		i += size
	}
	return nil
}

func yamlCharacter(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r', r == 0x85:
		return true
	case r < 0x20, r >= 0x7f && r < 0xa0, r == 0xfeff, r == 0xfffe, r == 0xffff:
		return false
	}
	return true
}

// syntaxRemedies explains the library's words, which speak of its own insides.
// The first that matches holds; at finds the column at or before where the
// reader stopped.
var syntaxRemedies = []struct {
	problem string
	at      string // the mistake is at the last of these characters
	text    string
}{
	{"mapping values are not allowed", ":", "this colon comes where no key ends; put a text with \": \" in it into quotes, and a space after the colon of the key before"},
	{"did not find expected alphabetic or numeric character", "*&", "a word that begins with * or & means an alias or an anchor in YAML; put it into quotes"},
	{"unknown anchor", "", ""},
	{"cannot start any token", "", wordRemedy},
	{"expected ',' or ']'", "", "a list in [ ] is not closed, or a comma is missing"},
	{"expected ',' or '}'", "", "a mapping in { } is not closed, or a comma is missing; within { } a pattern or text with braces needs quotes"},
	{"expected node content", "", "a value is missing here, or it begins with a character that needs quotes"},
	{"could not find expected ':'", "", noColon},
	{"did not find expected key", "", "this line fits into no mapping; is its indentation that of the lines above, and is a quote closed where it should be?"},
	{"expected '-' indicator", "", "this line fits into no list; an entry begins with \"- \", and what belongs to it is indented like its first key"},
	{"block sequence entries are not allowed", "-", "a list cannot begin here; put \"- \" on a line of its own"},
	{"mapping keys are not allowed", "?", "a \"? \" cannot stand here; put the word into quotes"},
	{"unknown escape character", "\\", "this is no escape of YAML; write \\\\ for a backslash, or use single quotes"},
	{"hexdecimal number", "\\", "the escape needs hexadecimal digits"},
	{"Unicode character escape", "\\", "the escape names no character of Unicode"},
	{"found a tab character", "\t", tabRemedy},
	{"exceeded max depth", "", "the values are nested too deeply"},
	{"expected <document start>", "", "text after the end of the document"},
	{"undefined tag handle", "!", "this tag is not defined; a word that begins with \"!\" needs quotes"},
	{"directive", "%", "a line that begins with \"%\" is a directive of YAML; put the word into quotes"},
}

const (
	noColon    = "a key needs \": \" after it; is the colon or the space after it missing?"
	tabRemedy  = "a tab in the indentation; YAML takes spaces only"
	wordRemedy = "a word cannot begin with this character; put it into quotes"
)

var unknownAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)

// explainSyntax turns an error of the library into a mistake. Its line numbers
// are often those of where an enclosing value began, so the text is read again
// byte by byte to see how far the reader came.
func explainSyntax(src *source, err error) *Mistake {
	problem := strings.TrimPrefix(err.Error(), "yaml: ")
	stop := reach(src.text)
	for _, find := range finders {
		if at, text := find(src, problem, stop); text != "" {
			return src.mistake(at, text)
		}
	}
	line, column := src.lastWord(stop)
	text := "this is not YAML: " + regexp.MustCompile(`^line \d+: `).ReplaceAllString(problem, "")
	for _, r := range syntaxRemedies {
		if !strings.Contains(problem, r.problem) {
			continue
		}
		if r.text != "" {
			text = r.text
		}
		if r.at != "" {
			line, column = src.lastOf(stop, r.at, line, column)
		}
		break
	}
	if text == noColon { // the key is in the library's line
		line, column = src.firstWord(libraryLine(problem))
	}
	if m := unknownAnchor.FindStringSubmatch(problem); m != nil {
		line, column = src.lastOf(stop, "*", line, column)
		text = fmt.Sprintf("*%s is an alias in YAML, and there is no &%s before it; put a word that begins with * into quotes", m[1], m[1])
	}
	if at := src.tabIndent(line); at.Line > 0 {
		return src.mistake(at, tabRemedy)
	}
	return src.mistake(Pos{line, column}, text)
}

// reach is how many bytes the reader takes before it gives up: a few more than
// the place of the mistake.
func reach(text []byte) int {
	r := &oneByOne{text: text}
	dec := yaml.NewDecoder(r)
	var n yaml.Node
	for decodeNode(dec, &n) == nil {
		n = yaml.Node{}
	}
	return r.n
}

// oneByOne hands out one byte a call, so that n says how far its reader came.
type oneByOne struct {
	text []byte
	n    int
}

func (r *oneByOne) Read(p []byte) (int, error) {
	if r.n == len(r.text) {
		return 0, io.EOF
	}
	p[0] = r.text[r.n]
	r.n++
	return 1, nil
}

// lastWord finds the line that byte stop is on, or the last one before it that
// is not empty, and the column of its first word.
func (s *source) lastWord(stop int) (line, column int) {
	text := bytes.TrimRight(s.text[:stop], " \t\r\n")
	if len(text) == 0 {
		return 1, 1
	}
	return s.firstWord(s.position(len(text) - 1).Line)
}

// firstWord finds the column of the first word in a line.
func (s *source) firstWord(line int) (_, column int) {
	whole := s.line(line)
	return line, len(whole) - len(strings.TrimLeft(whole, " ")) + 1
}

// lastOf finds the last of some characters in front of byte stop, at most one
// line back; line and column where there is none.
func (s *source) lastOf(stop int, chars string, line, column int) (int, int) {
	i := bytes.LastIndexAny(s.text[:stop], chars)
	if i < 0 {
		return line, column
	}
	pos := s.position(i)
	if pos.Line < line-1 {
		return line, column
	}
	return pos.Line, pos.Column
}

// libraryLine is the line that the library names. For a mistake that it finds
// while it scans a word or a quote, that is where these began.
func libraryLine(problem string) int {
	line := 1 // it names none for the first
	if m := yamlLine.FindStringSubmatch(problem); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	return line
}

var yamlLine = regexp.MustCompile(`line (\d+)`)
