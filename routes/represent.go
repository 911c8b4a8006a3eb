package routes

import (
	"bytes"
	"strconv"

	"monopoll/routes/site"
)

// represent answers with a file that is there: which of its codings, whether
// the preconditions hold, and which part of it.
func (res *Response) represent(f *site.File, req *Request) {
	plain := f
	if f = res.chosen(plain, req); f == nil {
		res.Refuse(406, req.Accept)
		res.Own = append(res.Own, "Vary: Accept-Encoding\r\n"...)
		return
	}
	coded := f != plain
	f = req.version(f)
	if f.Growing() {
		res.Growing = f
	}
	if res.conditions(f, req) {
		return
	}
	res.Status, res.File, res.Send = 200, f, SendFile
	if wantsRange(req, f) {
		res.part(req, coded)
	}
}

// conditions answers with 304 or 412 where the preconditions ask for it, and
// says whether it has.
func (res *Response) conditions(f *site.File, req *Request) bool {
	if !conditional(req) {
		return false
	}
	switch evaluate(req, f) {
	case verdictNotModified:
		res.Status, res.File, res.Send = 304, f, SendNone
	case verdictFailed:
		res.Refuse(412, req.Accept)
	default:
		return false
	}
	return true
}

// unmatched answers with 412 where If-Match wants a version of what has none
// (RFC 9110 §13.1.1), and says whether it has.
func (res *Response) unmatched(req *Request) bool {
	if req.IfMatch == nil || matchesTag(req.IfMatch, "", true) {
		return false
	}
	res.Refuse(412, req.Accept)
	return true
}

// chosen selects the coding to send. Most clients exclude none, and most files
// that have none are small: that is seen without reading the field.
func (res *Response) chosen(f *site.File, req *Request) *site.File {
	if req.AcceptEncoding == nil || !f.HasCoded() && bytes.IndexByte(req.AcceptEncoding, ';') < 0 {
		return f
	}
	return selectCoding(f, res.accepted(req.AcceptEncoding))
}

// part makes an answer with the whole File one with the parts that Range asks
// for (RFC 9110 §14.2). Several parts of a coded File are sent as the whole of it:
// beside them its Content-Encoding would speak of the multipart around them.
func (res *Response) part(req *Request, coded bool) {
	f, size := res.File, res.File.Size()
	switch res.parseRange(req.Range, size) {
	case rangeUnsatisfiable:
		res.Refuse(416, req.Accept)
		res.Own = append(res.Own, "Content-Range: bytes */"...)
		res.Own = strconv.AppendInt(res.Own, size, 10)
		res.Own = append(res.Own, "\r\n"...)
	case rangePartial:
		if coded && len(res.Parts) > 1 {
			res.Parts = res.Parts[:0]
			return
		}
		res.Status, res.Send = 206, SendPart
		if len(res.Parts) == 1 {
			res.Own = appendContentRange(res.Own, res.Parts[0], f.Size())
			return
		}
		res.Send = SendParts
		res.setBoundary()
	}
}
