package site

import "time"

// File is one representation (RFC 9110 §8): a file of a document root, a coded
// variant of one, or a fixed response, ready to be sent. Immutable.
//
// data holds, in one piece of memory so that a small answer is one copy:
//
//	Last-Modified: …\r\n     (absent in a fixed response)
//	ETag: "…"\r\n
//	Content-Length: N\r\n
//	\r\n
//	the body                 (or where it is, when it stays on disk: see place)
//
// There may be a million of them: it is 64 bytes, which is what memory comes in.
type File struct {
	data   string
	shared *Shared
	coded  *Coded // its coded variants, nil when there are none
	// which version of which inode it is, see Stamp; zero in a fixed response
	ino          uint64
	mtime, ctime int64
	dev          uint32
	// where the parts of data begin; a head is no longer than headMost
	etagAt, lengthAt, bodyAt uint8
	flags                    flags
}

// flags say what else is true of a File, one bit each.
type flags uint8

const (
	// flagForbidden: it is there but cannot be read.
	flagForbidden flags = 1 << iota
	// flagFuture: its mtime lay ahead of the clock, so that Last-Modified is
	// the time of reading (RFC 9110 §8.8.2.1).
	flagFuture
	// flagRacy: it was read so soon after its last change that another change
	// may have left the same stamp. Not taken at its word when seen again.
	flagRacy
	// flagMade: a coded variant that was made here, not found as a sidecar.
	flagMade
	// flagDisk: the body stays on disk.
	flagDisk
	// flagTwice: another version had the same Last-Modified, to the second.
	flagTwice
	// flagWritten: somebody was writing it when it was taken, and may still be.
	flagWritten
)

// Shared are the field lines that many files have in common: one value for
// each media type and cache rule of a document root.
type Shared struct {
	// Type is the media type with its charset, for multipart parts and errors.
	Type string
	// Lines go with 200 and 206; the first of them is Content-Type, then come
	// X-Content-Type-Options, Content-Encoding, Accept-Ranges, Cache-Control,
	// Vary, and the fields of the route's `headers:`.
	Lines string
	// TypeLen is the length of the first of Lines, Content-Type and its CRLF, so
	// that a multipart answer can put its own in the place.
	TypeLen int
	// Lines304 go with 304: Cache-Control, Vary, and the fields of `headers:`.
	Lines304 string
}

// Size is the length of the body in bytes.
func (f *File) Size() int64 {
	if f.flags&flagDisk != 0 {
		return f.sizeOnDisk()
	}
	return int64(len(f.data)) - int64(f.bodyAt)
}

// Shared gives the field lines it has in common with others of its kind.
func (f *File) Shared() *Shared { return f.shared }

// Tail gives, in one piece, the field lines that are its own (Last-Modified, ETag
// and Content-Length), the empty line that ends a head, and the body where that is
// in memory.
func (f *File) Tail() string {
	if f.flags&flagDisk != 0 {
		return f.data[:f.bodyAt]
	}
	return f.data
}

// Validators gives the Last-Modified and ETag lines, without Content-Length.
func (f *File) Validators() string { return f.data[:f.lengthAt] }

// ETagLine gives the ETag line alone.
func (f *File) ETagLine() string { return f.data[f.etagAt:f.lengthAt] }

// ETag gives the entity tag with its quotes, and W/ before them if it is weak
// (RFC 9110 §8.8.3); "" if it has none.
func (f *File) ETag() string {
	if f.etagAt == f.lengthAt {
		return ""
	}
	return f.data[f.etagAt+uint8(len("ETag: ")) : f.lengthAt-2]
}

// Modified gives the time of Last-Modified in seconds since 1970, and false if
// the File has none.
func (f *File) Modified() (sec int64, ok bool) {
	if f.etagAt == 0 {
		return 0, false
	}
	if f.flags&flagFuture == 0 {
		return max(0, f.mtime/1e9), true
	}
	at := len("Last-Modified: ")
	t, err := time.Parse(timeFormat, f.data[at:at+len(timeFormat)])
	return t.Unix(), err == nil
}

// DatedTwice says that there was another version with the same Last-Modified
// since this root is served, so that the date tells nobody which one it has: it is
// no strong validator (RFC 9110 §8.8.2.2).
func (f *File) DatedTwice() bool { return f.flags&flagTwice != 0 }

// Growing says that the body stays on disk, and that somebody was writing it when
// it was taken, and had been for long: a log, as a rule.
func (f *File) Growing() bool { return f.flags&flagWritten != 0 }

// GrewInto says that now, which OpenNow has found, is probably f with more behind
// it: a log, which somebody was writing already when f was taken.
func (f *File) GrewInto(now *File) bool {
	return f.Growing() && f.ino == now.ino && f.dev == now.dev && f.Size() <= now.Size()
}

// Body gives the body and true, or false when it stays on disk. There is nothing
// on disk of an empty one.
func (f *File) Body() (string, bool) {
	if f.flags&flagDisk != 0 {
		return "", f.sizeOnDisk() == 0
	}
	return f.data[f.bodyAt:], true
}
