package routes

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pattern is what stands before a colon in `routes:`, read: the patterns of
// Go's net/http.ServeMux, "[METHOD ][HOST]/[PATH]", and hosts of the form
// "*.example.com".
type pattern struct {
	text   string
	method Method // MethodUnknown: all of them
	host   string // in lower case, "" for every host; without "*." where suffix
	suffix bool   // the host was "*.host": one label or more before it
	segs   []segment
	ends   ending
}

// segment is one segment of a pattern's path: a literal, decoded, or {name}.
type segment struct {
	literal string
	name    string // of a wildcard, "" for a literal
}

// ending says how a pattern's path ends, after its segments.
type ending uint8

const (
	endHere  ending = iota // "/a": nothing follows
	endSlash               // "/a/{$}": one slash
	endMulti               // "/a/" or "/a/{name...}": a slash, and whatever follows
)

// names are what a pattern captures.
type names struct {
	all   []string // in the order of the captures of a match
	multi bool     // the last one is of a {name...}
}

// parsePattern reads a pattern. The error says what is wrong and what would be
// right, without repeating the pattern.
func parsePattern(text string) (p pattern, captured names, err error) {
	p.text = text
	rest := text
	switch {
	case text != strings.TrimLeft(text, " \t"):
		return p, captured, errors.New("it begins with a space; remove that")
	case text != strings.TrimRight(text, " \t") && strings.Contains(text, "/"):
		return p, captured, errors.New("it ends with a space; remove that, or write %20 if the path has it")
	}
	if method, after, found := cutSpace(text); found && !strings.Contains(method, "/") {
		if p.method, err = patternMethod(method); err != nil {
			return p, captured, err
		}
		rest = after
	}
	at := strings.IndexByte(rest, '/')
	if at < 0 {
		rest = strings.TrimRight(text, " \t")
		if looksLikeMethod(rest) {
			return p, captured, fmt.Errorf("the path is missing; write %q for every path", rest+" /")
		}
		return p, captured, fmt.Errorf("the path is missing; write %q for every path of a host, or begin with a slash", rest+"/")
	}
	if err = p.setHost(rest[:at]); err != nil {
		return p, captured, err
	}
	captured, err = p.setPath(rest[at:])
	return p, captured, err
}

func cutSpace(s string) (before, after string, found bool) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return "", s, false
	}
	return s[:i], strings.TrimLeft(s[i+1:], " \t"), true
}

func looksLikeMethod(s string) bool { return ParseMethod([]byte(strings.ToUpper(s))) != MethodUnknown }

// patternMethod reads the method of a pattern.
func patternMethod(token string) (Method, error) {
	switch m := ParseMethod([]byte(token)); {
	case m == MethodConnect, m == MethodTrace:
		return m, fmt.Errorf("%s is always refused; it cannot have a route", token)
	case m != MethodUnknown:
		return m, nil
	case looksLikeMethod(token):
		return m, fmt.Errorf("methods are written in capitals: %s", strings.ToUpper(token))
	}
	return MethodUnknown, fmt.Errorf("unknown method %q; there are GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS, or leave it out for all", token)
}

// setHost reads the host of a pattern.
func (p *pattern) setHost(host string) error {
	if host == "" {
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if after, ok := strings.CutPrefix(name, "*."); ok {
		name, p.suffix = after, true
	}
	p.host = name
	switch {
	case strings.ContainsAny(name, "{}"):
		return fmt.Errorf("a host has no {name}; put a slash first if this is a path, or write *.example.com for all hosts below one")
	case strings.Contains(name, "*"):
		return fmt.Errorf("a star stands for whole labels at the beginning, as in *.example.com; leave the host out to match every host")
	case strings.HasPrefix(name, "["):
		if !strings.HasSuffix(name, "]") {
			return fmt.Errorf("hosts are compared without their port; leave it out")
		}
		return nil
	case name == "http:", name == "https:":
		return fmt.Errorf("a pattern has no scheme; leave %s// out", host)
	case strings.Contains(name, ":"):
		return fmt.Errorf("hosts are compared without their port; leave it out")
	case name == "", name[0] == '.', strings.Contains(name, ".."):
		return fmt.Errorf("the host %q has an empty label", host)
	}
	for _, c := range name {
		if c >= utf8.RuneSelf {
			return fmt.Errorf("the host %q has letters that no client sends as they are; write its xn-- form (Punycode)", host)
		}
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.ContainsRune("-._~", c)) {
			return fmt.Errorf("the host %q has a %q, which no host has", host, c)
		}
	}
	return nil
}

// setPath reads the path of a pattern, which begins with a slash.
func (p *pattern) setPath(path string) (captured names, err error) {
	for {
		seg, rest, more := strings.Cut(path[1:], "/")
		if more {
			rest = "/" + rest
		}
		done, err := p.addSegment(seg, more, &captured)
		if err != nil || done {
			return captured, err
		}
		path = rest
	}
}

// addSegment reads one segment; more says that a slash follows it.
func (p *pattern) addSegment(seg string, more bool, captured *names) (done bool, err error) {
	if seg == "" {
		if more {
			return true, fmt.Errorf("an empty segment never matches: requests have theirs merged; write one slash")
		}
		p.ends = endMulti // a trailing slash
		return true, nil
	}
	if !strings.Contains(seg, "{") {
		literal, ok := appendDecoded(nil, []byte(seg))
		switch {
		case !ok || !utf8.Valid(literal):
			return true, fmt.Errorf("the segment %q is not percent-encoded UTF-8; a percent sign itself is %%25", seg)
		case string(literal) == ".", string(literal) == "..":
			return true, fmt.Errorf("the segment %q never matches: requests have theirs resolved", seg)
		case strings.ContainsAny(seg, "?#"):
			return true, fmt.Errorf("the segment %q has a query or a fragment; patterns match paths only", seg)
		}
		p.segs = append(p.segs, segment{literal: string(literal)})
		return !more, nil
	}
	return p.addWildcard(seg, more, captured)
}

func (p *pattern) addWildcard(seg string, more bool, captured *names) (done bool, err error) {
	if seg[0] != '{' || seg[len(seg)-1] != '}' {
		return true, fmt.Errorf("in %q a wildcard is not a whole segment; write /{name}/", seg)
	}
	name := seg[1 : len(seg)-1]
	if name == "$" {
		if more {
			return true, fmt.Errorf("{$} stands for the end, so nothing follows it")
		}
		p.ends = endSlash
		return true, nil
	}
	name, multi := strings.CutSuffix(name, "...")
	switch {
	case multi && more:
		return true, fmt.Errorf("%s stands for all the rest, so nothing follows it", seg)
	case !isName(name):
		return true, fmt.Errorf("%q is not a name; write letters, digits and _, as in {page} or {rest...}", name)
	case slices.Contains(captured.all, name):
		return true, fmt.Errorf("there are two {%s}; give each a name of its own", name)
	}
	captured.all = append(captured.all, name)
	if multi {
		captured.multi = true
		p.ends = endMulti
		return true, nil
	}
	p.segs = append(p.segs, segment{name: name})
	return !more, nil
}

// isName says that s is an identifier of Go, like net/http asks for.
func isName(s string) bool {
	for i, c := range s {
		if !unicode.IsLetter(c) && c != '_' && (i == 0 || !unicode.IsDigit(c)) {
			return false
		}
	}
	return s != ""
}

// example gives a path that two overlapping patterns both match, as one would
// write it in a URL.
func example(a, b *pattern) string {
	var out []byte
	for i := 0; i < max(len(a.segs), len(b.segs)); i++ {
		text := ""
		for _, p := range []*pattern{a, b} {
			if i < len(p.segs) && (text == "" || p.segs[i].name == "") {
				if text = p.segs[i].literal; text == "" {
					text = p.segs[i].name
				}
			}
		}
		out = appendEncoded(append(out, '/'), text, inSegment)
	}
	if a.ends != endHere && len(a.segs) >= len(b.segs) || b.ends != endHere && len(b.segs) >= len(a.segs) {
		out = append(out, '/')
	}
	return string(out)
}
