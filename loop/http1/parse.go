package http1

import (
	"math/bits"

	"monopoll/routes"
)

// Message is what a request says about HTTP/1 itself. Parse fills it; one may
// be used for any number of requests, one after the other.
type Message struct {
	// Minor is the minor version as sent, 0 to 9. 2 and above are handled as 1
	// (RFC 9110 §2.5).
	Minor uint8
	// KeepAlive says that the client wants the connection to persist (RFC 9112 §9.3).
	KeepAlive bool
	// Chunked says that the body comes in chunks (RFC 9112 §7.1).
	Chunked bool
	// HasBody says that a body of one byte or more may follow the head: Chunked,
	// or a ContentLength above 0.
	HasBody bool
	// Expect100 says that the client waits for a 100 before it sends the body
	// (RFC 9110 §10.1.1). Never set without HasBody, nor on HTTP/1.0.
	Expect100 bool
	// ContentLength is the length of the body in bytes, -1 where none was given.
	ContentLength int64

	fields fields // those of the head being read
	joined []byte // repeated list fields of it, joined
}

// Mark is how far an incomplete head has been checked, so that bytes that
// arrive one at a time are not all read again for each. It belongs to the
// connection; zero it for every new request.
type Mark struct {
	line   uint32 // where the first incomplete field line begins; 0: in the request line
	fields uint16 // complete field lines before it
	empty  uint8  // empty lines that Skip took away
}

// Skip says how many bytes at the beginning of in are empty lines that Parse
// would skip, for a caller who wants to keep nothing of a connection on which
// no request has begun. They still count for Parse, up to its limit.
func (m *Mark) Skip(in []byte) (n int) {
	for len(in) >= n+2 && in[n] == '\r' && in[n+1] == '\n' && m.empty < MaxEmptyLines {
		m.empty++
		n += 2
	}
	return n
}

// Parse reads the head of a request (RFC 9112 §2 to §6) from the beginning of
// in. There are three outcomes:
//
//	n > 0            the head is complete and takes n bytes, empty lines before it included
//	n == 0, nil      incomplete: call again with the same bytes and more
//	refused != nil   refused as early as the bytes prove it wrong
//
// What is refused first in in is what is reported, however the bytes were
// split; what concerns several fields together is looked at when the head is
// complete. After a refusal req.Method is right if the method was readable.
// All slices in req alias in, or scratch in msg that lives until the next Parse.
// req.Now is kept.
func Parse(in []byte, mark *Mark, lim *Limits, req *routes.Request, msg *Message) (n int, refused *Refusal) {
	full := len(in) >= lim.Head
	if full {
		in = in[:lim.Head]
	}
	if mark.line != 0 {
		n, refused = fieldLines(in, mark, req, &msg.fields)
		if n == 0 && refused == nil && !full {
			return 0, nil
		}
		// Complete or refused. The first lines are not in req any more, or are
		// those of another connection: read all of it again.
	}
	n, refused = head(in, mark, req, msg)
	switch {
	case refused != nil || n == 0 && !full:
		return 0, refused
	case n > 0:
		*mark = Mark{}
		return n, nil
	case mark.line == 0:
		return 0, refuseLineLong
	default:
		return 0, refuseHeadLong
	}
}

// head is Parse from the first byte on, without the limit of the head.
func head(in []byte, mark *Mark, req *routes.Request, msg *Message) (int, *Refusal) {
	*req = routes.Request{Now: req.Now}
	msg.fields = fields{}

	begin, refused := emptyLines(in, mark.empty)
	if refused != nil || begin == len(in) {
		return 0, refused
	}
	line := in
	if len(line)-begin > MaxRequestLine {
		line = in[:begin+MaxRequestLine]
	}
	at, refused := requestLine(line, begin, req, msg)
	if refused != nil {
		return 0, refused
	}
	if at == 0 {
		if len(line)-begin == MaxRequestLine {
			return 0, refuseLineLong
		}
		return 0, nil
	}
	mark.line, mark.fields = uint32(at), 0
	n, refused := fieldLines(in, mark, req, &msg.fields)
	if n == 0 || refused != nil {
		return 0, refused
	}
	req.Head = in[begin:n]
	return n, checkFields(in[at:n], req, msg)
}

// emptyLines skips the empty lines before a request line (RFC 9112 §2.2), of
// which some have been skipped already. It gives the length of in where what
// follows has not come yet.
func emptyLines(in []byte, skipped uint8) (int, *Refusal) {
	at := 0
	for at < len(in) && in[at] == '\r' {
		switch {
		case int(skipped)+at/2 == MaxEmptyLines:
			return 0, refuseEmptyLines
		case at+1 == len(in):
			return len(in), nil
		case in[at+1] != '\n':
			return 0, refuseBareCR
		}
		at += 2
	}
	return at, nil
}

// Blank says that in holds no byte of a request: nothing, or empty lines that
// Parse would skip. The connection is idle then, not half-way through a head.
func Blank(in []byte) bool {
	at, refused := emptyLines(in, 0)
	return refused == nil && at == len(in)
}

// fieldLines reads field lines from mark.line on (RFC 9112 §5) and notes what
// it knows of them in req and f. It gives what follows the empty line that ends the
// head, or 0 and a mark at the line that is incomplete.
func fieldLines(in []byte, mark *Mark, req *routes.Request, f *fields) (int, *Refusal) {
	i, count := int(mark.line), int(mark.fields)
	for {
		line := i
		mark.line, mark.fields = uint32(line), uint16(count)
		for i < len(in) && class[in[i]]&isToken != 0 {
			i++
		}
		if i == len(in) {
			return 0, nil
		}
		if in[i] != ':' || i == line {
			if i == line && in[i] == '\r' {
				return lineEnd(in, i)
			}
			return 0, badName(in, line, i)
		}
		name := in[line:i]
		i++
		for i < len(in) && (in[i] == ' ' || in[i] == '\t') {
			i++
		}
		begin := i
		i = valueEnd(in, i)
		if i == len(in) {
			return 0, nil
		}
		end := i
		if in[i] != '\r' {
			return 0, badValue(in[i])
		}
		if i+1 == len(in) {
			return 0, nil
		}
		if in[i+1] != '\n' {
			return 0, refuseBareCR
		}
		i += 2
		for end > begin && (in[end-1] == ' ' || in[end-1] == '\t') {
			end--
		}
		if count++; count > MaxFields {
			return 0, refuseFields
		}
		f.note(name, in[begin:end], req)
	}
}

// valueEnd gives the first place from i on that holds no byte of a field value.
func valueEnd(in []byte, i int) int {
	for {
		for ; i+8 <= len(in); i += 8 {
			if m := controls(load8(in[i:])); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				goto control
			}
		}
		for ; i < len(in); i++ {
			if class[in[i]]&isValue == 0 {
				return i
			}
		}
		return i
	control:
		if in[i] != '\t' {
			return i
		}
		i++
	}
}

// lineEnd gives what follows the CRLF at i, or 0 where its LF has not come.
func lineEnd(in []byte, i int) (int, *Refusal) {
	if i+1 == len(in) {
		return 0, nil
	}
	if in[i+1] != '\n' {
		return 0, refuseBareCR
	}
	return i + 2, nil
}

// badName says what is wrong with a field line whose name ends at i, where
// there is no colon, or before it began.
func badName(in []byte, line, i int) *Refusal {
	space := in[i] == ' ' || in[i] == '\t'
	switch {
	case i == line && space:
		return refuseFold
	case i == line && in[i] == ':':
		return refuseNameEmpty
	case space:
		return refuseNameSpace
	case in[i] == '\n':
		return refuseBareLF
	case in[i] == '\r':
		return refuseNoColon
	default:
		return refuseName
	}
}

// badValue says what is wrong with a byte that ends a value and is no CR.
func badValue(c byte) *Refusal {
	if c == '\n' {
		return refuseBareLF
	}
	return refuseValue
}
