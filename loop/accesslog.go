package loop

import (
	"bytes"
	"strconv"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"monopoll/loop/sys"
)

// accessLog collects a line for each request on the loop and hands them over in
// batches, because a write for each would cost as much as the answer. A disk or
// terminal that does not keep up never holds the loop: lines are dropped then,
// and counted.
type accessLog struct {
	sink    *sink // nil when the log is off
	buf     []byte
	handAt  int64 // when buf is to be handed over; 0 when it is empty
	json    bool
	dropped int64
	lost    atomic.Int64 // lines that could not be written, counted by the writers

	second int64  // the time that stamp says
	stamp  []byte // in the form of the log; empty: to be made
}

// entry is what a line tells of a request and its answer.
type entry struct {
	peer                              *sys.Peer
	method, target, host, referer, ua []byte
	pattern, listener                 string
	minor                             uint8
	status                            int
	bytes                             int64  // of content that were sent
	now                               int64  // when the answer ended, in seconds since 1970
	line                              []byte // where it was no request, what was sent instead of one
}

// add appends the line of a request.
func (a *accessLog) add(e *entry, now int64) {
	if a.handAt == 0 {
		a.handAt = now + int64(accessDelay)
	}
	if a.second != e.now || len(a.stamp) == 0 {
		a.second = e.now
		layout := "02/Jan/2006:15:04:05 -0700"
		if a.json {
			layout = time.RFC3339
		}
		a.stamp = time.Unix(e.now, 0).AppendFormat(a.stamp[:0], layout)
	}
	if a.json {
		a.buf = e.appendJSON(a.buf, a.stamp)
	} else {
		a.buf = e.appendCombined(a.buf, a.stamp)
	}
	if len(a.buf) >= accessBatch {
		a.hand()
	}
}

// format has the lines from now on be JSON, or in the combined format.
func (a *accessLog) format(json bool) {
	if a.json != json {
		a.json, a.stamp = json, a.stamp[:0]
	}
}

// due is when hand should be called; 0: not at all.
func (a *accessLog) due() int64 { return a.handAt }

// hand gives what has been collected to the writer, or drops it.
func (a *accessLog) hand() {
	a.handAt = 0
	if len(a.buf) == 0 {
		return
	}
	if !a.sink.give(a.buf) {
		a.dropped += int64(bytes.Count(a.buf, []byte{'\n'}))
		a.buf = a.buf[:0]
		return
	}
	a.buf = a.sink.blank()
}

// change continues the log elsewhere. What was collected is still written where
// it was meant to go.
func (a *accessLog) change(to *sink) {
	if a.sink != nil {
		a.hand()
		a.sink.retire()
	}
	a.stamp = a.stamp[:0]
	if to.off() {
		a.sink = nil
		return
	}
	a.sink = to
	a.buf = to.blank()
}

func (a *accessLog) close() {
	if a.sink != nil {
		a.hand()
		a.sink.close()
		a.sink = nil
	}
}

// appendCombined writes the combined format of nginx and Apache: no client can
// forge a line, since what it sent is escaped.
func (e *entry) appendCombined(b, stamp []byte) []byte {
	b = e.peer.AppendText(b)
	b = append(b, " - - ["...)
	b = append(b, stamp...)
	b = append(b, "] \""...)
	if len(e.method) > 0 {
		b = appendEscaped(b, e.method)
		b = append(b, ' ')
		b = appendEscaped(b, e.target)
		b = append(b, " HTTP/1."...)
		b = append(b, '0'+e.minor)
	} else {
		b = appendEscaped(b, e.line)
	}
	b = append(b, "\" "...)
	b = strconv.AppendInt(b, int64(e.status), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, e.bytes, 10)
	b = appendQuoted(b, e.referer)
	b = appendQuoted(b, e.ua)
	return append(b, '\n')
}

func appendQuoted(b, field []byte) []byte {
	b = append(b, " \""...)
	if len(field) == 0 {
		b = append(b, '-')
	}
	b = appendEscaped(b, field)
	return append(b, '"')
}

func appendEscaped(b, s []byte) []byte {
	const hex = "0123456789ABCDEF"
	plain := 0
	for i, c := range s {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			b = append(b, s[plain:i]...)
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
			plain = i + 1
		}
	}
	return append(b, s[plain:]...)
}

// appendJSON writes one object a line, its keys always in this order.
func (e *entry) appendJSON(b, stamp []byte) []byte {
	b = append(b, `{"time":"`...)
	b = append(b, stamp...)
	b = append(b, `","remote":"`...)
	b = e.peer.AppendText(b)
	b = append(b, `","listener":`...)
	b = appendJSONString(b, []byte(e.listener))
	b = append(b, `,"host":`...)
	b = appendJSONString(b, e.host)
	b = append(b, `,"method":`...)
	b = appendJSONString(b, e.method)
	b = append(b, `,"target":`...)
	b = appendJSONString(b, e.target)
	if len(e.method) > 0 {
		b = append(b, `,"protocol":"HTTP/1.`...)
		b = append(b, '0'+e.minor, '"')
	} else {
		b = append(b, `,"protocol":"","line":`...)
		b = appendJSONString(b, e.line)
	}
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(e.status), 10)
	b = append(b, `,"bytes":`...)
	b = strconv.AppendInt(b, e.bytes, 10)
	b = append(b, `,"route":`...)
	b = appendJSONString(b, []byte(e.pattern))
	b = append(b, `,"referer":`...)
	b = appendJSONString(b, e.referer)
	b = append(b, `,"user_agent":`...)
	b = appendJSONString(b, e.ua)
	return append(b, "}\n"...)
}

// appendJSONString writes s as a JSON string: what comes out is always valid JSON
// and valid UTF-8, whatever a client sends. Text is left as it is, so that a name
// can be searched for as it was written. Escaped are what JSON wants escaped; the
// other control characters, U+007F to U+009F, which some terminals obey; and U+2028
// and U+2029, at which some readers end a line. A byte that is not UTF-8 becomes
// the character that it is in Latin-1, which is what old clients send: 0xE9 is
// written as \u00e9.
func appendJSONString(b, s []byte) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	plain := 0
	for i := 0; i < len(s); {
		if c := s[i]; c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		switch {
		case size == 1 && (s[i] == '"' || s[i] == '\\'):
			b = append(append(b, s[plain:i]...), '\\', s[i])
		case size == 1: // a control character, or no UTF-8
			b = append(append(b, s[plain:i]...), '\\', 'u', '0', '0', hex[s[i]>>4], hex[s[i]&15])
		case r <= 0x9f:
			b = append(append(b, s[plain:i]...), '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		case r == '\u2028' || r == '\u2029':
			b = append(append(b, s[plain:i]...), '\\', 'u', '2', '0', '2', hex[r&15])
		default:
			i += size
			continue
		}
		i += size
		plain = i
	}
	return append(append(b, s[plain:]...), '"')
}
