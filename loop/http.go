package loop

import (
	"bytes"
	"errors"
	"io/fs"

	"monopoll/loop/http1"
	"monopoll/routes"
	"monopoll/routes/site"
)

// session is HTTP/1 on one connection: a request's head is parsed, its body
// read or skipped, its answer asked of the table and written. All it keeps
// between two steps is where it is.
type session struct {
	loop *Loop
	conn *conn
	mark http1.Mark   // how far an incomplete head has been checked
	body *bodyReading // the body that is being read; nil between bodies
}

func (s *session) step(in []byte, out *output) (n int, w want) {
	for {
		if out.full() {
			return n, wantDrain
		}
		var took int
		before := s.body
		if before != nil {
			took, w = s.readBody(in[n:], out)
		} else {
			took, w = s.request(in[n:], out)
		}
		n += took
		// A body that was whole, and waited for its file, takes nothing when it
		// is answered; what follows it is looked at all the same.
		if w != wantInput || took == 0 && s.body == before || n == len(in) {
			return n, w
		}
	}
}

// request takes one request from the beginning of in, if it is all there.
func (s *session) request(in []byte, out *output) (int, want) {
	l := s.loop
	l.req.Now = l.wall / 1e9
	n, refused := http1.Parse(in, &s.mark, &l.limits, &l.req, &l.msg)
	if refused != nil {
		return s.refuse(refused, in, out)
	}
	if n == 0 {
		if http1.Blank(in) {
			return s.mark.Skip(in), wantInput // the connection stays idle
		}
		return 0, wantInput
	}
	if !l.msg.HasBody {
		l.req.Body = noBody
		w := s.answer(out)
		if w == wantFile {
			return 0, w
		}
		return n, w
	}
	return s.requestWithBody(in, n, out)
}

// noBody is the body of a request that has none, where nil would mean that it
// has not been read.
var noBody = []byte{}

// answer asks the table and writes what it says. On wantFile nothing has been
// written: the same request is to be answered again when the file is there.
func (s *session) answer(out *output) want {
	l, k := s.loop, s.conn.socket
	res := &l.res
	l.req.Instead = out.instead
	k.table.Answer(k.listener, &l.req, res)
	failed := out.failed // of this request alone: a new table may have no use for it
	out.failed = nil
	var file *openFile
	if f := res.Growing; f != nil && failed == nil && !s.knows(f, out) {
		return wantFile
	}
	if f := res.File; f != nil && res.Send != routes.SendNone && l.req.Method != routes.MethodHead {
		if _, inMemory := f.Body(); !inMemory {
			if failed != nil {
				res.Refuse(statusOf(failed), l.req.Accept)
			} else if file = s.open(f, out); file == nil {
				return wantFile
			}
		}
	}
	s.conn.stale = 0
	how := l.msg.How(l.req.Method)
	if k.closing || l.stopping.begun {
		how |= http1.Close
	}
	s.write(out, file, how)
	switch {
	case how&http1.Close == 0:
		return wantInput
	case l.msg.KeepAlive:
		return wantClose // the client does not expect it
	}
	return wantCloseNow
}

// knows says that f, which grows, is no longer than the table has it. If it is, or
// nobody can tell, the desk has to find out.
func (s *session) knows(f *site.File, out *output) bool {
	l := s.loop
	o := l.files.get(f)
	switch {
	case o == nil:
	case out.had.file == o:
		return true // the desk has just found it so
	case o.inMemory(l.kernel, 0, 1) && o.isStill(l.kernel):
		return true
	default:
		l.files.outdated(o)
	}
	out.ask = errand{what: f, length: min(f.Size(), aheadSize), table: s.conn.socket.table, anyway: l.anyway(s.conn)}
	return false
}

// open gives f open, with what is to be sent of it first in memory; nil when the
// desk has to see to that. Once the head of an answer is out, a disk that fails
// or hangs could only be told by breaking it off.
func (s *session) open(f *site.File, out *output) *openFile {
	l := s.loop
	ask := errand{what: f, length: f.Size(), table: s.conn.socket.table, anyway: l.anyway(s.conn)}
	if res := &l.res; res.Send == routes.SendPart || res.Send == routes.SendParts {
		ask.at, ask.length = res.Parts[0].From, res.Parts[0].Length
	}
	if of := l.req.Instead; of != nil && of.Now == f {
		ask.instead = of
	}
	ask.length = min(ask.length, aheadSize)
	if ask.open = l.files.get(f); ask.open != nil {
		if out.had.has(ask.open, ask.at) {
			return ask.open
		}
		if ask.open.inMemory(l.kernel, ask.at, ask.length) {
			if ask.instead != nil || ask.open.isStill(l.kernel) {
				out.had = window{ask.open, ask.at, ask.length}
				return ask.open
			}
			l.files.outdated(ask.open)
			ask.open = nil
		}
	}
	out.ask = ask
	return nil
}

// write appends the answer, and what is to be logged of it.
func (s *session) write(out *output, file *openFile, how http1.How) {
	l, res := s.loop, &s.loop.res
	var rest string
	out.own, rest = http1.AppendAnswer(out.own, &l.clock, res, how, copyLimit)
	if rest != "" {
		out.borrow(rest)
	} else if how&http1.HeadOnly == 0 && (file != nil || res.Send == routes.SendParts) {
		s.parts(out, file)
	}
	l.stats.Requests++
	s.conn.socket.requests++
	if l.access.sink != nil {
		content := res.ContentLength()
		if how&http1.HeadOnly != 0 {
			content = 0
		}
		s.log(out, res.Status, content, nil)
	}
}

// parts appends content that is on disk, or that comes in several pieces.
func (s *session) parts(out *output, file *openFile) {
	res := &s.loop.res
	switch res.Send {
	case routes.SendFile, routes.SendBare, routes.SendPage:
		s.span(out, file, 0, res.File.Size())
	case routes.SendPart:
		s.span(out, file, res.Parts[0].From, res.Parts[0].Length)
	case routes.SendParts:
		for i, p := range res.Parts {
			out.own = res.PartHead(out.own, i)
			s.span(out, file, p.From, p.Length)
		}
		out.own = res.PartHead(out.own, len(res.Parts))
	}
}

// span appends a range of the answer's file, by the way that is cheapest for
// its size.
func (s *session) span(out *output, file *openFile, from, length int64) {
	if file != nil {
		s.loop.files.send(out, file, from, length)
		return
	}
	body, _ := s.loop.res.File.Body()
	if body = body[from : from+length]; len(body) <= copyLimit {
		out.own = append(out.own, body...)
	} else {
		out.borrow(body)
	}
}

// Refusals of the session's own; those of the syntax are in http1.
var (
	refuseBodyLong = &http1.Refusal{Status: 413, Reason: "the content is larger than this server takes"}
	refuseLate     = &http1.Refusal{Status: 408, Reason: "the request did not arrive in time"}
	refuseDesk     = &http1.Refusal{Status: 503, Reason: "the disk did not answer in time"}
)

// refuse answers a head that cannot be taken; what is logged of it is its first
// line. No byte after it can be trusted to begin another one, so the connection
// ends.
func (s *session) refuse(why *http1.Refusal, in []byte, out *output) (int, want) {
	return s.refused(why, firstLine(in), in, out)
}

// refuseBody answers a request whose head was read, and whose body cannot be
// taken. Of a body nothing is logged: there are passwords in them.
func (s *session) refuseBody(why *http1.Refusal, in []byte, out *output) (int, want) {
	return s.refused(why, nil, in, out)
}

func (s *session) refused(why *http1.Refusal, line, in []byte, out *output) (int, want) {
	l, begin := s.loop, len(out.own)
	out.own = http1.AppendRefusal(out.own, &l.clock, why, l.msg.How(l.req.Method)&http1.HeadOnly)
	s.body = nil
	l.res.Pattern = "" // what is there is of another request
	l.stats.Requests++
	s.conn.socket.requests++
	if l.access.sink != nil {
		_, content, _ := bytes.Cut(out.own[begin:], []byte("\r\n\r\n"))
		s.log(out, why.Status, int64(len(content)), line)
	}
	return len(in), wantClose
}

// late answers a request that did not arrive in time, and one whose file did
// not open in time. What has been read of it is read again: HEAD gets no content,
// and the log says whose time it was.
func (s *session) late(at state, out *output) {
	in := s.conn.in
	switch {
	case s.body != nil:
		s.recall(s.body.head)
		s.refuseBody(lateBecause(at), in, out)
	case at == stateDesk:
		s.recall(in)
		s.refuseBody(lateBecause(at), in, out)
	default:
		s.recall(in)
		s.refuse(lateBecause(at), in, out)
	}
}

func lateBecause(at state) *http1.Refusal {
	if at == stateDesk {
		return refuseDesk
	}
	return refuseLate
}

// statusOf says what a client is told when a large file cannot be opened.
func statusOf(err error) int {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 404
	case errors.Is(err, fs.ErrPermission):
		return 403
	}
	return 503
}

// firstLine is what is logged of a request that could not be read.
func firstLine(in []byte) []byte {
	const enough = 256
	in = bytes.TrimLeft(in, "\r\n") // empty lines may stand before it (RFC 9112 §2.2)
	in = in[:min(len(in), enough)]
	if end := bytes.IndexAny(in, "\r\n"); end >= 0 {
		in = in[:end]
	}
	return in
}

// log notes the answer that is the last in out for the access log; bytes is how much
// content it has, line is what was sent in place of a request line, nil where there
// was one.
func (s *session) log(out *output, status int, bytes int64, line []byte) {
	l, req := s.loop, &s.loop.req
	e := entry{
		peer: &s.conn.peer, method: req.MethodToken, target: req.Target, host: req.Host,
		referer: req.Referer, ua: req.UserAgent, pattern: l.res.Pattern,
		minor: l.msg.Minor, status: status, bytes: bytes,
	}
	if line != nil {
		e.method, e.target, e.line = nil, nil, line
	}
	if s.conn.socket.listener != nil {
		e.listener = s.conn.socket.listener.Name
	}
	out.log(&e)
}
