package http1

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"monopoll/routes"
)

// lim are the limits of most tests: those a config has by default.
var lim = &Limits{Head: 16 << 10}

// outcome says what Parse makes of in, in lines that compare. Only what was
// sent stands there.
func outcome(n int, refused *Refusal, req *routes.Request, msg *Message) string {
	if refused != nil {
		return fmt.Sprintf("refused %d %s\n", refused.Status, refused.Reason)
	}
	if n == 0 {
		return "incomplete\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "method %s\n", req.MethodToken)
	fmt.Fprintf(&b, "known %s\n", req.Method)
	fmt.Fprintf(&b, "minor %d\n", msg.Minor)
	fmt.Fprintf(&b, "keep-alive %t\n", msg.KeepAlive)
	fmt.Fprintf(&b, "length %d\n", msg.ContentLength)
	fmt.Fprintf(&b, "chunked %t\n", msg.Chunked)
	fmt.Fprintf(&b, "body %t\n", msg.HasBody)
	fmt.Fprintf(&b, "expect %t\n", msg.Expect100)
	fmt.Fprintf(&b, "asterisk %t\n", req.Asterisk)
	fmt.Fprintf(&b, "taken %d\n", n)
	fmt.Fprintf(&b, "head %q\n", req.Head)
	fmt.Fprintf(&b, "repeated %d\n", req.Repeated)
	fields := map[string][]byte{
		"target": req.Target, "host": req.Host, "path": req.Path, "query": req.Query,
		"if-match": req.IfMatch, "if-none-match": req.IfNoneMatch,
		"if-modified-since": req.IfModifiedSince, "if-unmodified-since": req.IfUnmodifiedSince,
		"if-range": req.IfRange, "range": req.Range, "accept": req.Accept,
		"accept-encoding": req.AcceptEncoding, "referer": req.Referer, "user-agent": req.UserAgent,
	}
	var names []string
	for name, value := range fields {
		if value != nil {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s %q\n", name, fields[name])
	}
	return b.String()
}

// parseWhole parses in as if it had come in one piece.
func parseWhole(in string) string {
	var mark Mark
	var req routes.Request
	var msg Message
	n, refused := Parse([]byte(in), &mark, lim, &req, &msg)
	return outcome(n, refused, &req, &msg)
}

// parsePieces parses in as it comes in pieces that end at the places. Between
// two pieces the bytes move and the structs are used for somebody else, as in a
// loop with many connections.
func parsePieces(in string, ends []int) (got string, at int) {
	var mark Mark
	var req routes.Request
	var msg Message
	for _, end := range ends {
		n, refused := Parse([]byte(in[:end]), &mark, lim, &req, &msg)
		if n != 0 || refused != nil {
			return outcome(n, refused, &req, &msg), end
		}
		other := Mark{}
		Parse([]byte("PUT /other HTTP/1.0\r\nHost: other\r\nRange: x\r\nContent-Length: 7\r\n\r\n"), &other, lim, &req, &msg)
	}
	return "incomplete\n", len(in)
}

// check compares what came out with the lines of a case: a line "key" alone
// wants the key absent, "key value" wants the value, quoted or not.
func (c textCase) check(t *testing.T, got string) {
	t.Helper()
	have := map[string]string{}
	for _, line := range strings.Split(strings.TrimSuffix(got, "\n"), "\n") {
		key, value, _ := strings.Cut(line, " ")
		have[key] = value
	}
	for _, want := range c.out {
		key, value, valued := strings.Cut(want, " ")
		is, present := have[key]
		switch {
		case want == "incomplete" || want == "ok":
			if present != (want == "incomplete") || have["refused"] != "" {
				t.Errorf("%s: %s:\nwant %s, got\n%s", c.place, c.name, want, got)
			}
		case key == "refused":
			if is != value {
				t.Errorf("%s: %s:\nwant %s\ngot  %s", c.place, c.name, want, got)
			}
		case !valued && present, valued && !present, valued && is != value && is != fmt.Sprintf("%q", value):
			t.Errorf("%s: %s:\nwant %s, got\n%s", c.place, c.name, want, got)
		}
	}
}

func (c textCase) refused() bool { return strings.HasPrefix(c.out[0], "refused ") }

// Each case in one piece.
func TestParse(t *testing.T) {
	for _, c := range readCases(t, "parse") {
		c.check(t, parseWhole(c.in))
	}
}

// Each case one byte at a time: the outcome is the same, and whatever is
// accepted was incomplete at every byte before the last.
func TestParseByteByByte(t *testing.T) {
	for _, c := range readCases(t, "parse") {
		ends := make([]int, len(c.in))
		for i := range ends {
			ends[i] = i + 1
		}
		got, at := parsePieces(c.in, ends)
		whole := parseWhole(c.in)
		if got != whole {
			t.Errorf("%s: %s: byte by byte\n%s, in one piece\n%s", c.place, c.name, got, whole)
		}
		if !c.refused() && c.out[0] != "incomplete" && !strings.Contains(got, fmt.Sprintf("taken %d\n", at)) {
			t.Errorf("%s: %s: complete after %d bytes:\n%s", c.place, c.name, at, got)
		}
	}
}

// Every prefix of a valid request is incomplete, in one piece, too.
func TestParsePrefixes(t *testing.T) {
	for _, c := range readCases(t, "parse") {
		if c.refused() || len(c.in) > 2000 {
			continue
		}
		for end := range len(c.in) {
			got := parseWhole(c.in[:end])
			if got == "incomplete\n" {
				continue
			}
			if got == parseWhole(c.in) && strings.Contains(got, "taken ") {
				break // complete: what follows is the next request
			}
			t.Fatalf("%s: %s: the first %d bytes give\n%s", c.place, c.name, end, got)
		}
	}
}

// Every split in two gives the same answer.
func TestParseSplits(t *testing.T) {
	for _, c := range readCases(t, "parse") {
		if len(c.in) > 2000 {
			continue
		}
		whole := parseWhole(c.in)
		for at := 1; at < len(c.in); at++ {
			if got, _ := parsePieces(c.in, []int{at, len(c.in)}); got != whole {
				t.Fatalf("%s: %s: split at %d\n%s, in one piece\n%s", c.place, c.name, at, got, whole)
			}
		}
	}
}

// What proves a request wrong is not waited beyond.
func TestParseRefusesEarly(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"\x16", "a TLS handshake on a port that speaks plain HTTP"},
		{"\n", "a line ends in a bare LF"},
		{" ", "the method is not a token"},
		{"GET / h", "the version is malformed"},
		{"GET / HTTP/2.0\r\n", "the major version is not 1"},
		{"GET /\r", "the request line has no version (HTTP/0.9)"},
		{"GET /#", "the target has a fragment"},
		{"GET / HTTP/1.1\r\n ", "a field line begins with whitespace"},
		{"GET / HTTP/1.1\r\nHost ", "whitespace stands between a field name and its colon"},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: \x00", "a field value has a control byte"},
		{"GET / HTTP/1.1\r\nHost: a\n", "a line ends in a bare LF"},
		{"CONNECT a:1 HTTP/1.1\r\n", "CONNECT is not implemented: this is no proxy"},
	} {
		whole := parseWhole(c.in)
		if !strings.Contains(whole, c.want) {
			t.Errorf("%q: want %q, got %s", c.in, c.want, whole)
		}
		if before := parseWhole(c.in[:len(c.in)-1]); before != "incomplete\n" {
			t.Errorf("%q: refused too early: %s", c.in, before)
		}
	}
}

// The method is known even where what follows it is refused: the answer to
// HEAD has no content.
func TestParseMethodOfRefused(t *testing.T) {
	in := "HEAD / HTTP/1.1\r\nHost: a\r\n\x00"
	for _, ends := range [][]int{{len(in)}, {20, len(in)}} {
		var mark Mark
		var req routes.Request
		var msg Message
		for _, end := range ends {
			_, refused := Parse([]byte(in[:end]), &mark, lim, &req, &msg)
			if end < len(in) && refused == nil {
				req = routes.Request{}
				continue
			}
			if refused == nil || req.Method != routes.MethodHead {
				t.Errorf("%v: refused %v, method %v", ends, refused, req.Method)
			}
		}
	}
}

// Now belongs to the caller.
func TestParseKeepsNow(t *testing.T) {
	var mark Mark
	var msg Message
	req := routes.Request{Now: 42}
	if n, _ := Parse([]byte("GET / HTTP/1.0\r\n\r\n"), &mark, lim, &req, &msg); n == 0 || req.Now != 42 {
		t.Errorf("n %d, now %d", n, req.Now)
	}
}

func TestBlank(t *testing.T) {
	for in, want := range map[string]bool{
		"": true, "\r": true, "\r\n": true, "\r\n\r": true, "\r\n\r\n": true,
		"G": false, "\r\nG": false, "\rG": false, "\n": false,
	} {
		if Blank([]byte(in)) != want {
			t.Errorf("Blank(%q) is not %t", in, want)
		}
	}
}

// A head that comes byte by byte is not read again from its beginning for each
// byte: the work for a byte depends on its line.
func TestParseMarkAdvances(t *testing.T) {
	in := []byte("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nAcc")
	var mark Mark
	var req routes.Request
	var msg Message
	if n, refused := Parse(in, &mark, lim, &req, &msg); n != 0 || refused != nil {
		t.Fatal(n, refused)
	}
	if want := uint32(len(in) - len("Acc")); mark.line != want || mark.fields != 2 {
		t.Errorf("mark %+v, want line %d, fields 2", mark, want)
	}
}

// Empty lines that a caller takes away count like those that Parse skips.
func TestMarkSkip(t *testing.T) {
	var mark Mark
	var req routes.Request
	var msg Message
	for i := range MaxEmptyLines {
		if n := mark.Skip([]byte("\r\n\r")); n != 2 {
			t.Fatalf("empty line %d: %d bytes skipped", i, n)
		}
	}
	if n := mark.Skip([]byte("\r\n")); n != 0 {
		t.Error("one empty line too many is skipped")
	}
	n, refused := Parse([]byte("\r\n"), &mark, lim, &req, &msg)
	if n != 0 || refused != refuseEmptyLines {
		t.Error(n, refused)
	}
	mark = Mark{}
	mark.Skip([]byte("\r\n"))
	in := []byte("GET / HTTP/1.0\r\n\r\n")
	if n, refused := Parse(in, &mark, lim, &req, &msg); n != len(in) || refused != nil || mark != (Mark{}) {
		t.Error(n, refused, mark)
	}
}

// Where the head may be shorter than a request line, the line is what is too
// long as long as it has not ended.
func TestParseSmallHead(t *testing.T) {
	small := &Limits{Head: 64}
	for in, want := range map[string]*Refusal{
		"GET /" + strings.Repeat("a", 59):                              refuseLineLong,
		"GET /" + strings.Repeat("a", 58):                              nil,
		"GET / HTTP/1.1\r\nX: " + strings.Repeat("a", 45):              refuseHeadLong,
		"GET / HTTP/1.1\r\nX: " + strings.Repeat("a", 44):              nil,
		"GET / HTTP/1.0\r\nX: " + strings.Repeat("a", 41) + "\r\n\r\n": nil,
	} {
		var mark Mark
		var req routes.Request
		var msg Message
		n, refused := Parse([]byte(in), &mark, small, &req, &msg)
		if refused != want || (n > 0) != strings.HasSuffix(in, "\r\n\r\n") {
			t.Errorf("%d bytes: %d, %v, want %v", len(in), n, refused, want)
		}
	}
}
