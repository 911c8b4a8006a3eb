package routes

import (
	"bytes"
	"unicode/utf8"
)

// Path is the path of a request, taken apart: decoded once, dot segments
// resolved, empty segments merged. Routes and document roots see the same
// Path, so that no spelling is one thing to a route and another to a root.
//
// A segment may hold any byte but NUL, also a slash that was sent as %2F: such
// a segment is one segment to a pattern, and names no file, for no file's
// name has a slash in it. No segment is empty, "." or "..".
type Path struct {
	// text is what segs point into: the request's own bytes on the fast road,
	// buf otherwise.
	text []byte
	segs []span
	// slash says that the path ends in a slash; the root path "/" does.
	slash bool
	buf   []byte
}

// span is a piece of a text, [from, to). Eight bytes: a head is at most
// some MiB.
type span struct{ from, to uint32 }

// Resolve takes the path of a request target (RFC 3986 §3.3, still
// percent-encoded) apart. It returns false, for 400, if the path does not begin
// with a slash, has a broken escape, or decodes to NUL or to invalid UTF-8.
// The Path refers to raw.
//
// Dot segments above the root are dropped (RFC 3986 §5.2.4), so the result is
// always inside it. A plus is a plus: only HTML forms mean a space by it.
func (p *Path) Resolve(raw []byte) bool {
	p.segs = p.segs[:0]
	if len(raw) == 0 || raw[0] != '/' {
		return false
	}
	// The fast road: nothing to decode, resolve or merge, as in almost every
	// path. It leaves at the first byte that could need more.
	start := 1
	for i := 1; i < len(raw); i++ {
		c := raw[i]
		if c > '/' && c < utf8.RuneSelf {
			continue
		}
		switch {
		case c == '/':
			if i == start {
				return p.resolveSlowly(raw)
			}
			p.segs = append(p.segs, span{uint32(start), uint32(i)})
			start = i + 1
		case c == '.' && i == start, c == '%', c >= utf8.RuneSelf, c == 0:
			return p.resolveSlowly(raw)
		}
	}
	p.text, p.slash = raw, start == len(raw)
	if !p.slash {
		p.segs = append(p.segs, span{uint32(start), uint32(len(raw))})
	}
	return true
}

// resolveSlowly is Resolve for paths with escapes, dots or empty segments.
func (p *Path) resolveSlowly(raw []byte) bool {
	p.segs, p.buf = p.segs[:0], p.buf[:0]
	for rest := raw[1:]; ; {
		seg, after, more := bytes.Cut(rest, slash)
		from := len(p.buf)
		var ok bool
		if p.buf, ok = appendDecoded(p.buf, seg); !ok {
			return false
		}
		p.slash = true
		switch decoded := p.buf[from:]; string(decoded) {
		case "", ".":
			p.buf = p.buf[:from]
		case "..":
			p.buf = p.buf[:from]
			if n := len(p.segs); n > 0 {
				p.buf = p.buf[:p.segs[n-1].from]
				p.segs = p.segs[:n-1]
			}
		default:
			if !utf8.Valid(decoded) {
				return false
			}
			p.segs = append(p.segs, span{uint32(from), uint32(len(p.buf))})
			p.slash = false
		}
		if !more {
			p.text = p.buf
			return true
		}
		rest = after
	}
}

var slash = []byte{'/'}

// appendDecoded appends seg percent-decoded (RFC 3986 §2.1); false for a broken
// escape or a NUL.
func appendDecoded(dst, seg []byte) ([]byte, bool) {
	for i := 0; i < len(seg); i++ {
		c := seg[i]
		if c == '%' {
			if i+2 >= len(seg) {
				return dst, false
			}
			hi, lo := unhex[seg[i+1]], unhex[seg[i+2]]
			if hi|lo >= 16 {
				return dst, false
			}
			c = hi<<4 | lo
			i += 2
		}
		if c == 0 {
			return dst, false
		}
		dst = append(dst, c)
	}
	return dst, true
}

// unhex gives the value of a hexadecimal digit, 0xff for any other byte.
var unhex = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := byte(0); i < 10; i++ {
		t['0'+i] = i
	}
	for i := byte(0); i < 6; i++ {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()

// seg gives a segment, decoded.
func (p *Path) seg(i int) []byte { return p.text[p.segs[i].from:p.segs[i].to] }

// last gives the last segment, nil if there is none or the path ends in a slash.
func (p *Path) last() []byte {
	if p.slash {
		return nil
	}
	return p.seg(len(p.segs) - 1)
}

// appendTo appends the path in the one form that this server redirects to: a
// slash before each segment, each percent-encoded, and a slash at the end if
// the path has one. It begins with exactly one slash and holds no backslash,
// so no client reads it as "//host".
func (p *Path) appendTo(dst []byte) []byte {
	for i := range p.segs {
		dst = append(dst, '/')
		dst = appendEncoded(dst, p.seg(i), inSegment)
	}
	if p.slash {
		dst = append(dst, '/')
	}
	return dst
}

// A part of a URL, as a bit of urlClass.
const (
	inSegment byte = 1 << iota // pchar (RFC 3986 §3.3)
	inQuery                    // what a query as sent may keep: pchar, "/", "?", "%"
	inTarget                   // what the config may write in a redirect's target
)

// urlClass says in which parts of a URL a byte may stand as it is.
var urlClass = func() (t [256]byte) {
	set := func(bits byte, chars string) {
		for i := range len(chars) {
			t[chars[i]] |= bits
		}
	}
	set(inSegment|inQuery|inTarget, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
	set(inSegment|inQuery|inTarget, "!$&'()*+,;=:@")
	set(inQuery|inTarget, "/?%")
	set(inTarget, "[]")
	return t
}()

// appendEncoded appends text with every byte percent-encoded that may not stand
// in that part of a URL.
func appendEncoded[T []byte | string](dst []byte, text T, part byte) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(text) {
		if c := text[i]; urlClass[c]&part != 0 {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}
