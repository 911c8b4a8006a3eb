// Package http1 is the syntax of HTTP/1.1 (RFC 9112), and nothing else: bytes
// in, a routes.Request out; a routes.Response in, bytes out. It knows no
// socket, no clock and no file. It keeps nothing between two calls except what
// the caller hands it, and it allocates nothing once its scratch has grown.
//
// # The structs
//
//	Message   what a request says about HTTP/1 itself: version, framing, persistence
//	Mark      how far an incomplete head has been checked; eight bytes a connection
//	Refusal   why a request is not taken: a status and a reason for the log
//	Chunked   the decoder of a chunked body; sixteen bytes a connection
//	Clock     the first lines of an answer, rebuilt once a second
//
// # Reading order
//
//	token.go    which byte may stand where
//	limits.go   every number, its unit and its reason
//	refusal.go  every way to say no, in one list
//	parse.go    Parse: consumed, incomplete or refused; field lines
//	line.go     the request line: method, target, version
//	target.go   the four forms of a target; what a host may look like
//	field.go    which fields are looked at, and how a repeated one is joined
//	framing.go  what the fields mean together: Host, length, coding, Expect, persistence
//	chunked.go  Chunked.Decode: resumable at any byte
//	head.go     AppendAnswer: status line, Date, fields, and a small body with them
//	status.go   status lines with the reason phrases of RFC 9110
//
// # What was decided where the RFC leaves room
//
//   - An empty Host is accepted: it is what a client sends whose target has no
//     authority (RFC 9110 §7.2). A port without a host is refused (§4.2.1).
//   - The host of an absolute-form target wins, but Host must be valid all the
//     same (RFC 9112 §3.2). OPTIONS for a URI without path and query is OPTIONS
//     for the server (§3.2.4).
//   - CONNECT is refused with 501: no target here could ever take it (RFC 9110
//     §15.6.2). TRACE and unknown methods are parsed; the answer refuses them.
//   - A transfer coding that nobody knows is 501; chunked that is not last, or
//     stands twice, is 400, since then the length is unknown (RFC 9112 §6.3).
//   - Lengths that are alike are merged; "5, 05" is not alike.
//   - Syntax is refused line by line, as soon as the bytes prove it wrong; what
//     several lines mean together is judged at the end of the head. So the same
//     bytes get the same refusal however they were split.
//
// # Where this is stricter than the RFC demands
//
// Whatever two servers in a row might read differently is refused, even where
// a recipient may be lenient: a line that ends in a bare LF (RFC 9112 §2.2), an
// obs-fold (§5.2), Transfer-Encoding beside Content-Length (§6.1), an empty
// element in either of them, and IPvFuture hosts.
//
// # Where this is more lenient than the grammar
//
// A target may hold the bytes \ ^ ` { | } [ ] as they are, although RFC 3986
// wants them percent-encoded: browsers send them in queries (WHATWG URL §1.3).
// Broken percent escapes in a path are seen, and refused, by the one who
// decodes them (package routes).
package http1
