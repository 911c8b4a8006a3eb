package http1

import (
	"bytes"
	"math"

	"monopoll/routes"
)

// checkFields judges what the fields of a complete head mean together. lines are
// the field lines and the empty line.
func checkFields(lines []byte, req *routes.Request, msg *Message) *Refusal {
	f := &msg.fields
	if f.seen&(seenRepeated|seenList) != 0 {
		if f.seen&seenList != 0 {
			msg.joinRepeated(lines, req)
		}
		req.Repeated = f.seen.repeated()
	}
	if refused := msg.settleHost(req); refused != nil {
		return refused
	}
	if refused := msg.settleLength(); refused != nil {
		return refused
	}
	return msg.settleConnection()
}

// settleHost wants exactly one valid Host on 1.1 (RFC 9112 §3.2). It may be
// empty: that is what a client sends whose target has no authority. The host
// of an absolute-form target wins over it (§3.2.2).
func (m *Message) settleHost(req *routes.Request) *Refusal {
	f := &m.fields
	switch {
	case f.hosts > 1:
		return refuseHostTwice
	case f.hosts == 0 && m.Minor > 0:
		return refuseHostAbsent
	case !validAuthority(f.host, false):
		return refuseHost
	}
	if req.Host == nil {
		req.Host = f.host
	}
	return nil
}

// settleLength decides how long the body is (RFC 9112 §6.3). What could be
// read in two ways is refused, never repaired: that is how requests are
// smuggled.
func (m *Message) settleLength() *Refusal {
	f := &m.fields
	m.ContentLength, m.Chunked, m.HasBody = -1, false, false
	if f.seen&seenCoding != 0 {
		switch {
		case f.length != nil || f.seen&seenLengthBad != 0:
			return refuseBoth
		case m.Minor == 0:
			return refuseCodingOld
		case f.seen&seenCodingSyntax != 0:
			return refuseCodingSyntax
		case f.seen&seenCodingOrder != 0:
			return refuseCodingOrder
		case f.seen&seenCodingOther != 0:
			return refuseCoding
		case f.seen&seenChunked == 0:
			return refuseCodingSyntax
		}
		m.Chunked, m.HasBody = true, true
		return nil
	}
	switch {
	case f.seen&seenLengthBad != 0:
		return refuseLength
	case f.seen&seenLengthDiffer != 0:
		return refuseLengthDiffer
	case f.length != nil:
		n, ok := number(f.length)
		if !ok {
			return refuseLength
		}
		m.ContentLength, m.HasBody = n, n > 0
	}
	return nil
}

// settleConnection decides on persistence (RFC 9112 §9.3) and on Expect
// (RFC 9110 §10.1.1), which an HTTP/1.0 client cannot mean.
func (m *Message) settleConnection() *Refusal {
	s := m.fields.seen
	m.KeepAlive = s&seenClose == 0 && (m.Minor > 0 || s&seenKeepAlive != 0)
	m.Expect100 = m.Minor > 0 && m.HasBody && s&seenExpect != 0
	if m.Minor > 0 && s&seenExpectOther != 0 {
		return refuseExpect
	}
	return nil
}

// element takes the first element of a comma-separated list, without the
// whitespace around it. more says that a comma followed it.
func element(list []byte) (first, rest []byte, more bool) {
	comma := bytes.IndexByte(list, ',')
	if comma < 0 {
		return trim(list), nil, false
	}
	return trim(list[:comma]), list[comma+1:], true
}

// connection notes the options of a Connection field (RFC 9110 §7.6.1). An
// option that nobody here knows names a field for the next hop, which is us.
func (f *fields) connection(value []byte) {
	for more := true; more; {
		var option []byte
		option, value, more = element(value)
		switch {
		case fold(option, "close"):
			f.seen |= seenClose
		case fold(option, "keep-alive"):
			f.seen |= seenKeepAlive
		}
	}
}

// expect notes expectations. Empty elements are none (RFC 9110 §5.6.1.2).
func (f *fields) expect(value []byte) {
	for more := true; more; {
		var one []byte
		one, value, more = element(value)
		switch {
		case fold(one, "100-continue"):
			f.seen |= seenExpect
		case len(one) > 0:
			f.seen |= seenExpectOther
		}
	}
}

// contentLength notes a Content-Length (RFC 9110 §8.6). A list of identical
// numbers is taken as one of them (RFC 9112 §6.3); what is not spelt alike
// differs, even where it means the same number.
func (f *fields) contentLength(value []byte) {
	for more := true; more; {
		var one []byte
		one, value, more = element(value)
		switch {
		case len(one) == 0 || !all(one, isDigit):
			f.seen |= seenLengthBad
		case f.length == nil:
			f.length = one
		case !bytes.Equal(f.length, one):
			f.seen |= seenLengthDiffer
		}
	}
}

// transferEncoding notes the transfer codings (RFC 9112 §6.1). Parameters of
// chunked are an error (§7.1), those of others make no difference.
func (f *fields) transferEncoding(value []byte) {
	f.seen |= seenCoding
	for more := true; more; {
		var coding []byte
		coding, value, more = element(value)
		if f.seen&seenChunked != 0 {
			f.seen |= seenCodingOrder
		}
		name, parameters := coding, false
		if at := bytes.IndexByte(coding, ';'); at >= 0 {
			name, parameters = trim(coding[:at]), true
		}
		chunked := fold(name, "chunked")
		switch {
		case len(name) == 0 || !all(name, isToken) || chunked && parameters:
			f.seen |= seenCodingSyntax
		case chunked:
			f.seen |= seenChunked
		default:
			f.seen |= seenCodingOther
		}
	}
}

// number reads 1*DIGIT that are known to be digits; false if it is above the
// largest int64.
func number(digits []byte) (int64, bool) {
	n := int64(0)
	for _, c := range digits {
		d := int64(c - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}
