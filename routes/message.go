package routes

import "monopoll/routes/site"

// Method is a request method (RFC 9110 §9). Methods are case-sensitive; what
// the table has no name for is MethodUnknown and answered with 501.
type Method uint8

// The methods of RFC 9110 §9.3 and RFC 5789. A pattern in the config may name
// any of them except CONNECT and TRACE.
const (
	MethodUnknown Method = iota
	MethodGet
	MethodHead
	MethodPost
	MethodPut
	MethodPatch
	MethodDelete
	MethodOptions
	MethodTrace
	MethodConnect
	methodCount
)

var methodNames = [methodCount]string{"", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}

// String gives the method as it stands in a request line, "" for MethodUnknown.
func (m Method) String() string { return methodNames[m] }

// ParseMethod finds the method that a token names; MethodUnknown when the
// token names none (RFC 9110 §9.1).
func ParseMethod(token []byte) Method {
	for m := MethodGet; m < methodCount; m++ {
		if string(token) == methodNames[m] {
			return m
		}
	}
	return MethodUnknown
}

// Request is what an answer may depend on. It holds no version of HTTP, so
// that HTTP/2 can fill the same struct. Every slice aliases the bytes that
// arrived and is valid until the step that parsed it returns. A nil field was
// not sent; an empty one was sent empty.
type Request struct {
	Method Method
	// MethodToken is the method as sent, for Method == MethodUnknown and for logs.
	MethodToken []byte
	// Target is the request target as sent (RFC 9112 §3.2), for logs and echo.
	Target []byte
	// Asterisk says that the target is "*" (RFC 9112 §3.2.4): OPTIONS only.
	Asterisk bool
	// Host is the effective host with its port, if it has one: from an
	// absolute-form target, otherwise from the Host field.
	Host []byte
	// Path is the path part of the target, still percent-encoded; never empty
	// unless Asterisk.
	Path []byte
	// Query is what follows '?', without it; nil where there is no '?'.
	Query []byte

	// Now is the time of the turn, in seconds since 1970: the table has no clock.
	Now int64

	// Fields that an answer depends on. A list-valued field sent in several
	// lines arrives joined by ", " (RFC 9110 §5.3). A field that must stand
	// once and did not (Range, If-Range, If-Modified-Since,
	// If-Unmodified-Since) arrives as sent last with its bit set in
	// Repeated.
	Repeated          Field
	IfMatch           []byte
	IfNoneMatch       []byte
	IfModifiedSince   []byte
	IfUnmodifiedSince []byte
	IfRange           []byte
	Range             []byte
	Accept            []byte
	AcceptEncoding    []byte

	// For the log.
	Referer   []byte
	UserAgent []byte

	// Instead is a version of a File that is to be answered with where the table
	// has another one; nil for none.
	Instead *Instead

	// Head is the whole head as sent, from the request line to the empty line
	// (inclusive), for the echo action.
	Head []byte
	// Body is what came after the head, for the echo action only: an answer
	// that asked for it by WantBody is asked again with it.
	Body []byte
}

// Instead is what a file on disk was found to be while no table knows it so.
type Instead struct{ Of, Now *site.File }

// version gives the version of f to answer with.
func (req *Request) version(f *site.File) *site.File {
	if req.Instead != nil && req.Instead.Of == f {
		return req.Instead.Now
	}
	return f
}

// Field is a set of request fields, one bit each.
type Field uint8

// The fields that must not stand twice for a request to be taken at its word.
const (
	FieldRange Field = 1 << iota
	FieldIfRange
	FieldIfModifiedSince
	FieldIfUnmodifiedSince
)

// Response is an answer before it has a version of HTTP. It is reused from one
// request to the next: Reset it, never copy it. What it refers to is either
// immutable (File, Lines) or its own scratch (Own, Body).
type Response struct {
	// Status is the status code (RFC 9110 §15).
	Status int
	// File is the representation that is answered with, or about (304, 412 and
	// HEAD name it without sending it). Nil for answers made on the spot.
	File *site.File
	// Growing is the File that the answer is about, whatever that is, where it was
	// being written when it was taken: a log, of which the head, the conditions and
	// the ranges ought to speak as it is now. Nil for others, and beside Instead.
	Growing *site.File
	// Send says how much of File, or that Body, goes out as content.
	Send Send
	// Parts are the byte ranges to send, for SendPart (one) and SendParts.
	Parts []Part
	// Lines are ready field lines ("Name: value\r\n" each) that the route adds.
	// They are for SendBody, SendPage, and SendNone but a 304 with a File: in
	// all other answers File has them among its own.
	Lines string
	// Own are field lines made for this answer: Location, Allow,
	// Content-Range, and for an answer made on the spot its Content-Type,
	// Cache-Control and so on; never Content-Length, Date, Server, Connection.
	Own []byte
	// Body is the content of an answer made on the spot.
	Body []byte
	// Boundary separates the parts of a multipart/byteranges (RFC 9110 §14.6).
	Boundary [24]byte
	// WantBody says that the route needs the request's content before it can
	// answer: read it, then ask again with Request.Body.
	WantBody bool
	// Pattern is the route that answered, as the config spells it, for logs.
	Pattern string

	// fields are those of `headers:` for this answer, of which Lines are some.
	fields *fieldLines

	// scratch of Answer, kept between requests so that nothing is allocated
	path   Path
	search search
	asked  []asked
	host   []byte
	text   []byte

	// the Accept-Encoding that was read last, and what it said
	acceptField   []byte
	acceptWeights codings
}

// Reset makes the Response fit for the next answer and keeps its scratch.
// Answer begins with it.
func (res *Response) Reset() {
	res.Status, res.File, res.Growing, res.Send, res.WantBody = 0, nil, nil, SendNone, false
	res.Parts, res.Own, res.Body = res.Parts[:0], res.Own[:0], nil
	res.Lines, res.fields, res.Pattern = "", nil, ""
}

// Send says what of a Response goes out as content. Its fields (and with them
// Content-Length) are the same for HEAD as for GET.
type Send uint8

const (
	// SendNone: no content: 204, 304, and redirects, which say Content-Length: 0.
	SendNone Send = iota
	// SendFile: the whole of File.
	SendFile
	// SendPart: one range of File: 206 with Content-Range (in Own).
	SendPart
	// SendParts: several ranges of File as multipart/byteranges.
	SendParts
	// SendBody: Body, with its length.
	SendBody
	// SendBare: the whole of File, without its validators: an error, or what became
	// of a method that is meant to change something (RFC 9110 §9.3.4).
	SendBare
	// SendPage: File as the content of an error (a site's own 404.html): of its
	// fields only Content-Type and Content-Length are used.
	SendPage
)

// Part is a byte range of a representation, [From, From+Length), never empty.
type Part struct{ From, Length int64 }
