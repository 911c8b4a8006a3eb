package site

// Coding is a content coding (RFC 9110 §8.4.1).
type Coding uint8

// The codings, in the order of the code space of Coded's array.
const (
	Identity Coding = iota // no coding: the File itself
	Gzip                   // RFC 1952
	Zstd                   // RFC 8878
	Brotli                 // RFC 7932
	codings
)

var codingNames = [codings]string{"identity", "gzip", "zstd", "br"}

// String gives the coding as Content-Encoding and Accept-Encoding name it.
func (c Coding) String() string { return codingNames[c] }

// suffixes are the endings of the sidecars, by Coding.
var suffixes = [codings]string{"", ".gz", ".zst", ".br"}

// Coded are the coded variants of one File. Immutable.
type Coded struct {
	variant [codings]*File
	// declined has a bit for each coding that was tried and not worth it.
	declined uint8
}

// Coded gives the variant in coding c, nil where there is none; the file
// itself for Identity. A variant is a File in every respect, with a
// Content-Encoding among its Shared lines and an entity tag of its own.
func (f *File) Coded(c Coding) *File {
	if c == Identity {
		return f
	}
	if f.coded == nil {
		return nil
	}
	return f.coded.variant[c]
}

// HasCoded says that there is a variant in some coding.
func (f *File) HasCoded() bool {
	return f.coded != nil && f.coded.variant != [codings]*File{}
}

// lacks says that a coding was neither found nor made nor declined.
func (c *Coded) lacks(coding Coding) bool {
	return c == nil || c.variant[coding] == nil && c.declined&(1<<coding) == 0
}

// complete says that it lacks nothing.
func (c *Coded) complete() bool {
	for coding := Gzip; coding < codings; coding++ {
		if c.lacks(coding) {
			return false
		}
	}
	return true
}

// same says that two sets of variants have the same members.
func (c *Coded) same(d *Coded) bool {
	if c == d || c == nil || d == nil {
		return c == d
	}
	for i, v := range c.variant {
		w := d.variant[i]
		if v != w && (v == nil || w == nil || *v != *w) {
			return false
		}
	}
	return c.declined == d.declined
}

// sidecarOf splits "page.html.br" into "page.html" and Brotli; Identity for a
// name that is no sidecar's.
func sidecarOf(name string) (base string, c Coding) {
	for c := Gzip; c < codings; c++ {
		n := len(name) - len(suffixes[c])
		if n > 0 && name[n:] == suffixes[c] {
			return name[:n], c
		}
	}
	return "", Identity
}
