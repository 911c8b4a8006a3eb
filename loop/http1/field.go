package http1

import (
	"bytes"

	"monopoll/routes"
)

// seen is a set of what field lines have said, one bit each.
type seen uint32

const (
	seenClose seen = 1 << iota // Connection: close
	seenKeepAlive
	seenExpect      // Expect: 100-continue
	seenExpectOther // any other expectation
	seenLengthBad
	seenLengthDiffer
	seenCoding // Transfer-Encoding, whatever it says
	seenChunked
	seenCodingSyntax
	seenCodingOrder
	seenCodingOther
	seenRangeTwice
	seenIfRangeTwice
	seenIfModifiedTwice
	seenIfUnmodifiedTwice
	seenIfMatchTwice
	seenIfNoneMatchTwice
	seenAcceptTwice
	seenAcceptEncodingTwice
)

// seenRepeated are the repeated fields that must stand once.
const seenRepeated = seenRangeTwice | seenIfRangeTwice | seenIfModifiedTwice | seenIfUnmodifiedTwice

// seenList are the repeated list-valued fields that have to be joined.
const seenList = seenIfMatchTwice | seenIfNoneMatchTwice | seenAcceptTwice | seenAcceptEncodingTwice

// fields is what the field lines of one head have said about HTTP/1 itself.
type fields struct {
	seen   seen
	hosts  int    // Host lines
	host   []byte // the last of them
	length []byte // the first Content-Length value
}

// field is a field that somebody asks for.
type field uint8

const (
	fieldOther field = iota
	fieldHost
	fieldConnection
	fieldContentLength
	fieldTransferEncoding
	fieldExpect
	fieldIfMatch
	fieldIfNoneMatch
	fieldIfModifiedSince
	fieldIfUnmodifiedSince
	fieldIfRange
	fieldRange
	fieldAccept
	fieldAcceptEncoding
	fieldReferer
	fieldUserAgent
)

var fieldNames = [...]string{
	fieldHost: "host", fieldConnection: "connection", fieldContentLength: "content-length",
	fieldTransferEncoding: "transfer-encoding", fieldExpect: "expect", fieldIfMatch: "if-match",
	fieldIfNoneMatch: "if-none-match", fieldIfModifiedSince: "if-modified-since",
	fieldIfUnmodifiedSince: "if-unmodified-since", fieldIfRange: "if-range", fieldRange: "range",
	fieldAccept: "accept", fieldAcceptEncoding: "accept-encoding", fieldReferer: "referer",
	fieldUserAgent: "user-agent",
}

// longestName is the length of if-unmodified-since.
const longestName = 19

// known finds a field by the length of its name and its first and last bytes,
// which together cover names of up to 16 bytes. No length has more than two.
var known = makeKnown()

type candidate struct {
	head, tail uint64
	is         field
}

func makeKnown() (t [longestName + 1][2]candidate) {
	for is, name := range fieldNames {
		if name == "" {
			continue
		}
		head, tail := ends([]byte(name))
		c := candidate{head, tail, field(is)}
		if slot := &t[len(name)]; slot[0].is == fieldOther {
			slot[0] = c
		} else {
			slot[1] = c
		}
	}
	return t
}

// ends gives the first and the last bytes of a name of four bytes or more,
// eight each where it has so many, in lower case. Or-ing a space changes no
// other tchar into a letter or a hyphen.
func ends(name []byte) (head, tail uint64) {
	if len(name) >= 8 {
		return load8(name) | spaces, load8(name[len(name)-8:]) | spaces
	}
	return uint64(load4(name)) | spaces, uint64(load4(name[len(name)-4:])) | spaces
}

// lookUp tells which field a name means, in any case.
func lookUp(name []byte) field {
	if len(name) > longestName || len(name) < 4 {
		return fieldOther
	}
	slot := &known[len(name)]
	head, tail := ends(name)
	is := fieldOther
	switch {
	case slot[0].head == head && slot[0].tail == tail:
		is = slot[0].is
	case slot[1].head == head && slot[1].tail == tail:
		is = slot[1].is
	}
	if len(name) > 16 && is != fieldOther && !fold(name, fieldNames[is]) {
		return fieldOther
	}
	return is
}

// note takes a field line, whose value has no whitespace around it. Repetitions
// are noted, to be judged or joined when the head is complete.
func (f *fields) note(name, value []byte, req *routes.Request) {
	switch lookUp(name) {
	case fieldHost:
		f.host = value
		f.hosts++
	case fieldConnection:
		f.connection(value)
	case fieldContentLength:
		f.contentLength(value)
	case fieldTransferEncoding:
		f.transferEncoding(value)
	case fieldExpect:
		f.expect(value)
	case fieldIfMatch:
		f.set(&req.IfMatch, value, seenIfMatchTwice)
	case fieldIfNoneMatch:
		f.set(&req.IfNoneMatch, value, seenIfNoneMatchTwice)
	case fieldIfModifiedSince:
		f.set(&req.IfModifiedSince, value, seenIfModifiedTwice)
	case fieldIfUnmodifiedSince:
		f.set(&req.IfUnmodifiedSince, value, seenIfUnmodifiedTwice)
	case fieldIfRange:
		f.set(&req.IfRange, value, seenIfRangeTwice)
	case fieldRange:
		f.set(&req.Range, value, seenRangeTwice)
	case fieldAccept:
		f.set(&req.Accept, value, seenAcceptTwice)
	case fieldAcceptEncoding:
		f.set(&req.AcceptEncoding, value, seenAcceptEncodingTwice)
	case fieldReferer:
		req.Referer = value
	case fieldUserAgent:
		req.UserAgent = value
	}
}

func (f *fields) set(to *[]byte, value []byte, twice seen) {
	if *to != nil {
		f.seen |= twice
	}
	*to = value
}

// join puts the values of a list-valued field that stands in several of lines
// together, in order, with ", " between them (RFC 9110 §5.3). It walks the
// lines again, since that happens next to never; they are known to be valid.
func (m *Message) join(lines []byte, name string) []byte {
	begin, count := len(m.joined), 0
	for len(lines) > 2 {
		end := bytes.IndexByte(lines, '\n')
		line := lines[:end-1]
		lines = lines[end+1:]
		colon := bytes.IndexByte(line, ':')
		if !fold(line[:colon], name) {
			continue
		}
		if count++; count > 1 {
			m.joined = append(m.joined, ", "...)
		}
		m.joined = append(m.joined, trim(line[colon+1:])...)
	}
	return m.joined[begin:len(m.joined):len(m.joined)]
}

// joinRepeated replaces what stands in several lines by all of them together.
func (m *Message) joinRepeated(lines []byte, req *routes.Request) {
	m.joined = m.joined[:0]
	f := &m.fields
	if f.seen&seenIfMatchTwice != 0 {
		req.IfMatch = m.join(lines, fieldNames[fieldIfMatch])
	}
	if f.seen&seenIfNoneMatchTwice != 0 {
		req.IfNoneMatch = m.join(lines, fieldNames[fieldIfNoneMatch])
	}
	if f.seen&seenAcceptTwice != 0 {
		req.Accept = m.join(lines, fieldNames[fieldAccept])
	}
	if f.seen&seenAcceptEncodingTwice != 0 {
		req.AcceptEncoding = m.join(lines, fieldNames[fieldAcceptEncoding])
	}
}

// repeated translates what must not stand twice for package routes.
func (s seen) repeated() (r routes.Field) {
	if s&seenRangeTwice != 0 {
		r |= routes.FieldRange
	}
	if s&seenIfRangeTwice != 0 {
		r |= routes.FieldIfRange
	}
	if s&seenIfModifiedTwice != 0 {
		r |= routes.FieldIfModifiedSince
	}
	if s&seenIfUnmodifiedTwice != 0 {
		r |= routes.FieldIfUnmodifiedSince
	}
	return r
}
