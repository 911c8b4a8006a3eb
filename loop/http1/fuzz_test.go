package http1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"monopoll/routes"
)

// FuzzParse holds Parse against Go's own reader: what Parse accepts, net/http
// reads the same way, but for the differences that allowed lists. What Parse
// refuses may be accepted there: Go's is the more lenient of the two.
func FuzzParse(f *testing.F) {
	for _, c := range readCases(f, "parse") {
		if len(c.in) < 4000 {
			f.Add([]byte(c.in))
		}
	}
	for _, p := range programs {
		f.Add([]byte(p.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var mark Mark
		var req routes.Request
		var msg Message
		n, refused := Parse(in, &mark, lim, &req, &msg)
		whole := outcome(n, refused, &req, &msg)
		compareSplits(t, in, n, refused, whole)
		if n == 0 || refused != nil {
			return
		}
		theirs, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(req.Head)))
		if err != nil {
			if why := allowed(&req, &msg, err); why == "" {
				t.Fatalf("accepted, but net/http says %v:\n%s", err, whole)
			}
			return
		}
		if differ := compare(&req, &msg, theirs); differ != "" {
			t.Fatalf("read differently: %s\n%s", differ, whole)
		}
	})
}

// compareSplits wants the same outcome when in comes in two pieces, at a few
// places, and byte by byte where it is short.
func compareSplits(t *testing.T, in []byte, n int, refused *Refusal, whole string) {
	var places [][]int
	for _, at := range []int{1, len(in) / 3, len(in) / 2, len(in) - 1} {
		if 0 < at && at < len(in) {
			places = append(places, []int{at, len(in)})
		}
	}
	if len(in) < 300 {
		each := make([]int, len(in))
		for i := range each {
			each[i] = i + 1
		}
		places = append(places, each)
	}
	for _, ends := range places {
		if got, _ := parsePieces(string(in), ends); got != whole {
			t.Fatalf("in pieces %v\n%s, whole\n%s", ends, got, whole)
		}
	}
	if n > 0 && refused == nil {
		if got := parseWhole(string(in[:n-1])); got != "incomplete\n" {
			t.Fatalf("complete after %d bytes, but before the last of them\n%s", n, got)
		}
	}
}

// allowed gives the reason why net/http may refuse what Parse accepts, "" if
// it may not.
func allowed(req *routes.Request, msg *Message, err error) string {
	text := err.Error()
	target := string(req.Target)
	_, bad := url.ParseRequestURI(target)
	switch {
	case bad != nil && strings.Contains(text, "invalid URL escape"):
		return "escapes of the path are looked at by the one who decodes them, and refused there"
	case bad != nil && strings.Contains(text, "invalid character") && !strings.HasPrefix(target, "/"):
		return "package url knows fewer bytes of a host than RFC 3986 §3.2.2 has"
	case bad != nil && (strings.Contains(text, "invalid host") || strings.Contains(text, "invalid port")):
		return "package url knows fewer forms of a host than RFC 3986 §3.2.2 has"
	case strings.Contains(text, "bad Content-Length") && bytes.ContainsAny(req.Head, ","):
		return "a list of identical lengths may be taken as one of them (RFC 9112 §6.3)"
	case strings.Contains(text, "bad Content-Length") && msg.ContentLength >= 0:
		return "leading zeros do not make a number too long"
	case strings.Contains(text, "bad Content-Length") && msg.Chunked:
		return "never: Parse refuses both together"
	}
	return ""
}

// compare says in what Parse and net/http differ, "" if in nothing.
func compare(req *routes.Request, msg *Message, theirs *http.Request) string {
	if string(req.MethodToken) != theirs.Method {
		return fmt.Sprintf("method %q", theirs.Method)
	}
	if string(req.Target) != theirs.RequestURI {
		return fmt.Sprintf("target %q", theirs.RequestURI)
	}
	if int(msg.Minor) != theirs.ProtoMinor || theirs.ProtoMajor != 1 {
		return "version " + theirs.Proto
	}
	if host := theirs.Host; string(req.Host) != host && !sameEncodedHost(req, host) {
		return fmt.Sprintf("host %q", host)
	}
	chunked := len(theirs.TransferEncoding) == 1 && theirs.TransferEncoding[0] == "chunked"
	if chunked != msg.Chunked {
		return fmt.Sprintf("coding %q", theirs.TransferEncoding)
	}
	length := theirs.ContentLength
	if length == 0 && msg.ContentLength == -1 {
		length = -1 // net/http says 0 for a request that has no body
	}
	if length != msg.ContentLength {
		return fmt.Sprintf("length %d", theirs.ContentLength)
	}
	// net/http says Close for 1.0 whatever Connection says, and keeps
	// connections of later versions like those of 1.1.
	if keep := !theirs.Close; keep != msg.KeepAlive {
		return fmt.Sprintf("close %t", theirs.Close)
	}
	return compareFields(req, theirs.Header)
}

// sameEncodedHost: package url decodes escapes of an absolute-form's host.
func sameEncodedHost(req *routes.Request, host string) bool {
	decoded, err := url.PathUnescape(string(req.Host))
	return err == nil && decoded == host && req.Target[0] != '/'
}

func compareFields(req *routes.Request, theirs http.Header) string {
	for name, ours := range map[string][]byte{
		"If-Match": req.IfMatch, "If-None-Match": req.IfNoneMatch,
		"Accept": req.Accept, "Accept-Encoding": req.AcceptEncoding,
	} {
		if values := theirs[name]; strings.Join(values, ", ") != string(ours) || (values == nil) != (ours == nil) {
			return fmt.Sprintf("%s %q", name, values)
		}
	}
	for name, ours := range map[string][]byte{
		"If-Modified-Since": req.IfModifiedSince, "If-Unmodified-Since": req.IfUnmodifiedSince,
		"If-Range": req.IfRange, "Range": req.Range, "Referer": req.Referer, "User-Agent": req.UserAgent,
	} {
		values := theirs[name]
		if (values == nil) != (ours == nil) || len(values) > 0 && values[len(values)-1] != string(ours) {
			return fmt.Sprintf("%s %q", name, values)
		}
	}
	for name, bit := range map[string]routes.Field{
		"If-Modified-Since": routes.FieldIfModifiedSince, "If-Unmodified-Since": routes.FieldIfUnmodifiedSince,
		"If-Range": routes.FieldIfRange, "Range": routes.FieldRange,
	} {
		if (len(theirs[name]) > 1) != (req.Repeated&bit != 0) {
			return fmt.Sprintf("%s stands %d times", name, len(theirs[name]))
		}
	}
	return ""
}

// FuzzChunked holds the decoder against Go's: what it accepts, Go decodes to
// the same content, and every split gives the same.
func FuzzChunked(f *testing.F) {
	for _, c := range readCases(f, "chunked") {
		if len(c.in) < 4000 {
			f.Add([]byte(c.in))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole := decode(string(in), len(in))
		for _, at := range []int{1, len(in) / 3, len(in) / 2, len(in) - 1} {
			if 0 < at && at < len(in) {
				if got := decode(string(in), at, len(in)); got != whole {
					t.Fatalf("split at %d\n%s, whole\n%s", at, got, whole)
				}
			}
		}
		var taken int
		if _, err := fmt.Sscanf(whole, "taken %d", &taken); err != nil {
			return
		}
		theirs, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(in[:taken])))
		if err != nil {
			if allowedChunked(err) != "" {
				return
			}
			t.Fatalf("accepted, but net/http says %v", err)
		}
		if want := fmt.Sprintf("taken %d\ndata %q\n", taken, theirs); whole != want {
			t.Fatalf("read differently:\n%s, net/http\n%s", whole, want)
		}
	})
}

// allowedChunked gives the reason why net/http may refuse what Decode accepts,
// "" if it may not.
func allowedChunked(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "too much overhead"), strings.Contains(text, "too long"):
		return "net/http bounds all framing together; here extensions and trailers are bounded"
	case strings.Contains(text, "invalid byte in chunk length"):
		return "whitespace before a semicolon is BWS, which a recipient has to take (RFC 9112 §7.1.1)"
	}
	return ""
}

// FuzzIPv6 holds the check of IPv6 addresses against package netip: what may
// stand in brackets is what is an address there, without a zone.
func FuzzIPv6(f *testing.F) {
	for _, seed := range []string{
		"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::3:4:5:6:7:8", "1:2:3:4::5:6:7:8",
		"::ffff:192.0.2.1", "1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5::192.0.2.1", "1:2:3:4:5:6::192.0.2.1", "::192.0.2.1.", "::192.0.2",
		"::01.2.3.4", "::256.1.1.1", "1.2.3.4", "fe80::1%lo", ":::", "1:::2", "12345::", "g::", "::1:", ":1::", "", ":", "1", "1:",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, err := netip.ParseAddr(text)
		want := err == nil && address.Is6() && address.Zone() == ""
		if got := validIPv6([]byte(text)); got != want {
			t.Errorf("%q: %t, netip says %v, %v", text, got, address, err)
		}
	})
}
