package site

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"time"
	"unsafe"
)

// timeFormat is IMF-fixdate (RFC 9110 §5.6.7); the time must be in UTC.
const timeFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

// An entity tag holds 128 bits of a SHA-256 in base64url: short enough for
// every head, and to find two bodies of one tag still takes 2^64 tries.
const (
	tagBytes = 16
	tagText  = 22 // base64 of tagBytes, without padding
	tagLen   = tagText + len(`""`)
)

// tagSum is the content of an entity tag, before base64.
type tagSum [tagBytes]byte

func sumOf(body []byte) (sum tagSum) {
	whole := sha256.Sum256(body)
	copy(sum[:], whole[:])
	return sum
}

// weakSum stands in for the content of a body that nobody has read yet. It is
// hashed so that no inode number leaves the house.
func weakSum(st Stamp, size int64) tagSum {
	var b []byte
	for _, n := range [...]uint64{uint64(st.Dev), st.Ino, uint64(st.Mtime), uint64(st.Ctime), uint64(size)} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return sumOf(b)
}

func strongTag(sum tagSum) string {
	b := append(make([]byte, 0, tagLen), '"')
	b = base64.RawURLEncoding.AppendEncode(b, sum[:])
	return string(append(b, '"'))
}

func weakTag(sum tagSum) string { return "W/" + strongTag(sum) }

// head is the part of a File's data that stands before the body.
type head struct {
	buf                      []byte
	etagAt, lengthAt, bodyAt int
}

// newHead lays out the fields of one representation, with room behind them for
// room bytes of a body. It leaves Last-Modified out where modified is nil. The
// tag may be a placeholder of the right length, to be put right by setTag.
func newHead(modified *time.Time, tag string, size int64, room int64) head {
	var h head
	b := make([]byte, 0, len("Last-Modified: ")+len(timeFormat)+2+len("ETag: ")+len(tag)+2+
		len("Content-Length: ")+digits(size)+4+int(room))
	if modified != nil {
		b = append(b, "Last-Modified: "...)
		b = modified.UTC().AppendFormat(b, timeFormat)
		b = append(b, "\r\n"...)
	}
	h.etagAt = len(b)
	if tag != "" {
		b = append(b, "ETag: "...)
		b = append(b, tag...)
		b = append(b, "\r\n"...)
	}
	h.lengthAt = len(b)
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, size, 10)
	b = append(b, "\r\n\r\n"...)
	h.bodyAt = len(b)
	h.buf = b
	return h
}

// body is where the body goes, n bytes of it.
func (h *head) body(n int64) []byte {
	h.buf = h.buf[:h.bodyAt+int(n)]
	return h.buf[h.bodyAt:]
}

// setTag writes the entity tag over the placeholder that newHead was given.
func (h *head) setTag(sum tagSum) {
	at := h.etagAt + len(`ETag: "`)
	base64.RawURLEncoding.Encode(h.buf[at:at+tagText], sum[:])
}

// file makes the File. The buffer is the File's from here on.
func (h *head) file() *File {
	return &File{
		data:     unsafe.String(unsafe.SliceData(h.buf), len(h.buf)),
		etagAt:   uint8(h.etagAt),
		lengthAt: uint8(h.lengthAt),
		bodyAt:   uint8(h.bodyAt),
	}
}

// placeholder is a strong tag that setTag has yet to write.
var placeholder = strongTag(tagSum{})

func digits(n int64) int {
	d := 1
	for n >= 10 {
		n /= 10
		d++
	}
	return d
}
