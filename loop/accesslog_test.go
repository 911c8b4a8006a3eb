package loop

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"monopoll/loop/sys"
)

// What a JSON string of the log looks like. What is valid UTF-8 can be read back.
func TestJSONString(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", `""`},
		{"plain", `"plain"`},
		{"Grüße", `"Grüße"`},
		{"日本語 🐈", `"日本語 🐈"`},
		{`a "b" \c`, `"a \"b\" \\c"`},
		{"\x00\t\n\x1f\x7f", `"\u0000\u0009\u000a\u001f\u007f"`},
		{"a\u0080\u0085\u009bb\u00a0", "\"a\\u0080\\u0085\\u009bb\u00a0\""},
		{"a\u2028\u2029b\u202a", "\"a\\u2028\\u2029b\u202a\""},
		{"caf\xe9!", `"caf\u00e9!"`},                       // Latin-1
		{"ü\xff\xc3", `"ü\u00ff\u00c3"`},                   // half a character at the end
		{"\xc0\xaf", `"\u00c0\u00af"`},                     // longer than it has to be
		{"\xed\xa0\x80", `"\u00ed\u00a0\u0080"`},           // half of a UTF-16 pair
		{"\xf4\x90\x80\x80", `"\u00f4\u0090\u0080\u0080"`}, // beyond Unicode
		{"\ufffd", "\"\ufffd\""},
	} {
		got := string(appendJSONString(nil, []byte(c.text)))
		if got != c.want {
			t.Errorf("%q becomes %s, not %s", c.text, got, c.want)
		}
	}
}

func FuzzJSONString(f *testing.F) {
	f.Add([]byte("a\"\\\x00\xe9ü\u2028\u0085"))
	f.Fuzz(func(t *testing.T, text []byte) {
		b := appendJSONString(nil, text)
		var back string
		if err := json.Unmarshal(b, &back); err != nil || !utf8.Valid(b) {
			t.Fatalf("%q becomes %q: %v", text, b, err)
		}
		if utf8.Valid(text) && back != string(text) {
			t.Errorf("%q is read back as %q", text, back)
		}
		for _, r := range string(b) {
			if r < ' ' || r >= 0x7f && r <= 0x9f || r == 0x2028 || r == 0x2029 {
				t.Errorf("%q has a bare %U", b, r)
			}
		}
	})
}

// A line allocates nothing, however long the names of the config are.
func TestLineAllocatesNothing(t *testing.T) {
	e := entry{
		peer: new(sys.Peer), method: []byte("GET"), target: []byte("/"), host: []byte("grün.example"),
		ua: []byte(strings.Repeat("ü", 100)), pattern: "/" + strings.Repeat("ö", 100), listener: strings.Repeat("ä", 100), status: 200,
	}
	room := make([]byte, 0, 4<<10)
	for name, format := range map[string]func([]byte, []byte) []byte{"json": e.appendJSON, "combined": e.appendCombined} {
		if n := testing.AllocsPerRun(100, func() { format(room, nil) }); n != 0 {
			t.Errorf("%s: %v allocations a line", name, n)
		}
	}
}
