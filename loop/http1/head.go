package http1

import (
	"strconv"
	"time"

	"monopoll/routes"
)

// How says what an answer's head depends on besides the answer itself.
type How uint8

const (
	// Close announces that the connection ends after this answer (RFC 9112 §9.6).
	Close How = 1 << iota
	// Old says that the request was HTTP/1.0: without Close, keep-alive has to
	// be said (RFC 9112 §9.3).
	Old
	// HeadOnly says that the method was HEAD: the same fields, no content.
	HeadOnly
)

// How gives what the head of the answer to this request depends on. The caller
// adds Close where it has reasons of its own.
func (m *Message) How(method routes.Method) (how How) {
	if !m.KeepAlive {
		how |= Close
	}
	if m.Minor == 0 {
		how |= Old
	}
	if method == routes.MethodHead {
		how |= HeadOnly
	}
	return how
}

// Clock holds the beginning of every answer, which changes once a second: the
// status line of a 200, then Server and Date. The zero value needs a Set.
type Clock struct {
	lines  []byte
	second int64
}

// clockLines is what a Clock holds; its date is overwritten by Set.
const (
	lineOK     = "HTTP/1.1 200 OK\r\n"
	lineServer = "Server: monopoll\r\n"
	clockLines = lineOK + lineServer + "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	clockDate  = len(lineOK) + len(lineServer) + len("Date: ")
	dateForm   = "Mon, 02 Jan 2006 15:04:05 GMT" // IMF-fixdate (RFC 9110 §5.6.7)
)

// Set makes the clock tell this time, in seconds since 1970. It costs a
// comparison where nothing has changed.
func (c *Clock) Set(now int64) {
	if c.lines != nil && c.second == now {
		return
	}
	if c.lines == nil {
		c.lines = []byte(clockLines)
	}
	c.second = now
	time.Unix(now, 0).UTC().AppendFormat(c.lines[:clockDate], dateForm)
}

// Date gives the time as a Date field has it (RFC 9110 §6.6.1). It changes
// with the next Set.
func (c *Clock) Date() []byte { return c.lines[clockDate : clockDate+len(dateForm)] }

// AppendAnswer appends the head of an answer to dst and, if it is at hand and
// has at most inline bytes, the content; larger content is given as rest, to
// be sent after dst. The content is not at hand where rest is empty and
//
//   - File keeps its body on disk: SendFile, SendPart, SendBare, SendPage;
//   - Send is SendParts: the caller sends the parts, each with its own head.
//
// To HEAD, and with 204 and 304, there is no content. Response.Body belongs to
// the response, so it is always appended, whatever its length.
func AppendAnswer(dst []byte, clock *Clock, res *routes.Response, how How, inline int) (out []byte, rest string) {
	if res.Status == 200 {
		dst = append(dst, clock.lines...)
	} else {
		dst = append(dst, statusLine(res.Status)...)
		dst = append(dst, clock.lines[len(lineOK):]...)
	}
	if how&(Close|Old) != 0 {
		dst = appendConnection(dst, how)
	}
	if res.Send == routes.SendFile {
		dst = append(dst, res.File.Shared().Lines...)
		dst = append(dst, res.Own...)
		tail, size := res.File.Tail(), 0
		if body, ok := res.File.Body(); ok {
			size = len(body)
		}
		if how&HeadOnly == 0 && size <= inline {
			return append(dst, tail...), "" // the file's own lines, the empty line and the body: one copy
		}
		dst = append(dst, tail[:len(tail)-size]...)
		if how&HeadOnly != 0 {
			return dst, ""
		}
		return dst, tail[len(tail)-size:]
	}
	dst = appendFields(dst, res)
	dst = append(dst, "\r\n"...)
	if how&HeadOnly != 0 {
		return dst, ""
	}
	return appendContent(dst, res, inline)
}

// appendConnection says what happens to the connection where the version of
// the request does not say it.
func appendConnection(dst []byte, how How) []byte {
	if how&Close != 0 {
		return append(dst, "Connection: close\r\n"...)
	}
	return append(dst, "Connection: keep-alive\r\n"...)
}

// appendFields appends the field lines of everything but SendFile, from the
// first after Connection to Content-Length.
func appendFields(dst []byte, res *routes.Response) []byte {
	switch res.Send {
	case routes.SendNone:
		return appendNone(dst, res)
	case routes.SendPart:
		dst = append(dst, res.File.Shared().Lines...)
		dst = append(dst, res.File.Validators()...)
		dst = append(dst, res.Own...)
		return appendLength(dst, res.Parts[0].Length)
	case routes.SendParts:
		shared := res.File.Shared()
		dst = append(dst, "Content-Type: multipart/byteranges; boundary="...)
		dst = append(dst, res.Boundary[:]...)
		dst = append(dst, "\r\n"...)
		dst = append(dst, shared.Lines[shared.TypeLen:]...)
		dst = append(dst, res.File.Validators()...)
		dst = append(dst, res.Own...)
		return appendLength(dst, res.ContentLength())
	case routes.SendBare:
		dst = append(dst, res.File.Shared().Lines...)
		dst = append(dst, res.Own...)
		return appendLength(dst, res.File.Size())
	case routes.SendPage:
		shared := res.File.Shared()
		dst = append(dst, shared.Lines[:shared.TypeLen]...)
		dst = append(dst, res.Own...)
		dst = append(dst, res.Lines...)
		return appendLength(dst, res.File.Size())
	}
	dst = append(dst, res.Own...)
	dst = append(dst, res.Lines...)
	return appendLength(dst, int64(len(res.Body)))
}

// appendNone appends the fields of an answer without content. Only 204 and 304
// may leave out Content-Length (RFC 9110 §8.6, RFC 9112 §6.3): any other
// status has to say that there is nothing, or the client waits for more.
func appendNone(dst []byte, res *routes.Response) []byte {
	if res.Status == 304 && res.File != nil {
		dst = append(dst, res.File.Shared().Lines304...)
		if line := res.File.ETagLine(); line != "" {
			dst = append(dst, line...)
		} else {
			dst = append(dst, res.File.Validators()...)
		}
		return append(dst, res.Own...)
	}
	dst = append(dst, res.Own...)
	dst = append(dst, res.Lines...)
	if res.Status == 204 || res.Status == 304 {
		return dst
	}
	return appendLength(dst, 0)
}

// appendContent appends what of the content is at hand and small, and gives
// what is at hand and large.
func appendContent(dst []byte, res *routes.Response, inline int) ([]byte, string) {
	content := ""
	switch res.Send {
	case routes.SendBody:
		return append(dst, res.Body...), ""
	case routes.SendBare, routes.SendPage:
		content, _ = res.File.Body()
	case routes.SendPart:
		if body, ok := res.File.Body(); ok {
			part := res.Parts[0]
			content = body[part.From : part.From+part.Length]
		}
	}
	if len(content) > inline {
		return dst, content
	}
	return append(dst, content...), ""
}

// appendLength appends a Content-Length line (RFC 9110 §8.6).
func appendLength(dst []byte, n int64) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, "\r\n"...)
}

// AppendRefusal appends a whole answer to a request that was refused: its
// status, and as plain text what the status says and why, for the person who
// wrote the client. Without content where how has HeadOnly.
func AppendRefusal(dst []byte, clock *Clock, refused *Refusal, how How) []byte {
	dst = append(dst, statusLine(refused.Status)...)
	dst = append(dst, clock.lines[len(lineOK):]...)
	dst = append(dst, "Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"+
		"X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"...)
	if refused.Status == 503 {
		dst = append(dst, "Retry-After: 1\r\n"...) // what is missing comes back by itself
	}
	phrase := routes.ReasonPhrase(refused.Status)
	dst = appendLength(dst, int64(len("400 ")+len(phrase)+len(": ")+len(refused.Reason)+len("\n")))
	dst = append(dst, "\r\n"...)
	if how&HeadOnly != 0 {
		return dst
	}
	dst = strconv.AppendInt(dst, int64(refused.Status), 10)
	dst = append(dst, ' ')
	dst = append(dst, phrase...)
	dst = append(dst, ": "...)
	dst = append(dst, refused.Reason...)
	return append(dst, '\n')
}
