package routes

import (
	"bytes"

	"monopoll/routes/site"
)

// Weights are in thousandths, as RFC 9110 §12.4.2 has three digits of them.
const (
	weightUnset = -1
	weightFull  = 1000
)

// nextMember cuts the first member off a comma-separated list (RFC 9110 §5.6.1),
// without the white space around it; empty members are skipped. It returns nil
// at the end. Commas within quoted strings do not separate.
func nextMember(list []byte) (member, rest []byte) {
	for len(list) > 0 {
		end, quoted := len(list), false
	scan:
		for i := 0; i < len(list); i++ {
			switch c := list[i]; {
			case c == '"':
				quoted = !quoted
			case c == '\\' && quoted:
				i++
			case c == ',' && !quoted:
				end = i
				break scan
			}
		}
		member, rest = trimSpace(list[:end]), nil
		if end < len(list) {
			rest = list[end+1:]
		}
		if len(member) > 0 {
			return member, rest
		}
		list = rest
	}
	return nil, nil
}

// trimSpace removes optional white space (RFC 9110 §5.6.3).
func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// equalFold compares with a word in lower case, without regard to the case of b.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if toLower(c) != lower[i] {
			return false
		}
	}
	return true
}

func toLower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// weighted takes a member of an Accept or Accept-Encoding list apart: what it
// names, and the weight that it gives it (RFC 9110 §12.4.2). A weight that is
// none of the grammar's makes the member void: ok is false.
func weighted(member []byte) (named []byte, weight int, ok bool) {
	named, params, _ := bytes.Cut(member, []byte{';'})
	named, weight = trimSpace(named), weightFull
	for params != nil {
		var param []byte
		var more bool
		param, params, more = bytes.Cut(params, []byte{';'})
		if !more {
			params = nil
		}
		param = trimSpace(param)
		if len(param) >= 2 && toLower(param[0]) == 'q' && param[1] == '=' {
			if weight = parseWeight(param[2:]); weight == weightUnset {
				return nil, 0, false
			}
		}
	}
	return named, weight, len(named) > 0
}

// parseWeight reads a qvalue: 0 or 1, and up to three digits after a point.
func parseWeight(b []byte) int {
	if len(b) == 0 || len(b) > 5 || b[0] != '0' && b[0] != '1' || len(b) > 1 && b[1] != '.' {
		return weightUnset
	}
	weight, unit := int(b[0]-'0')*weightFull, 100
	for _, c := range b[min(2, len(b)):] {
		if c < '0' || c > '9' {
			return weightUnset
		}
		weight += int(c-'0') * unit
		unit /= 10
	}
	if weight > weightFull {
		return weightUnset
	}
	return weight
}

// codings are the weights that an Accept-Encoding gives to the content codings
// that a file may have, and to none at all.
type codings struct {
	br, zstd, gzip, identity int
}

// parseAcceptEncoding reads an Accept-Encoding (RFC 9110 §12.5.3). A field that
// was not sent is read like an empty one: it would allow any coding, but
// clients that do not say what they take are the ones that take none.
func parseAcceptEncoding(field []byte) codings {
	w := codings{weightUnset, weightUnset, weightUnset, weightUnset}
	other := weightUnset
	for member, rest := nextMember(field); member != nil; member, rest = nextMember(rest) {
		named, weight, ok := weighted(member)
		switch {
		case !ok:
		case equalFold(named, "gzip"), equalFold(named, "x-gzip"):
			w.gzip = weight
		case equalFold(named, "br"):
			w.br = weight
		case equalFold(named, "zstd"):
			w.zstd = weight
		case equalFold(named, "identity"):
			w.identity = weight
		case string(named) == "*":
			other = weight
		}
	}
	for _, weight := range [...]*int{&w.br, &w.zstd, &w.gzip} {
		if *weight == weightUnset {
			*weight = max(other, 0)
		}
	}
	if w.identity == weightUnset {
		// Not named, it is acceptable though no one's wish, unless "*;q=0" ends it.
		w.identity = 0
		if other != 0 {
			w.identity = 1
		}
	}
	return w
}

// acceptedMost bounds the Accept-Encoding that is remembered, in bytes: what
// browsers send has some 25.
const acceptedMost = 128

// accepted is parseAcceptEncoding, but the clients of one server mostly send
// the same few fields, so the last one is remembered.
func (res *Response) accepted(field []byte) codings {
	if string(field) == string(res.acceptField) && len(field) > 0 {
		return res.acceptWeights
	}
	weights := parseAcceptEncoding(field)
	if len(field) <= acceptedMost {
		res.acceptField, res.acceptWeights = append(res.acceptField[:0], field...), weights
	}
	return weights
}

// selectCoding chooses the representation of f that the client likes best among
// those that exist (RFC 9110 §12.5.3); at equal weight br before zstd before
// gzip before none, which is the order of their sizes. It returns nil where
// none is acceptable.
func selectCoding(f *site.File, w codings) *site.File {
	best, weight := (*site.File)(nil), 0
	for _, c := range [...]struct {
		coding site.Coding
		weight int
	}{{site.Brotli, w.br}, {site.Zstd, w.zstd}, {site.Gzip, w.gzip}, {site.Identity, w.identity}} {
		if c.weight > weight {
			if coded := f.Coded(c.coding); coded != nil {
				best, weight = coded, c.weight
			}
		}
	}
	return best
}

// mediaWeight gives the weight that an Accept gives to a media type by its
// name, weightUnset where it is not named: "*/*" from a program that takes
// anything is no wish for it.
func mediaWeight(accept []byte, mediaType string) int {
	for member, rest := nextMember(accept); member != nil; member, rest = nextMember(rest) {
		if named, weight, ok := weighted(member); ok && equalFold(named, mediaType) {
			return weight
		}
	}
	return weightUnset
}

// wantsHTML says that the client is one that shows HTML, such as a browser
// following a link.
func wantsHTML(accept []byte) bool { return mediaWeight(accept, "text/html") > 0 }

// wantsJSON says that the client prefers JSON to HTML.
func wantsJSON(accept []byte) bool {
	json := mediaWeight(accept, "application/json")
	return json > 0 && json >= mediaWeight(accept, "text/html")
}
