package http1

import "strconv"

// Refusal is why a request is not taken. After a refusal nothing more on that
// connection can be understood with certainty, so every refusal is answered
// with its status and `Connection: close`.
type Refusal struct {
	// Status is the status code of the answer.
	Status int
	// Reason says, for the log, what was wrong. It quotes nothing that was sent.
	Reason string
}

// Error gives the status and the reason.
func (r *Refusal) Error() string { return strconv.Itoa(r.Status) + " " + r.Reason }

// Every refusal there is. They are pointers to be compared, and cost nothing
// to return.
var (
	// Lines.
	refuseBareLF     = &Refusal{400, "a line ends in a bare LF"}
	refuseBareCR     = &Refusal{400, "a CR is not followed by LF"}
	refuseEmptyLines = &Refusal{400, "too many empty lines before the request line"}

	// The request line.
	refuseTLS          = &Refusal{400, "a TLS handshake on a port that speaks plain HTTP"}
	refuseMethod       = &Refusal{400, "the method is not a token"}
	refuseMethodLong   = &Refusal{501, "the method is longer than any known one"}
	refuseLineLong     = &Refusal{414, "the request line is too long"}
	refuseTargetEmpty  = &Refusal{400, "the request line has no target"}
	refuseTargetByte   = &Refusal{400, "the target has a byte that must be percent-encoded"}
	refuseFragment     = &Refusal{400, "the target has a fragment"}
	refuseTargetForm   = &Refusal{400, "the target is neither a path nor an http URI"}
	refuseScheme       = &Refusal{421, "the target is an https URI, and this connection is not secured"}
	refuseAsterisk     = &Refusal{400, "the target * is for OPTIONS only"}
	refuseUserinfo     = &Refusal{400, "the target has user information"}
	refuseAuthority    = &Refusal{400, "the target has an invalid host or port"}
	refuseConnect      = &Refusal{501, "CONNECT is not implemented: this is no proxy"}
	refuseNoVersion    = &Refusal{400, "the request line has no version (HTTP/0.9)"}
	refuseVersion      = &Refusal{400, "the version is malformed"}
	refuseMajorVersion = &Refusal{505, "the major version is not 1"}

	// Field lines.
	refuseFold       = &Refusal{400, "a field line begins with whitespace"}
	refuseNameEmpty  = &Refusal{400, "a field has no name"}
	refuseNameSpace  = &Refusal{400, "whitespace stands between a field name and its colon"}
	refuseName       = &Refusal{400, "a field name is not a token"}
	refuseNoColon    = &Refusal{400, "a field line has no colon"}
	refuseValue      = &Refusal{400, "a field value has a control byte"}
	refuseFields     = &Refusal{431, "too many field lines"}
	refuseHeadLong   = &Refusal{431, "the head is too long"}
	refuseHostAbsent = &Refusal{400, "an HTTP/1.1 request has no Host"}
	refuseHostTwice  = &Refusal{400, "Host stands more than once"}
	refuseHost       = &Refusal{400, "Host is not a valid host and port"}
	refuseExpect     = &Refusal{417, "an expectation other than 100-continue"}

	// Framing.
	refuseLength       = &Refusal{400, "Content-Length is not a number of bytes"}
	refuseLengthDiffer = &Refusal{400, "several Content-Length values differ"}
	refuseBoth         = &Refusal{400, "Transfer-Encoding and Content-Length stand together"}
	refuseCodingOld    = &Refusal{400, "Transfer-Encoding in an HTTP/1.0 request"}
	refuseCodingSyntax = &Refusal{400, "Transfer-Encoding is malformed"}
	refuseCodingOrder  = &Refusal{400, "chunked is not the last transfer coding, or stands twice"}
	refuseCoding       = &Refusal{501, "an unknown transfer coding"}

	// Chunked bodies.
	refuseChunkSize      = &Refusal{400, "a chunk size is malformed or too large"}
	refuseChunkExtension = &Refusal{400, "a chunk extension is malformed"}
	refuseExtensionsLong = &Refusal{400, "too many bytes of chunk extensions"}
	refuseChunkEnd       = &Refusal{400, "a chunk does not end where its size says"}
	refuseTrailer        = &Refusal{400, "a trailer field is malformed"}
	refuseTrailersLong   = &Refusal{431, "the trailer section is too long"}
)
