package config

import (
	"fmt"
	"go/token"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// maxRedirect is the length of a redirect's target in bytes.
const maxRedirect = 4 << 10

var redirectStatuses = []int{301, 302, 303, 307, 308}

var redirectStatus = value[int]{
	schema: &schema{Enum: []any{301, 302, 303, 307, 308, "301", "302", "303", "307", "308"}},
	read: func(d *decoder, at place) (int, bool) {
		n, err := strconv.Atoi(at.node.Value)
		if at.node.Kind != yaml.ScalarNode || err != nil || !decimal.MatchString(at.node.Value) || !slices.Contains(redirectStatuses, n) {
			d.want(at, "301, 302, 303, 307 or 308")
			return 0, false
		}
		return n, true
	},
}

// targetPattern is a path, or a URL without a query.
const (
	targetEscapes = `%[0-9A-Fa-f]{2}|\{[^{}]+\}`
	targetFirst   = `([!$&'()*+,.0-9:;=@A-Z\[\]_a-z~-]|` + targetEscapes + `)` // not a slash
	targetRest    = `([!$&'()*+,./0-9:;=@A-Z\[\]_a-z~-]|` + targetEscapes + `)*`
	hostPattern   = `[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?`
	targetPattern = `^(/(` + targetFirst + targetRest + `)?|[Hh][Tt][Tt][Pp][Ss]?://(` + hostPattern + `|` + sixPattern + `)(:` + portPattern + `)?(/` + targetRest + `)?)$`
)

var targetValue = value[string]{
	schema: &schema{Type: "string", Pattern: targetPattern},
	read: func(d *decoder, at place) (string, bool) {
		text, ok := d.scalar(at, "a path such as /new/{page}, or an http(s) URL")
		if !ok {
			return "", false
		}
		if wrong := checkTarget(text); wrong != "" {
			d.fail(at, "%s", wrong)
			return "", false
		}
		return text, true
	},
}

var redirectKeys = mapping[Redirect]{what: "redirect", keys: []key[Redirect]{
	member("to", "A path or an http(s) URL; {name} stands for what the pattern captured. The query string is kept.", nil, targetValue,
		func(r *Redirect) *string { return &r.To }).called("url", "target", "location", "path"),
	member("status", "The status code.", 308, redirectStatus, func(r *Redirect) *int { return &r.Status }).called("code"),
}}

var redirectValue = value[*Redirect]{
	schema:  &schema{AnyOf: []*schema{targetValue.schema, redirectKeys.object(&schema{Required: []string{"to"}})}},
	options: redirectKeys.names(),
	read: func(d *decoder, at place) (*Redirect, bool) {
		r := &Redirect{Status: 308}
		before := len(d.mistakes)
		if at.node.Kind == yaml.MappingNode {
			if known, _ := redirectKeys.read(d, at, r); !has(known, "to") && len(d.mistakes) == before {
				d.fail(at, "a redirect needs to: where to send clients")
			}
		} else {
			r.To, _ = targetValue.read(d, at)
		}
		return r, len(d.mistakes) == before
	},
}

// checkTarget says what is wrong with a redirect's target. It must name its
// host outright or stay on this one: never "//host" nor "/\host", which browsers
// take for a host, and nothing that a request captured can be in the authority.
func checkTarget(to string) string {
	if len(to) > maxRedirect {
		return fmt.Sprintf("the target has %d bytes; %d is the most", len(to), maxRedirect)
	}
	if wrong := checkTargetCharacters(to); wrong != "" {
		return wrong
	}
	path := to
	if scheme, rest, absolute := strings.Cut(to, "://"); absolute && !strings.ContainsAny(scheme, "/?#{") {
		if s := strings.ToLower(scheme); s != "http" && s != "https" {
			return fmt.Sprintf("a redirect leads to http:// or https://, not %s://", short(scheme))
		}
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		if wrong := checkAuthority(rest[:end]); wrong != "" {
			return wrong
		}
		path = rest[end:]
		if path != "" && path[0] != '/' {
			return "the URL needs a / after the host"
		}
	} else if !strings.HasPrefix(to, "/") {
		return fmt.Sprintf("%q is neither a path nor an http(s) URL; a path begins with /", short(to))
	} else if strings.HasPrefix(to, "//") {
		return fmt.Sprintf("a target that begins with // leads to another host; write https:%s if that is meant, or one /", short(to))
	}
	return checkTargetPath(path)
}

// checkTargetCharacters refuses what cannot stand in a Location (RFC 3986 §2).
func checkTargetCharacters(to string) string {
	name := false // inside of {name}, which goes nowhere as it is
	for i, r := range to {
		switch {
		case r == '{' || r == '}':
			name = r == '{'
		case name && unicode.IsLetter(r):
		case r == '\\':
			return `a \ in a target is a / to browsers and may lead to another host; write /, or %5C for the character itself`
		case r < ' ' || r == 0x7f:
			return fmt.Sprintf("the target holds the control character 0x%02X", r)
		case r == ' ' || strings.ContainsRune("\"<>^`|", r):
			return fmt.Sprintf("the target holds %q; write %%%02X", r, r)
		case r > 0x7e:
			return fmt.Sprintf("the target holds %q; in a path write %s, in a host its xn-- form", r, percent(string(r)))
		case r == '%' && (len(to) < i+3 || !isHex(to[i+1]) || !isHex(to[i+2])):
			return "a % in a target is followed by two hexadecimal digits; write %25 for the character itself"
		}
	}
	return ""
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

// checkAuthority refuses all but a host and a port (RFC 3986 §3.2).
func checkAuthority(authority string) string {
	switch {
	case authority == "":
		return "the URL names no host"
	case strings.ContainsAny(authority, "{}"):
		return "a captured name can stand in the path only: in the host it would let any request choose where it leads; put a / before it"
	case strings.Contains(authority, "@"):
		return "the URL holds a user name; remove it with its @"
	}
	host := authority
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		h, port, err := net.SplitHostPort(authority)
		n, errPort := strconv.Atoi(port)
		if err != nil || errPort != nil || !decimal.MatchString(port) || n < 1 || n > 65535 {
			return fmt.Sprintf("%q is not a host and a port", short(authority))
		}
		host = h
		if strings.Contains(h, ":") {
			host = "[" + h + "]"
		}
	}
	if strings.HasPrefix(host, "[") {
		if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil || !ip.Is6() {
			return fmt.Sprintf("%q is not an IPv6 address", short(host))
		}
		return ""
	}
	if wrong := checkHost(host); wrong != "" {
		return wrong
	}
	return ""
}

// checkHost says what is wrong with a host name (RFC 1123 §2.1); underscores
// are allowed, since they are in use.
func checkHost(host string) string {
	if len(host) > 253 {
		return fmt.Sprintf("the host name has %d bytes; 253 is the most", len(host))
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return fmt.Sprintf("%q is not a host name", short(host))
		}
		for _, r := range label {
			switch {
			case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_':
			case r > 0x7e:
				return fmt.Sprintf("%q is not a host name; letters beyond ASCII are written as xn--…", short(host))
			case r == ':' || r == '/':
				return fmt.Sprintf("%q is more than a host name; leave scheme, port and path out", short(host))
			default:
				return fmt.Sprintf("%q is not a host name, which takes letters, digits, - and dots, and no %q", short(host), r)
			}
		}
	}
	return ""
}

// checkTargetPath checks the path of a target and the names in it. A request's
// query is kept, and browsers keep its fragment, so the target has neither.
func checkTargetPath(path string) string {
	if i := strings.IndexByte(path, '?'); i >= 0 {
		return "a target has no query: that of the request is kept; remove it, or write %3F for the character itself"
	}
	if strings.Contains(path, "#") {
		return "a target has no fragment: browsers keep the one they have; remove it, or write %23 for the character itself"
	}
	for rest := path; ; {
		open := strings.IndexAny(rest, "{}")
		if open < 0 {
			return ""
		}
		end := strings.IndexByte(rest, '}')
		if rest[open] == '}' || end < 0 {
			return "a brace without its other half; {name} stands for what the pattern captured, and a brace itself is %7B or %7D"
		}
		name := rest[open+1 : end]
		if strings.HasSuffix(name, "...") {
			return fmt.Sprintf("in a target the dots are left out; write {%s}", strings.TrimSuffix(name, "..."))
		}
		if !isName(name) {
			return fmt.Sprintf("{%s} is no name that a pattern can capture", short(name))
		}
		rest = rest[end+1:]
	}
}

// isName says whether s can name a capture: an identifier of Go.
func isName(s string) bool { return token.IsIdentifier(s) || token.IsKeyword(s) }

// Captures gives the names that text, a pattern or a redirect's target, has in
// braces, without the dots of {name...}; {$} is no name.
func Captures(text string) []string {
	var names []string
	for {
		_, after, ok := strings.Cut(text, "{")
		name, rest, closed := strings.Cut(after, "}")
		if !ok || !closed {
			return names
		}
		if name = strings.TrimSuffix(name, "..."); name != "$" {
			names = append(names, name)
		}
		text = rest
	}
}

// uncaptured finds the first name in a redirect's target that the pattern does
// not capture, with a remedy.
func uncaptured(to, pattern string) string {
	have := Captures(pattern)
	for _, name := range Captures(to) {
		if slices.Contains(have, name) {
			continue
		}
		wrong := fmt.Sprintf("the pattern %q captures no {%s}", pattern, name)
		if pattern == "" {
			wrong = fmt.Sprintf("nothing captures {%s} here; a redirect of a listener has no pattern, so put it into routes", name)
		} else if near := nearest(name, have); near != "" {
			wrong += fmt.Sprintf("; did you mean {%s}?", near)
		} else if len(have) > 0 {
			wrong += "; it has {" + strings.Join(have, "}, {") + "}"
		} else {
			wrong += fmt.Sprintf("; name a part of it, as in /old/{%s}", name)
		}
		return wrong
	}
	return ""
}
