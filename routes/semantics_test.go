package routes

import (
	"bytes"
	"fmt"
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"monopoll/routes/site"
)

func TestDates(t *testing.T) {
	const now = testNow
	at := func(text string) int64 {
		when, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return when.Unix()
	}
	for _, c := range []struct {
		text, want string // want is "" for none
	}{
		{"Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06 08:49:37"},
		{"Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06 08:49:37"},
		{"Sun Nov  6 08:49:37 1994", "1994-11-06 08:49:37"},
		{"Wed Nov 16 08:49:37 1994", "1994-11-16 08:49:37"},
		{"Thu, 29 Feb 2024 23:59:59 GMT", "2024-02-29 23:59:59"},
		{"Thu, 29 Feb 2023 23:59:59 GMT", ""},
		{"Sat, 29 Feb 2000 00:00:00 GMT", "2000-02-29 00:00:00"},
		{"Thu, 29 Feb 1900 00:00:00 GMT", ""},
		{"Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01 00:00:00"},
		{"Wed, 31 Dec 1969 23:59:59 GMT", "1969-12-31 23:59:59"},
		{"Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31 23:59:59"},
		// a leap second
		{"Sat, 31 Dec 2016 23:59:60 GMT", "2017-01-01 00:00:00"},
		{"Sat, 31 Dec 2016 23:59:61 GMT", ""},
		// the day of the week is not looked at, but must be one
		{"Mon, 06 Nov 1994 08:49:37 GMT", "1994-11-06 08:49:37"},
		{"Xyz, 06 Nov 1994 08:49:37 GMT", ""},
		// two digits: never more than 50 years ahead of 2026-11-21
		{"Sunday, 06-Nov-76 08:49:37 GMT", "2076-11-06 08:49:37"},
		{"Sunday, 21-Nov-76 08:00:00 GMT", "2076-11-21 08:00:00"},
		{"Sunday, 22-Nov-76 00:00:00 GMT", "1976-11-22 00:00:00"},
		{"Sunday, 06-Nov-77 08:49:37 GMT", "1977-11-06 08:49:37"},
		{"Sunday, 06-Nov-00 08:49:37 GMT", "2000-11-06 08:49:37"},
		// 2000 had a leap day, 1900 had not
		{"Tuesday, 29-Feb-00 08:49:37 GMT", "2000-02-29 08:49:37"},
		{"", ""},
		{"Sun", ""},
		{"Sun, 06 Nov 1994 08:49:37", ""},
		{"Sun, 06 Nov 1994 08:49:37 UTC", ""},
		{"Sun, 06 Nov 1994 08:49:37 +0000", ""},
		{"Sun, 06 Nov 1994 08:49:37 gmt", ""},
		{"sun, 06 nov 1994 08:49:37 GMT", ""},
		{"Sun, 6 Nov 1994 08:49:37 GMT", ""},
		{"Sun, 00 Nov 1994 08:49:37 GMT", ""},
		{"Sun, 31 Nov 1994 08:49:37 GMT", ""},
		{"Sun, 06 Nov 1994 24:00:00 GMT", ""},
		{"Sun, 06 Nov 1994 08:60:00 GMT", ""},
		{"Sun, 06-Nov-1994 08:49:37 GMT", ""},
		{"Sun, 06 Nov 1994 08:49:37 GMT ", ""},
		{"Sunday, 06-Nov-94 08:49:37 GMT, Sunday, 06-Nov-94 08:49:37 GMT", ""},
	} {
		got, ok := parseDate([]byte(c.text), now)
		switch {
		case ok != (c.want != ""):
			t.Errorf("%q: is a date: %v", c.text, ok)
		case ok && got != at(c.want):
			t.Errorf("%q is %s", c.text, time.Unix(got, 0).UTC())
		}
	}
}

func TestDateRoundTrip(t *testing.T) {
	for unix := int64(-62167219200); unix < 253402300800; unix += 86400*13 + 3607 {
		text := time.Unix(unix, 0).UTC().Format(http.TimeFormat)
		if back, ok := parseDate([]byte(text), testNow); !ok || back != unix {
			t.Fatalf("%q is read as %d, want %d", text, back, unix)
		}
	}
}

// FuzzDate: what is a date here is one to net/http, and the same one.
func FuzzDate(f *testing.F) {
	for _, s := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sat, 31 Dec 2016 23:59:60 GMT"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := parseDate(text, testNow)
		want, err := http.ParseTime(string(text))
		switch {
		case ok && err != nil && !bytes.Contains(text, []byte(":60")):
			t.Fatalf("%q is a date here: %s", text, time.Unix(got, 0).UTC())
		case ok && err == nil && got != want.Unix() && got-want.Unix() != 100*365.25*86400 && !bytes.Contains(text, []byte("-")):
			t.Fatalf("%q is %s here, and %s", text, time.Unix(got, 0).UTC(), want)
		case !ok && err == nil && want.Format(http.TimeFormat) == string(text):
			t.Fatalf("%q is no date here", text)
		}
	})
}

// rangeOracle reads a Range as RFC 9110 §14.1.2 has it, by regular expressions
// and numbers without limit. It gives the bytes that are to be sent, nil for
// none, and what is to be done.
func rangeOracle(field string, size int64) (wanted []bool, what rangeOutcome) {
	unit, set, ok := strings.Cut(field, "=")
	if !ok || !strings.EqualFold(unit, "bytes") {
		return nil, rangeNone
	}
	wanted = make([]bool, size)
	any, satisfiable, sum := false, false, int64(0)
	mark := func(from, to int64) {
		satisfiable = true
		sum += to - from
		for i := from; i < to; i++ {
			wanted[i] = true
		}
	}
	for spec := range strings.SplitSeq(set, ",") {
		if spec = strings.Trim(spec, " \t"); spec == "" {
			continue
		}
		any = true
		m := rangeSpec.FindStringSubmatch(spec)
		if m == nil {
			return nil, rangeNone
		}
		n, end := big.NewInt(size), new(big.Int)
		if m[1] == "" {
			end.SetString(spec[1:], 10)
			if end.Sign() > 0 && size == 0 {
				return nil, rangeNone
			}
			if end.Cmp(n) > 0 {
				end = n
			}
			if end.Sign() > 0 {
				mark(size-end.Int64(), size)
			}
			continue
		}
		from := new(big.Int)
		from.SetString(m[1], 10)
		if m[2] == "" {
			end.Set(n)
		} else {
			end.SetString(m[2], 10)
			if end.Cmp(from) < 0 {
				return nil, rangeNone
			}
			end.Add(end, big.NewInt(1))
		}
		if end.Cmp(n) > 0 {
			end = n
		}
		if from.Cmp(n) < 0 {
			mark(from.Int64(), end.Int64())
		}
	}
	switch {
	case !any || sum > size:
		return nil, rangeNone
	case !satisfiable:
		return nil, rangeUnsatisfiable
	}
	groups := 0
	for i := range wanted {
		if wanted[i] && (i == 0 || !wanted[i-1]) {
			groups++
		}
	}
	if groups > maxParts {
		return nil, rangeNone
	}
	return wanted, rangePartial
}

var rangeSpec = regexp.MustCompile(`^([0-9]+)-([0-9]*)$|^()-[0-9]+$`)

func checkRange(t *testing.T, field string, size int64) {
	t.Helper()
	var res Response
	got := res.parseRange([]byte(field), size)
	wanted, what := rangeOracle(field, size)
	if strings.Contains(field, "\"") || strings.Contains(field, "\\") {
		return // the oracle knows no quoted strings, and neither does a Range
	}
	if got != what {
		t.Fatalf("%q of %d bytes: outcome %d, want %d", field, size, got, what)
	}
	if got != rangePartial {
		return
	}
	sent := make([]bool, size)
	for _, p := range res.Parts {
		if p.Length <= 0 || p.From < 0 || p.From+p.Length > size {
			t.Fatalf("%q of %d bytes: part %v", field, size, p)
		}
		for i := p.From; i < p.From+p.Length; i++ {
			sent[i] = true
		}
		if p.From > 0 && sent[p.From-1] || p.From+p.Length < size && sent[p.From+p.Length] {
			t.Fatalf("%q of %d bytes: parts touch: %v", field, size, res.Parts)
		}
	}
	if !slices.Equal(sent, wanted) {
		t.Fatalf("%q of %d bytes: sent %v, want %v", field, size, sent, wanted)
	}
}

func FuzzRange(f *testing.F) {
	for _, s := range []string{"bytes=0-0", "bytes=-5", "bytes=2-,0-1", "bytes=0-1, 4-5 ,,9-", "Bytes=-0", "bytes=5-4", "bytes=99-"} {
		f.Add(s, uint8(10))
	}
	f.Fuzz(func(t *testing.T, field string, size uint8) { checkRange(t, field, int64(size)) })
}

// TestManyRanges: 32 parts are sent, for 33 the file is; and a field of
// thousands that melt into few costs no more than sorting them.
func TestManyRanges(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		b.WriteString("bytes=")
		for i := range n {
			fmt.Fprintf(&b, "%d-%d,", 2*i, 2*i)
		}
		return b.String()
	}
	var res Response
	if got := res.parseRange([]byte(many(maxParts)), 1000); got != rangePartial || len(res.Parts) != maxParts {
		t.Errorf("%d ranges: %d, %d parts", maxParts, got, len(res.Parts))
	}
	if got := res.parseRange([]byte(many(maxParts+1)), 1000); got != rangeNone {
		t.Errorf("%d ranges: %d", maxParts+1, got)
	}
	var touching strings.Builder
	touching.WriteString("bytes=")
	for i := range 3000 {
		fmt.Fprintf(&touching, "%d-%d,", 2999-i, 2999-i)
	}
	if got := res.parseRange([]byte(touching.String()), 10_000); got != rangePartial || len(res.Parts) != 1 || res.Parts[0] != (Part{0, 3000}) {
		t.Errorf("3000 ranges that touch: %d %v", got, res.Parts)
	}
	if res.parseRange([]byte("bytes=5-6,0-0,3-4"), 10); !slices.Equal(res.Parts, []Part{{3, 4}, {0, 1}}) {
		t.Errorf("a part stands where the first of its ranges was asked for: %v", res.Parts)
	}
	for _, size := range []int64{0, 1, 5, 64} {
		for _, field := range []string{"bytes=0-", "bytes=-1", "bytes=0-0,-1", "bytes=1-3,0-0", many(3), many(40), touching.String()} {
			checkRange(t, field, size)
		}
	}
}

// TestBoundary: it is not in the file, and the same for equal answers.
func TestBoundary(t *testing.T) {
	w := newWorld(t, "-- config --\nlisteners: [{listen: 80, respond: \"0123456789\"}]\n-- cases --\n")
	req := w.request(t, []string{"GET /", "Range: bytes=0-1,4-5"})
	first := w.ask(req)
	if second := w.ask(req); second.content != first.content || first.head != second.head {
		t.Errorf("two answers differ: %v %v", first, second)
	}
	for _, c := range w.res.Boundary {
		if !(c >= 'a' && c <= 'z' || c >= '2' && c <= '7') {
			t.Errorf("the boundary %q is no token", w.res.Boundary)
		}
	}
	if !strings.HasSuffix(first.content, "\r\n--"+string(w.res.Boundary[:])+"--\r\n") {
		t.Errorf("the end is %q", first.content)
	}
}

// acceptOracle reads an Accept-Encoding with the string functions of the
// standard library.
func acceptOracle(field string) codings {
	weights := map[string]int{}
	for member := range strings.SplitSeq(field, ",") {
		parts := strings.Split(member, ";")
		named, weight, ok := strings.ToLower(strings.Trim(parts[0], " \t")), weightFull, true
		for _, param := range parts[1:] {
			param = strings.Trim(param, " \t")
			if strings.HasPrefix(strings.ToLower(param), "q=") {
				if !qvalue.MatchString(param[2:]) {
					ok = false
					break
				}
				q, _ := strconv.ParseFloat(param[2:], 64)
				weight = int(q*1000 + 0.5)
			}
		}
		if named == "x-gzip" {
			named = "gzip"
		}
		if ok && named != "" {
			weights[named] = weight
		}
	}
	of := func(name string, otherwise int) int {
		if w, ok := weights[name]; ok {
			return w
		}
		return otherwise
	}
	star, identity := of("*", 0), 1
	if w, ok := weights["*"]; ok && w == 0 {
		identity = 0
	}
	return codings{of("br", star), of("zstd", star), of("gzip", star), of("identity", identity)}
}

var qvalue = regexp.MustCompile(`^(0(\.[0-9]{0,3})?|1(\.0{0,3})?)$`)

func FuzzAcceptEncoding(f *testing.F) {
	for _, s := range []string{
		"gzip, deflate, br, zstd", "br;q=1.0, gzip;q=0.8, *;q=0.1", "identity;q=0", "*;q=0", "x-gzip", "gzip;q=0.123,br;q=1.001",
		"GZip ; Q=0.5", "", ",,", ";q=1", "br;q=", "br;x=y;q=0", "identity", "*",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		if strings.ContainsAny(field, "\"\\") {
			return // no quoted strings in this field
		}
		if got, want := parseAcceptEncoding([]byte(field)), acceptOracle(field); got != want {
			t.Fatalf("%q is %v, want %v", field, got, want)
		}
	})
}

func TestMediaWeight(t *testing.T) {
	for _, c := range []struct {
		accept     string
		html, json bool
	}{
		{"", false, false},
		{"*/*", false, false},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true, false},
		{"text/html;q=0, */*", false, false},
		{"application/json", false, true},
		{"application/json, text/html", true, true},
		{"application/json;q=0.5, text/html", true, false},
		{"TEXT/HTML;level=1", true, false},
		{"text/plain, text/htmlx", false, false},
		{`text/plain;x="a,text/html"`, false, false},
	} {
		if got := wantsHTML([]byte(c.accept)); got != c.html {
			t.Errorf("%q wants HTML: %v", c.accept, got)
		}
		if got := wantsJSON([]byte(c.accept)); got != c.json {
			t.Errorf("%q wants JSON: %v", c.accept, got)
		}
	}
}

// tagOracle says whether a list names a tag, by a regular expression.
func tagOracle(list, tag string, strong bool) bool {
	list = strings.Trim(list, " \t")
	if list == "*" {
		return true
	}
	for {
		list = strings.TrimLeft(list, ", \t")
		m := oneTag.FindStringSubmatch(list)
		if m == nil {
			return false
		}
		if m[2] == strings.TrimPrefix(tag, "W/") && (!strong || m[1] == "" && tag[0] != 'W') {
			return true
		}
		if list = strings.TrimLeft(list[len(m[0]):], " \t"); list != "" && list[0] != ',' {
			return false
		}
	}
}

var oneTag = regexp.MustCompile(`^(W/)?("(?:[\x21\x23-\x7e]|[^\x00-\x7f])*")`)

func FuzzTags(f *testing.F) {
	for _, s := range []string{`"a"`, `W/"a"`, `"b", "a"`, `*`, `"a,b" , "a"`, `"`, `W/`, `"a" "a"`, `a`, `,,"a"`, `"a"x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, list string) {
		if !validText(list) {
			return // the expression works on characters, not on bytes
		}
		for _, tag := range []string{`"a"`, `W/"a"`, `"a,b"`, `""`} {
			for _, strong := range []bool{true, false} {
				if got, want := matchesTag([]byte(list), tag, strong), tagOracle(list, tag, strong); got != want {
					t.Fatalf("%q names %s (strong %v): %v, want %v", list, tag, strong, got, want)
				}
			}
		}
	})
}

func validText(s string) bool { return strings.ToValidUTF8(s, "") == s && !strings.Contains(s, "\x00") }

// FuzzConditions: whatever the fields hold, an answer is one of those that RFC
// 9110 §13.2.2 knows, and whole.
func FuzzConditions(f *testing.F) {
	w := newWorld(f, "-- config --\nlisteners: [{listen: 80, root: site}]\n-- site/a.txt --\n0123456789\n-- cases --\n")
	tag := w.fill(f, "{etag /a.txt}")
	f.Add(tag, "", "", "", "", "", uint8(0))
	f.Add("", tag, "Fri, 20 Nov 2026 08:00:00 GMT", "Fri, 20 Nov 2026 08:00:00 GMT", tag, "bytes=0-1,4-5", uint8(1))
	f.Fuzz(func(t *testing.T, match, none, since, unmodified, ifRange, ranges string, bits uint8) {
		field := func(s string) []byte {
			if s == "" {
				return nil
			}
			return []byte(s)
		}
		req := w.request(t, []string{"GET /a.txt"})
		req.IfMatch, req.IfNoneMatch, req.IfModifiedSince = field(match), field(none), field(since)
		req.IfUnmodifiedSince, req.IfRange, req.Range = field(unmodified), field(ifRange), field(ranges)
		req.Repeated = Field(bits) & 15
		if bits&16 != 0 {
			req.Method = MethodHead
		}
		got := w.ask(req)
		if !slices.Contains([]int{200, 206, 304, 412, 416}, got.status) {
			t.Fatalf("%v", got)
		}
		if got.status == 206 && req.Method != MethodGet || got.status == 200 && got.content != "0123456789\n" {
			t.Fatalf("%v", got)
		}
		if match == "" && none == "" && since == "" && unmodified == "" && (got.status == 304 || got.status == 412) {
			t.Fatalf("%v without a condition", got)
		}
	})
}

// A date that two versions had is no validator: neither for a part of a file nor
// for "not modified".
func TestDateOfTwoVersions(t *testing.T) {
	w := newWorld(t, "-- config --\nlisteners: [{listen: 8080, root: site}]\n-- site/a.txt --\none\n")
	const date = "Fri, 20 Nov 2026 08:00:00 GMT"
	const later = "Fri, 20 Nov 2026 08:00:01 GMT"
	ask := func(want int, fields ...string) {
		t.Helper()
		if got := w.ask(w.request(t, append([]string{"GET /a.txt"}, fields...))); got.status != want {
			t.Errorf("%s: want %d\n%s", fields, want, got)
		}
	}
	ask(304, "If-Modified-Since: "+date)
	ask(206, "Range: bytes=1-", "If-Range: "+date)
	writeFile(t, w.served, "site/a.txt", "two\n")
	tree := w.table.Tree(0)
	tree, _, err := newLoader().Refresh(tree, site.Changes{tree.Path(): {"a.txt": true}})
	if err != nil {
		t.Fatal(err)
	}
	w.table = w.table.WithTrees(func(trees []*site.Tree) { trees[0] = tree })
	ask(200, "If-Modified-Since: "+date)
	ask(200, "Range: bytes=1-", "If-Range: "+date)
	ask(304, "If-Modified-Since: "+later)
	ask(304, "If-None-Match: *")
}
