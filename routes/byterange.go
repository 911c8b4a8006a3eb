package routes

import (
	"bytes"
	"hash/maphash"
	"slices"
	"strconv"

	"monopoll/routes/site"
)

// maxParts bounds the parts of a multipart/byteranges, after ranges that
// overlap or touch have become one. Each part costs a head of some 100 bytes
// and a piece of output, and no honest client wants more: beyond it the whole
// file is sent (RFC 9110 §14.2 and §17.15).
const maxParts = 32

// rangeOutcome is what a Range field comes to.
type rangeOutcome uint8

const (
	rangeNone          rangeOutcome = iota // none, or to be ignored: 200
	rangePartial                           // 206, Response.Parts
	rangeUnsatisfiable                     // 416
)

// wantsRange says whether Range is to be looked at: in GET only, and only if
// If-Range does not say otherwise (RFC 9110 §13.2.2 step 5).
func wantsRange(req *Request, f *site.File) bool {
	return req.Range != nil && req.Method == MethodGet && req.Repeated&FieldRange == 0 &&
		ifRange(req, f) != conditionFalse
}

// asked is a range of a request, by the place where it stands there.
type asked struct {
	Part
	order int
}

// parseRange reads a Range field (RFC 9110 §14.2) for a representation of size
// bytes, and leaves in res.Parts what is to be sent: in the order asked, none
// of them overlapping or touching.
func (res *Response) parseRange(field []byte, size int64) rangeOutcome {
	res.Parts, res.asked = res.Parts[:0], res.asked[:0]
	unit, set, ok := bytes.Cut(field, []byte{'='})
	if !ok || !equalFold(unit, "bytes") {
		return rangeNone
	}
	specs, sum := 0, int64(0)
	for spec, rest := nextMember(set); spec != nil; spec, rest = nextMember(rest) {
		part, valid := parseSpec(spec, size)
		if !valid {
			return rangeNone
		}
		specs++
		if part.Length == 0 {
			if size == 0 && spec[0] == '-' && len(bytes.Trim(spec, "-0")) > 0 {
				return rangeNone // the last bytes of nothing are all of it
			}
			continue // beyond the end
		}
		if sum += part.Length; sum > size {
			return rangeNone // more than the file: the file is cheaper
		}
		res.asked = append(res.asked, asked{part, specs})
	}
	switch {
	case specs == 0:
		return rangeNone
	case len(res.asked) == 0:
		return rangeUnsatisfiable
	}
	res.coalesce()
	if len(res.asked) > maxParts {
		return rangeNone
	}
	for _, a := range res.asked {
		res.Parts = append(res.Parts, a.Part)
	}
	return rangePartial
}

// coalesce makes one range of those that overlap or touch; it stands where the
// first of them was asked for (RFC 9110 §15.3.7.2).
func (res *Response) coalesce() {
	if len(res.asked) < 2 {
		return
	}
	slices.SortFunc(res.asked, func(a, b asked) int {
		switch {
		case a.From < b.From:
			return -1
		case a.From > b.From:
			return 1
		}
		return a.order - b.order
	})
	merged := res.asked[:1]
	for _, next := range res.asked[1:] {
		last := &merged[len(merged)-1]
		if next.From > last.From+last.Length {
			merged = append(merged, next)
			continue
		}
		last.Length = max(last.Length, next.From+next.Length-last.From)
		last.order = min(last.order, next.order)
	}
	slices.SortFunc(merged, func(a, b asked) int { return a.order - b.order })
	res.asked = merged
}

// parseSpec reads one range (RFC 9110 §14.1.2). A part of no length is one that
// lies beyond the end; valid is false for what is not a range.
func parseSpec(spec []byte, size int64) (part Part, valid bool) {
	first, last, ok := bytes.Cut(spec, []byte{'-'})
	if !ok {
		return Part{}, false
	}
	if len(first) == 0 {
		suffix, ok := position(last)
		length := min(suffix, size)
		return Part{size - length, length}, ok
	}
	from, ok := position(first)
	if !ok {
		return Part{}, false
	}
	to := int64(maxPosition)
	if len(last) > 0 {
		if to, ok = position(last); !ok || below(last, first) {
			return Part{}, false
		}
	}
	if from >= size {
		return Part{}, true
	}
	return Part{from, min(to, size-1) - from + 1}, true
}

// below compares digits as numbers of any length: that the last position is
// before the first makes a range invalid, also where both are beyond int64.
func below(a, b []byte) bool {
	a, b = bytes.TrimLeft(a, "0"), bytes.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return bytes.Compare(a, b) < 0
}

// maxPosition stands for every position that is beyond any file.
const maxPosition = 1<<62 - 1

// position reads a position of any number of digits.
func position(digits []byte) (int64, bool) {
	if len(digits) == 0 {
		return 0, false
	}
	n := int64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n < maxPosition/16 {
			n = n*10 + int64(c-'0')
		} else {
			n = maxPosition
		}
	}
	return n, true
}

// appendContentRange appends a Content-Range line (RFC 9110 §14.4) for a part.
func appendContentRange(dst []byte, p Part, size int64) []byte {
	dst = append(dst, "Content-Range: bytes "...)
	dst = strconv.AppendInt(dst, p.From, 10)
	dst = append(dst, '-')
	dst = strconv.AppendInt(dst, p.From+p.Length-1, 10)
	dst = append(dst, '/')
	dst = strconv.AppendInt(dst, size, 10)
	return append(dst, "\r\n"...)
}

// boundarySeeds make boundaries that nobody outside this process can foretell,
// so that no file can be written to contain its own.
var boundarySeeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// setBoundary makes the boundary for File: 120 bits, the same for equal files.
func (res *Response) setBoundary() {
	const digits = "abcdefghijklmnopqrstuvwxyz234567"
	half := len(res.Boundary) / len(boundarySeeds)
	for n, seed := range boundarySeeds {
		bits := maphash.String(seed, res.File.ETag())
		for i := range half {
			res.Boundary[n*half+i] = digits[bits&31]
			bits >>= 5
		}
	}
}

// PartHead appends what stands before the content of part i of a
// multipart/byteranges (RFC 9110 §14.6), from the delimiter to the empty line;
// for i == len(Parts) it appends the closing delimiter.
func (res *Response) PartHead(dst []byte, i int) []byte {
	if i > 0 {
		dst = append(dst, "\r\n"...)
	}
	dst = append(dst, "--"...)
	dst = append(dst, res.Boundary[:]...)
	if i == len(res.Parts) {
		return append(dst, "--\r\n"...)
	}
	dst = append(dst, "\r\n"...)
	shared := res.File.Shared()
	dst = append(dst, shared.Lines[:shared.TypeLen]...)
	dst = appendContentRange(dst, res.Parts[i], res.File.Size())
	return append(dst, "\r\n"...)
}

// ContentLength gives the length of the content in bytes, of SendParts with all
// part heads and the closing delimiter.
func (res *Response) ContentLength() int64 {
	switch res.Send {
	case SendFile, SendBare, SendPage:
		return res.File.Size()
	case SendPart:
		return res.Parts[0].Length
	case SendParts:
		return res.partsLength()
	case SendBody:
		return int64(len(res.Body))
	}
	return 0
}

func (res *Response) partsLength() int64 {
	// Room for the longest head: delimiter, three numbers of 19 digits, and a
	// media type of ordinary length. A longer one costs an allocation.
	var room [320]byte
	n := int64(0)
	for i := range res.Parts {
		n += int64(len(res.PartHead(room[:0], i))) + res.Parts[i].Length
	}
	return n + int64(len(res.PartHead(room[:0], len(res.Parts))))
}
