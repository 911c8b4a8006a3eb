package http1

// Limits are what the configuration bounds; the rest are constants below.
type Limits struct {
	// Head is the largest head, in bytes, from the request line to the empty
	// line. A longer one is refused with 431, or 414 where the request line
	// alone is too long. At least 64.
	Head int
}

// The limits that nobody has had a reason to change.
const (
	// MaxRequestLine bounds the request line with its CRLF, in bytes; beyond it:
	// 414. RFC 9112 §3 recommends that lines of 8,000 bytes be supported, and
	// nginx and Apache both stop at about 8 KiB, so no working link is longer.
	MaxRequestLine = 8 << 10

	// MaxFields bounds the number of field lines of a head; beyond it: 431.
	// Browsers send fewer than 25, with proxies before them fewer than 50; the
	// price of a head grows with its lines, not only with its bytes. 100 is
	// also what Apache has (LimitRequestFields).
	MaxFields = 100

	// MaxMethod bounds a method, in bytes; beyond it: 501 (RFC 9112 §3). The
	// longest in IANA's registry is UPDATEREDIRECTREF, 17.
	MaxMethod = 32

	// MaxEmptyLines bounds the empty lines before a request line (RFC 9112 §2.2
	// asks for at least one to be ignored); beyond it: 400.
	MaxEmptyLines = 4

	// MaxSizeDigits bounds the hexadecimal digits of a chunk size: what fits in
	// 64 bits. Leading zeros count.
	MaxSizeDigits = 16

	// MaxExtensions bounds the chunk extensions of one message, in bytes,
	// all chunks together: nobody uses them, and each costs the reader time
	// that the body limit does not see (RFC 9112 §7.1.1 asks for a limit).
	MaxExtensions = 4 << 10

	// MaxTrailers bounds the trailer section of one message, in bytes; beyond
	// it: 431. Trailers are discarded, so this only bounds the waste.
	MaxTrailers = 4 << 10
)
