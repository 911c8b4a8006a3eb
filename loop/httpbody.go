package loop

import "monopoll/loop/http1"

// bodyReading is a request whose body did not arrive with its head. The head is
// kept, because it is answered after the body: only then is it known whether
// the body was well-formed.
type bodyReading struct {
	head    []byte
	body    []byte // what is collected, for a route that wants it
	collect bool
	chunked bool
	chunks  http1.Chunked
	left    int64 // without chunks: bytes still to come
	size    int64 // bytes of content so far
	whole   bool  // it has all arrived
}

// requestWithBody takes a request with a body; its head is the first n of in.
func (s *session) requestWithBody(in []byte, n int, out *output) (int, want) {
	l := s.loop
	limit := s.conn.socket.table.Config.Limits.Body
	if l.msg.ContentLength > limit {
		return s.refuseBody(refuseBodyLong, in, out)
	}
	k := s.conn.socket
	k.table.Answer(k.listener, &l.req, &l.res)
	b := &bodyReading{collect: l.res.WantBody, chunked: l.msg.Chunked, left: l.msg.ContentLength}
	if l.msg.Expect100 && n == len(in) {
		if !b.collect {
			// The answer does not depend on the body, so it need not be sent. But
			// the client may send it all the same: only a close tells the two apart.
			l.msg.KeepAlive = false
			if w := s.answer(out); w == wantFile {
				return 0, w
			}
			return n, wantClose
		}
		out.own = append(out.own, http1.Continue...)
	}
	took, refused := b.feed(in[n:], limit)
	if refused != nil {
		return s.refuseBody(refused, in, out)
	}
	if !b.whole {
		b.head = append(b.head, in[:n]...)
		s.body = b
		return n + took, wantBody
	}
	l.req.Body = b.body
	if w := s.answer(out); w != wantFile {
		return n + took, w
	}
	return 0, wantFile
}

// readBody takes more of the body that is being read, and answers at its end.
func (s *session) readBody(in []byte, out *output) (int, want) {
	l, b := s.loop, s.body
	n, refused := b.feed(in, s.conn.socket.table.Config.Limits.Body)
	if refused == nil && !b.whole {
		return n, wantBody
	}
	if wrong := s.recall(b.head); refused == nil {
		refused = wrong
	}
	if refused != nil {
		return s.refuseBody(refused, in, out)
	}
	l.req.Body = b.body
	w := s.answer(out)
	if w != wantFile {
		s.body = nil
	}
	return n, w
}

// recall reads a head, or what there is of it, again. It is refused where a
// reload has made the limits smaller.
func (s *session) recall(head []byte) *http1.Refusal {
	var mark http1.Mark
	l := s.loop
	l.req.Now = l.wall / 1e9
	_, refused := http1.Parse(head, &mark, &l.limits, &l.req, &l.msg)
	return refused
}

// feed reads what in has of the body.
func (b *bodyReading) feed(in []byte, limit int64) (n int, refused *http1.Refusal) {
	if b.whole {
		return 0, nil
	}
	if !b.chunked {
		n = int(min(int64(len(in)), b.left))
		b.keep(in[:n])
		b.left -= int64(n)
		b.whole = b.left == 0
		return n, nil
	}
	for n < len(in) {
		took, data, done, wrong := b.chunks.Decode(in[n:])
		if wrong != nil {
			return n, wrong
		}
		b.keep(data)
		n += took
		if b.size > limit || b.chunks.Left() > uint64(limit-b.size) { // a sum might wrap around
			return n, refuseBodyLong
		}
		if done {
			b.whole = true
			break
		}
	}
	return n, nil
}

func (b *bodyReading) keep(data []byte) {
	b.size += int64(len(data))
	if b.collect {
		b.body = append(b.body, data...)
	}
}
