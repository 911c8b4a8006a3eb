package routes

import (
	"fmt"
	"slices"
	"strings"

	"monopoll/routes/config"
)

// redirect is where a route of `redirect:` leads to. What a client sends comes
// back percent-encoded and behind a literal that fixes the host, so that no
// request can choose another one.
type redirect struct {
	status int
	pieces []piece
}

// piece is literal text of a redirect's target, or what the pattern captured.
type piece struct {
	text    string
	capture int // place in search.captures; -1 for text
	multi   bool
}

// newRedirect reads a target that package config has checked: its characters,
// its host. What the safety of a redirect rests on is checked here again.
func newRedirect(r *config.Redirect, captured names) (*redirect, error) {
	if !fixesHost(r.To) {
		return nil, fmt.Errorf("the target %q must begin with one slash, or with http:// or https://, a host and a slash", r.To)
	}
	made := &redirect{status: r.Status}
	for text := r.To; text != ""; {
		literal, after, found := strings.Cut(text, "{")
		if literal != "" {
			made.pieces = append(made.pieces, piece{text: string(appendEncoded(nil, literal, inTarget)), capture: -1})
		}
		if !found {
			break
		}
		name, rest, _ := strings.Cut(after, "}")
		i := slices.Index(captured.all, name)
		if i < 0 {
			return nil, fmt.Errorf("the target uses {%s}, which the pattern does not capture", name)
		}
		made.pieces = append(made.pieces, piece{capture: i, multi: captured.multi && i == len(captured.all)-1})
		text = rest
	}
	return made, nil
}

// fixesHost says that whatever is captured, the target leads to one host: to
// this one, or to that of its URL.
func fixesHost(to string) bool {
	if rest, ok := strings.CutPrefix(to, "/"); ok {
		return !strings.HasPrefix(rest, "/") && !strings.HasPrefix(rest, `\`)
	}
	scheme, rest, ok := strings.Cut(to, "://")
	if s := strings.ToLower(scheme); !ok || s != "http" && s != "https" {
		return false
	}
	host := rest
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host = rest[:i]
	}
	return host != "" && !strings.ContainsAny(host, `{}\@`)
}

// appendTo appends the target for one request, with its query. Where a
// {name...} was empty or ended in a slash, the slashes that the target goes on
// with are left out: "//" at the beginning would be another host.
func (r *redirect) appendTo(dst []byte, s *search, query []byte) []byte {
	start := len(dst)
	for _, p := range r.pieces {
		if p.capture >= 0 {
			dst = s.appendCapture(dst, p)
			continue
		}
		text := p.text
		if n := len(dst); n > start && dst[n-1] == '/' {
			text = strings.TrimLeft(text, "/")
		}
		dst = append(dst, text...)
	}
	return appendQuery(dst, query)
}

// appendCapture appends what a wildcard matched, as path segments.
func (s *search) appendCapture(dst []byte, p piece) []byte {
	at := s.captures[p.capture]
	for i := at.from; i < at.to; i++ {
		if i > at.from {
			dst = append(dst, '/')
		}
		dst = appendEncoded(dst, s.path.seg(int(i)), inSegment)
	}
	if p.multi && s.path.slash && at.to > at.from {
		dst = append(dst, '/')
	}
	return dst
}

// appendQuery appends a query as it was sent, if there was one.
func appendQuery(dst, query []byte) []byte {
	if query == nil {
		return dst
	}
	return appendEncoded(append(dst, '?'), query, inQuery)
}
