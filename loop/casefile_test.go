package loop_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// An exchange is one case of a file under testdata/http: what a client sends,
// and what it has to get. testdata/http/README.md describes the notation.
type exchange struct {
	place  string // file:line
	name   string
	source string // the section that the rule comes from
	config string // the config that the server runs with, by its name in testdata/http
	turns  []turn
	end    ending
	only   string // the one mode that it is for; "" for all
	not    string // a mode that it is not for
}

// A turn is what is sent, and the answers that have to come before anything
// more is sent.
type turn struct {
	send    string
	answers []expected
}

// expected is what has to hold of one answer.
type expected struct {
	place  string
	status int
	wants  []expectation
	// lines of the head are read without the content that they announce
	head bool
}

// expectation is about one field of an answer, subject being its name in lower
// case, or about the body.
type expectation struct {
	place   string
	subject string
	op      string // "=", "~", "!~", "+", "-", "file", "length"
	text    string
	pattern *regexp.Regexp
}

// ending is what becomes of the connection.
type ending string

const (
	endOpen  ending = "open"  // the next request on it is answered
	endClose ending = "close" // the server ends it, without a reset
)

var formSource = regexp.MustCompile(`^(RFC \d{4}( §[0-9A-Z.]+)?|manual)(, .*)?$`)

// readExchanges reads all files of cases. expand replaces what stands in braces.
func readExchanges(t testing.TB) (all []exchange) {
	t.Helper()
	files, err := filepath.Glob("testdata/http/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r := caseReader{t: t, file: file, config: "main"}
		for i, line := range strings.Split(string(text), "\n") {
			r.line(i+1, line)
		}
		r.finish()
		all = append(all, r.all...)
	}
	return all
}

// caseReader reads one file, line by line.
type caseReader struct {
	t      testing.TB
	file   string
	config string
	all    []exchange
	now    *exchange
	place  string
}

func (r *caseReader) fail(format string, args ...any) {
	r.t.Helper()
	r.t.Fatalf("%s: %s", r.place, fmt.Sprintf(format, args...))
}

func (r *caseReader) line(number int, line string) {
	r.place = r.file + ":" + strconv.Itoa(number)
	switch {
	case line == "" || strings.HasPrefix(line, "#"):
	case strings.HasPrefix(line, "config "):
		r.finish()
		r.config = line[len("config "):]
	case strings.HasPrefix(line, "=== "):
		r.finish()
		r.now = &exchange{place: r.place, name: line[len("=== "):], config: r.config}
	case r.now == nil:
		r.fail("%q stands before the first ===", line)
	case strings.HasPrefix(line, "> "):
		r.send(line[2:])
	case strings.HasPrefix(line, "< "):
		r.expect(line[2:])
	case strings.HasPrefix(line, "only "):
		r.now.only = line[len("only "):]
	case strings.HasPrefix(line, "not "):
		r.now.not = line[len("not "):]
	case formSource.MatchString(line):
		r.now.source = line
	default:
		r.fail("%q is no line of a case", line)
	}
}

func (r *caseReader) send(line string) {
	turns := &r.now.turns
	if n := len(*turns); n == 0 || len((*turns)[n-1].answers) > 0 {
		*turns = append(*turns, turn{})
	}
	(*turns)[len(*turns)-1].send += line
}

func (r *caseReader) expect(line string) {
	if line == string(endOpen) || line == string(endClose) {
		r.now.end = ending(line)
		return
	}
	if len(r.now.turns) == 0 {
		r.fail("an answer is expected before anything was sent")
	}
	answers := &r.now.turns[len(r.now.turns)-1].answers
	if status, err := strconv.Atoi(line); err == nil {
		*answers = append(*answers, expected{place: r.place, status: status})
		return
	}
	if len(*answers) == 0 {
		r.fail("%q stands before the status", line)
	}
	last := &(*answers)[len(*answers)-1]
	last.wants = append(last.wants, r.want(line))
}

// The forms of an expectation.
var (
	formField = regexp.MustCompile(`^([A-Za-z-]+): (.*)$`)
	formMatch = regexp.MustCompile(`^([A-Za-z-]+) (~|!~) (.*)$`)
	formThere = regexp.MustCompile(`^([+-])([A-Za-z-]+)$`)
	formBody  = regexp.MustCompile(`^body (=|file|length) ?(.*)$`)
)

func (r *caseReader) want(line string) expectation {
	w := expectation{place: r.place}
	if m := formBody.FindStringSubmatch(line); m != nil {
		w.subject, w.op, w.text = "body", m[1], m[2]
	} else if m := formMatch.FindStringSubmatch(line); m != nil {
		w.subject, w.op, w.text = m[1], m[2], m[3]
		var err error
		if w.pattern, err = regexp.Compile("(?s)" + m[3]); err != nil {
			r.fail("%v", err)
		}
	} else if m := formThere.FindStringSubmatch(line); m != nil {
		w.op, w.subject = m[1], m[2]
	} else if m := formField.FindStringSubmatch(line); m != nil {
		w.subject, w.op, w.text = m[1], "=", m[2]
	} else {
		r.fail("%q is no expectation", line)
	}
	w.subject = strings.ToLower(w.subject)
	return w
}

// finish ends the case that is being read.
func (r *caseReader) finish() {
	c := r.now
	if c == nil {
		return
	}
	r.now = nil
	switch {
	case c.source == "":
		r.fail("the case %q before this does not say where its rule comes from", c.name)
	case len(c.turns) == 0 || len(c.turns[len(c.turns)-1].answers) == 0 && c.end != endClose:
		r.fail("the case %q before this expects no answer", c.name)
	case c.end == "":
		r.fail("the case %q before this does not say what becomes of the connection", c.name)
	}
	markHeads(c)
	r.all = append(r.all, *c)
}

var formRequestLine = regexp.MustCompile(`(?:^|\\r\\n)([A-Za-z]+) [^ ]+ HTTP/1\.[0-9]\\r\\n`)

// markHeads finds which answers are to HEAD: the content of those is not sent.
// The n-th final answer is the one to the n-th request line.
func markHeads(c *exchange) {
	var methods []string
	for _, t := range c.turns {
		for _, m := range formRequestLine.FindAllStringSubmatch(t.send, -1) {
			methods = append(methods, m[1])
		}
	}
	if !slices.Contains(methods, "HEAD") {
		return
	}
	n := 0
	for i := range c.turns {
		for j := range c.turns[i].answers {
			a := &c.turns[i].answers[j]
			if n < len(methods) {
				a.head = methods[n] == "HEAD"
			}
			if a.status >= 200 {
				n++
			}
		}
	}
}

// unescape gives the bytes that text stands for.
func unescape(text string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		rest := text[i+1:]
		switch {
		case rest == "":
			return "", fmt.Errorf("%q ends in a backslash", text)
		case rest[0] == 'r':
			b.WriteByte('\r')
		case rest[0] == 'n':
			b.WriteByte('\n')
		case rest[0] == 't':
			b.WriteByte('\t')
		case rest[0] == '\\', rest[0] == '"':
			b.WriteByte(rest[0])
		case rest[0] == 'x' && len(rest) >= 3:
			v, err := strconv.ParseUint(rest[1:3], 16, 8)
			if err != nil {
				return "", fmt.Errorf("%q has a bad \\x", text)
			}
			b.WriteByte(byte(v))
			i += 2
		case rest[0] == '(':
			repeated, length, err := repetition(rest)
			if err != nil {
				return "", err
			}
			b.WriteString(repeated)
			i += length - 1
		default:
			return "", fmt.Errorf("%q has an unknown escape \\%c", text, rest[0])
		}
		i++
	}
	return b.String(), nil
}

var formRepetition = regexp.MustCompile(`^\((.*?)\*(\d+)\)`)

// repetition reads (text*n), n times text.
func repetition(rest string) (string, int, error) {
	m := formRepetition.FindStringSubmatch(rest)
	if m == nil {
		return "", 0, fmt.Errorf("\\%s is not \\(text*n)", rest)
	}
	n, err := strconv.Atoi(m[2])
	if err != nil {
		return "", 0, err
	}
	text, err := unescape(m[1])
	return strings.Repeat(text, n), len(m[0]), err
}
