package loop

import (
	"bytes"
	"strconv"

	"monopoll/loop/http1"
)

// simHanded reads what the server has handed to the kernel of one connection, up to
// wherever that was broken off, to know by itself how much content the access log
// has to tell of.
type simHanded struct {
	raw     []byte // of a head; or of what may be the next head, or content
	left    int    // content that is still to come
	unsure  bool   // no content has been seen yet: the answer to HEAD has none
	content int64  // bytes of it so far
}

const simStatusLine = "HTTP/1.1 "

func (h *simHanded) take(p []byte) {
	for len(p) > 0 {
		switch {
		case h.left == 0:
			h.raw, p = append(h.raw, p[0]), p[1:]
			if bytes.HasSuffix(h.raw, []byte("\r\n\r\n")) {
				h.left = contentAfter(h.raw)
				h.unsure, h.raw = h.left > 0, h.raw[:0]
			}
		case h.unsure:
			h.raw, p = append(h.raw, p[0]), p[1:]
			if string(h.raw) == simStatusLine {
				h.left, h.unsure = 0, false
			} else if !bytes.HasPrefix([]byte(simStatusLine), h.raw) {
				h.left -= len(h.raw)
				h.content += int64(len(h.raw))
				h.unsure, h.raw = false, h.raw[:0]
			}
		default:
			n := min(len(p), h.left)
			h.left, h.content, p = h.left-n, h.content+int64(n), p[n:]
		}
	}
}

// most is how much content it may have been: a byte or two, at which it was broken
// off, may also have begun the next head.
func (h *simHanded) most() int64 {
	if h.unsure {
		return h.content + int64(len(h.raw))
	}
	return h.content
}

// contentAfter says how much content follows a head, if it is not the answer to
// HEAD. Of a client that found no place nothing is logged.
func contentAfter(head []byte) int {
	status, _ := strconv.Atoi(string(head[len(simStatusLine):][:3]))
	if status < 200 || status == 204 || status == 304 || bytes.HasPrefix([]byte(unavailable), head) {
		return 0
	}
	_, length, _ := bytes.Cut(head, []byte("\r\nContent-Length: "))
	length, _, _ = bytes.Cut(length, []byte("\r\n"))
	n, _ := strconv.Atoi(string(length))
	return n
}

// simToldInTime says that just those answers of an output are logged of which
// nothing is left in it. Behind the last answer may stand a 100, which is none.
func simToldInTime(out *output) bool {
	if len(out.answers) == 0 {
		return true
	}
	taken := out.answers[len(out.answers)-1].end
	for _, s := range out.segs[out.first:] {
		taken -= int64(len(s.data)) + s.left
	}
	if out.taken != taken && out.taken != taken+int64(len(http1.Continue)) {
		return false
	}
	for i, a := range out.answers {
		if (a.end <= out.taken) != (i < out.told) {
			return false
		}
	}
	return true
}

// inspectLog compares the access log of a life with what was handed to the kernel.
func (w *simWorld) inspectLog() {
	w.log.empty(w)
	dropped := w.loop.access.dropped
	if got := int64(w.log.lines) + dropped; got != w.loop.stats.Requests {
		w.fail("%d lines were logged or dropped for %d requests", got, w.loop.stats.Requests)
	}
	least, most := int64(0), int64(0)
	for _, h := range w.handed {
		least += h.content
		most += h.most()
	}
	if dropped == 0 && (w.log.bytes < least || w.log.bytes > most) {
		w.fail("%d bytes of content were logged, and %d to %d sent", w.log.bytes, least, most)
	}
}
