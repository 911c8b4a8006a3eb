package http1

import (
	"bytes"

	"monopoll/routes"
)

// slash is the path of a URI that has none (RFC 9110 §4.2.3).
var slash = []byte("/")

// split divides a target, or what follows its authority, at the '?' that
// stands at query, or is not there.
func split(target []byte, query int) (path, rest []byte) {
	if query >= len(target) {
		return target, nil
	}
	return target[:query], target[query+1:]
}

// otherForm reads a target that does not begin with a slash: absolute-form,
// asterisk-form, or the authority-form of CONNECT (RFC 9112 §3.2). query is
// where its '?' stands, or its length.
func otherForm(req *routes.Request, query int) *Refusal {
	switch {
	case req.Method == routes.MethodConnect:
		if !validAuthority(req.Target, true) {
			return refuseAuthority
		}
		return refuseConnect
	case len(req.Target) == 1 && req.Target[0] == '*':
		if req.Method != routes.MethodOptions {
			return refuseAsterisk
		}
		req.Asterisk = true
		return nil
	}
	return absoluteForm(req, query)
}

// absoluteForm reads an http URI (RFC 9112 §3.2.2). Its host is the effective
// one, whatever Host says. What https names is only for a connection that is
// secured (RFC 9110 §7.4).
func absoluteForm(req *routes.Request, query int) *Refusal {
	target := req.Target
	begin := 0
	switch {
	case len(target) >= 7 && fold(target[:7], "http://"):
		begin = 7
	case len(target) >= 8 && fold(target[:8], "https://"):
		return refuseScheme
	default:
		return refuseTargetForm
	}
	end := begin
	for end < query && target[end] != '/' {
		end++
	}
	authority := target[begin:end]
	if bytes.IndexByte(authority, '@') >= 0 {
		return refuseUserinfo
	}
	if len(authority) == 0 || !validAuthority(authority, false) {
		return refuseAuthority
	}
	req.Host = authority
	req.Path, req.Query = split(target[end:], query-end)
	if len(req.Path) == 0 {
		// A URI without path and query stands for "*" in OPTIONS (RFC 9112
		// §3.2.4) and for "/" elsewhere.
		if req.Method == routes.MethodOptions && req.Query == nil {
			req.Asterisk = true
			req.Path = nil
			return nil
		}
		req.Path = slash
	}
	return nil
}

// validAuthority checks uri-host [ ":" port ] (RFC 9110 §7.2, RFC 3986 §3.2.2).
// An empty host is valid only where there is no port either: it says that the
// target has no authority. needPort wants a port with at least one digit.
func validAuthority(b []byte, needPort bool) bool {
	if len(b) == 0 {
		return !needPort
	}
	if b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		return end > 0 && validIPv6(b[1:end]) && validPort(b[end+1:], needPort)
	}
	i := 0
	for i < len(b) && class[b[i]]&isHost != 0 {
		i++
	}
	for i < len(b) && b[i] == '%' {
		if i+2 >= len(b) || class[b[i+1]]&class[b[i+2]]&isHex == 0 {
			return false
		}
		for i += 3; i < len(b) && class[b[i]]&isHost != 0; i++ {
		}
	}
	return i > 0 && validPort(b[i:], needPort)
}

// validPort checks what follows a host: nothing, or a colon and a port up to
// 65535. The port may be empty (RFC 3986 §3.2.3).
func validPort(b []byte, need bool) bool {
	if len(b) == 0 {
		return !need
	}
	if b[0] != ':' || need && len(b) == 1 {
		return false
	}
	port := 0
	for _, c := range b[1:] {
		if class[c]&isDigit == 0 {
			return false
		}
		if port = port*10 + int(c-'0'); port > 65535 {
			return false
		}
	}
	return true
}

// validIPv6 checks the text form of an IPv6 address (RFC 3986 §3.2.2): eight
// groups of one to four hexadecimal digits, "::" once for one group of zeros
// or more, the last two groups perhaps as IPv4. A zone has no meaning here.
func validIPv6(b []byte) bool {
	groups, gap, i := 0, false, 0
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, i = true, 2
	}
	for i < len(b) {
		begin := i
		for i < len(b) && class[b[i]]&isHex != 0 {
			i++
		}
		if i < len(b) && b[i] == '.' {
			return validIPv4(b[begin:]) && (gap && groups < 6 || !gap && groups == 6)
		}
		if i == begin || i-begin > 4 {
			return false
		}
		groups++
		if i == len(b) {
			break
		}
		if b[i] != ':' || i+1 == len(b) {
			return false
		}
		i++
		if b[i] == ':' {
			if gap {
				return false
			}
			gap = true
			i++
		}
	}
	return gap && groups < 8 || !gap && groups == 8
}

// validIPv4 checks four decimal numbers up to 255 without leading zeros.
func validIPv4(b []byte) bool {
	numbers, digits, value := 0, 0, 0
	for _, c := range b {
		switch {
		case c == '.':
			if digits == 0 {
				return false
			}
			digits, value = 0, 0
		case class[c]&isDigit == 0 || digits > 0 && value == 0:
			return false
		default:
			if digits == 0 {
				numbers++
			}
			digits++
			if value = value*10 + int(c-'0'); value > 255 {
				return false
			}
		}
	}
	return numbers == 4 && digits > 0
}
