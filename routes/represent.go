package routes

import (
	"bytes"
	"strconv"

	"monopoll/routes/site"
)

// represent answers with a file that is there: which of its codings, whether
// the preconditions hold, and which part of it.
func (res *Response) represent(f *site.File, req *Request) {
	f = res.chosen(f, req)
	if f == nil {
		res.Refuse(406, req.Accept)
		res.Own = append(res.Own, "Vary: Accept-Encoding\r\n"...)
		return
	}
	if conditional(req) {
		switch evaluate(req, f) {
		case verdictNotModified:
			res.Status, res.File, res.Send = 304, f, SendNone
			return
		case verdictFailed:
			res.Refuse(412, req.Accept)
			return
		}
	}
	res.Status, res.File, res.Send = 200, f, SendFile
	if wantsRange(req, f) {
		res.part(req)
	}
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
// for (RFC 9110 §14.2).
func (res *Response) part(req *Request) {
	f, size := res.File, res.File.Size()
	switch res.parseRange(req.Range, size) {
	case rangeUnsatisfiable:
		res.Refuse(416, req.Accept)
		res.Own = append(res.Own, "Content-Range: bytes */"...)
		res.Own = strconv.AppendInt(res.Own, size, 10)
		res.Own = append(res.Own, "\r\n"...)
	case rangePartial:
		res.Status, res.Send = 206, SendPart
		if len(res.Parts) == 1 {
			res.Own = appendContentRange(res.Own, res.Parts[0], f.Size())
			return
		}
		res.Send = SendParts
		res.setBoundary()
	}
}
