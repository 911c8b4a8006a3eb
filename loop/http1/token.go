package http1

import "encoding/binary"

// The classes of a byte, one bit each.
const (
	isToken  = 1 << iota // tchar (RFC 9110 §5.6.2)
	isPath               // stands in a target before '?'
	isQuery              // stands in a target after '?'
	isHost               // stands in a reg-name unencoded (RFC 3986 §3.2.2)
	isHex                // HEXDIG, either case
	isDigit              // DIGIT
	isValue              // stands in a field value: VCHAR, SP, HTAB, obs-text (RFC 9110 §5.5)
	isQuoted             // qdtext (RFC 9110 §5.6.4)
)

// class holds the classes of every byte.
var class = makeClasses()

func makeClasses() (t [256]uint8) {
	mark := func(bit uint8, set string) {
		for i := 0; i < len(set); i++ {
			t[set[i]] |= bit
		}
	}
	const digits = "0123456789"
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	mark(isToken, digits+letters+"!#$%&'*+-.^_`|~")
	mark(isHost, digits+letters+"-._~"+"!$&'()*+,;=")
	mark(isHex, digits+"abcdefABCDEF")
	mark(isDigit, digits)
	for b := 0x21; b <= 0x7e; b++ {
		t[b] |= isValue | isQuoted | isPath | isQuery
	}
	t['?'] &^= isPath
	// '#' would begin a fragment, which is never sent (RFC 9112 §3.2); the
	// other three end a URI wherever one is quoted, and no browser sends them raw.
	for _, b := range `#"<>` {
		t[b] &^= isPath | isQuery
	}
	t['"'] &^= isQuoted
	t['\\'] &^= isQuoted
	for b := 0x80; b <= 0xff; b++ {
		t[b] |= isValue | isQuoted
	}
	t[' '] |= isValue | isQuoted
	t['\t'] |= isValue | isQuoted
	return t
}

// Words of eight equal bytes, to look at eight bytes of a value at a time.
const (
	ones   = 0x0101010101010101
	highs  = 0x8080808080808080
	spaces = 0x2020202020202020 // or-ed to a name, it makes ASCII letters lower-case
	dels   = 0x7f7f7f7f7f7f7f7f
)

// controls marks, by its high bit, the first byte of the eight in x that is a
// control (below 0x20, or 0x7f); 0 where there is none. Bytes after the first
// marked one may be marked wrongly, which is why callers use the first alone.
func controls(x uint64) uint64 {
	y := x ^ dels
	return ((x-spaces)&^x | (y-ones)&^y) & highs
}

func load8(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
func load4(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

// fold says whether b is the word, which is lower-case, without regard to the
// case of ASCII letters.
func fold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i := 0; i < len(word); i++ {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// trim takes optional whitespace (OWS, RFC 9110 §5.6.3) from both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// all says whether every byte of b is of a class.
func all(b []byte, bit uint8) bool {
	for _, c := range b {
		if class[c]&bit == 0 {
			return false
		}
	}
	return true
}
