package http1

import "monopoll/routes"

// "HTTP/1.1" and "HTTP/1.0" as load8 sees them.
const (
	version11 = 'H' | 'T'<<8 | 'T'<<16 | 'P'<<24 | '/'<<32 | '1'<<40 | '.'<<48 | '1'<<56
	version10 = 'H' | 'T'<<8 | 'T'<<16 | 'P'<<24 | '/'<<32 | '1'<<40 | '.'<<48 | '0'<<56
	methodGet = 'G' | 'E'<<8 | 'T'<<16 | ' '<<24 // "GET " as load4 sees it
)

// requestLine reads method SP target SP version CRLF (RFC 9112 §3) from i on
// and gives what follows it, 0 where it is incomplete.
func requestLine(in []byte, i int, req *routes.Request, msg *Message) (int, *Refusal) {
	if i+4 <= len(in) && load4(in[i:]) == methodGet {
		req.Method, req.MethodToken = routes.MethodGet, in[i:i+3]
		i += 4
	} else {
		next, refused := method(in, i, req)
		if next == 0 {
			return 0, refused
		}
		i = next
	}

	begin := i
	for i < len(in) && class[in[i]]&isPath != 0 {
		i++
	}
	query := i
	if i < len(in) && in[i] == '?' {
		for i++; i < len(in) && class[in[i]]&isQuery != 0; i++ {
		}
	}
	if i == len(in) {
		return 0, nil
	}
	if in[i] != ' ' || i == begin {
		return 0, badTarget(in, begin, i)
	}
	req.Target = in[begin:i]
	query -= begin
	i++

	if i+10 <= len(in) && load8(in[i:])&^(1<<56) == version10 && in[i+8] == '\r' && in[i+9] == '\n' {
		msg.Minor = in[i+7] - '0'
		i += 10
	} else {
		next, refused := version(in, i, msg)
		if next == 0 {
			return 0, refused
		}
		i = next
	}
	if in[begin] == '/' && req.Method != routes.MethodConnect {
		req.Path, req.Query = split(req.Target, query)
		return i, nil
	}
	return i, otherForm(req, query)
}

// method reads a method and the space after it (RFC 9110 §9.1).
func method(in []byte, i int, req *routes.Request) (int, *Refusal) {
	begin := i
	for i < len(in) && class[in[i]]&isToken != 0 {
		if i++; i-begin > MaxMethod {
			return 0, refuseMethodLong
		}
	}
	if i == len(in) {
		return 0, nil
	}
	if in[i] != ' ' || i == begin {
		return 0, badMethod(in, begin, i)
	}
	req.MethodToken = in[begin:i]
	req.Method = routes.ParseMethod(req.MethodToken)
	return i + 1, nil
}

// version reads HTTP-version and CRLF (RFC 9112 §2.3). Anything that cannot
// become a version is refused at its first byte.
func version(in []byte, i int, msg *Message) (int, *Refusal) {
	const pattern = "HTTP/0.0\r\n" // 0 stands for any digit
	for k := 0; k < len(pattern); k++ {
		if i+k == len(in) {
			return 0, nil
		}
		c, want := in[i+k], pattern[k]
		switch {
		case want == c, want == '0' && class[c]&isDigit != 0:
		case c == '\n':
			return 0, refuseBareLF
		case k == 0 && c == '\r':
			return 0, refuseNoVersion
		case want == '\n':
			return 0, refuseBareCR
		default:
			return 0, refuseVersion
		}
	}
	if in[i+5] != '1' {
		return 0, refuseMajorVersion
	}
	msg.Minor = in[i+7] - '0'
	return i + len(pattern), nil
}

// badMethod says what is wrong with a request line at i, in its method.
func badMethod(in []byte, begin, i int) *Refusal {
	switch {
	case i == begin && in[i] == 0x16: // a TLS record: handshake (RFC 8446 §5.1)
		return refuseTLS
	case in[i] == '\n':
		return refuseBareLF
	default:
		return refuseMethod
	}
}

// badTarget says what is wrong with a request line at i, in its target.
func badTarget(in []byte, begin, i int) *Refusal {
	switch {
	case in[i] == '\n':
		return refuseBareLF
	case i == begin && (in[i] == ' ' || in[i] == '\r'):
		return refuseTargetEmpty
	case in[i] == '\r':
		return refuseNoVersion
	case in[i] == '#':
		return refuseFragment
	default:
		return refuseTargetByte
	}
}
