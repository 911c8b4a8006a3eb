package routes

import (
	"monopoll/routes/site"
)

// condition is what one conditional field says. Absence is not falsehood: a
// field that was not sent, or that has to be ignored, asks nothing.
type condition uint8

const (
	conditionNone condition = iota
	conditionTrue
	conditionFalse
)

// verdict is what the conditional fields of a request ask for together.
type verdict uint8

const (
	verdictProceed     verdict = iota
	verdictNotModified         // 304
	verdictFailed              // 412
)

// evaluate goes through the conditional fields in the order of RFC 9110
// §13.2.2, all but If-Range, which wantsRange looks at. f is the selected
// representation: the answer would be a 200 with it.
func evaluate(req *Request, f *site.File) verdict {
	switch ifMatch(req, f) {
	case conditionFalse:
		return verdictFailed
	case conditionNone:
		if ifUnmodifiedSince(req, f) == conditionFalse {
			return verdictFailed
		}
	}
	reading := req.Method == MethodGet || req.Method == MethodHead
	switch ifNoneMatch(req, f) {
	case conditionFalse:
		if reading {
			return verdictNotModified
		}
		return verdictFailed
	case conditionNone:
		if reading && ifModifiedSince(req, f) == conditionFalse {
			return verdictNotModified
		}
	}
	return verdictProceed
}

// conditional says whether a request has any field that evaluate looks at:
// most have none. OPTIONS ignores them (RFC 9110 §13.2.1).
func conditional(req *Request) bool {
	return req.Method != MethodOptions && (req.IfNoneMatch != nil || req.IfModifiedSince != nil || req.IfMatch != nil || req.IfUnmodifiedSince != nil)
}

// ifMatch is RFC 9110 §13.1.1: strong comparison, since it protects against
// acting on another version than the one meant.
func ifMatch(req *Request, f *site.File) condition {
	if req.IfMatch == nil {
		return conditionNone
	}
	return asCondition(matchesTag(req.IfMatch, f.ETag(), true))
}

// ifNoneMatch is RFC 9110 §13.1.2: weak comparison, as for a cache any
// equivalent version will do.
func ifNoneMatch(req *Request, f *site.File) condition {
	if req.IfNoneMatch == nil {
		return conditionNone
	}
	return asCondition(!matchesTag(req.IfNoneMatch, f.ETag(), false))
}

// ifModifiedSince is RFC 9110 §13.1.3. A date that is none, stands twice or is
// yet to come is ignored. One that two versions had is as good as an older one.
func ifModifiedSince(req *Request, f *site.File) condition {
	if req.IfModifiedSince == nil || req.Repeated&FieldIfModifiedSince != 0 {
		return conditionNone
	}
	text := lastModified(f)
	if string(req.IfModifiedSince) == text && text != "" && !f.DatedTwice() {
		return conditionFalse // a client sends back what it got: no need to count
	}
	since, ok := parseDate(req.IfModifiedSince, req.Now)
	if !ok || since > req.Now {
		return conditionNone
	}
	modified, known := f.Modified()
	if !known {
		return conditionNone
	}
	return asCondition(modified > since || modified == since && f.DatedTwice())
}

// ifUnmodifiedSince is RFC 9110 §13.1.4. It is ignored for a representation
// that has no date.
func ifUnmodifiedSince(req *Request, f *site.File) condition {
	if req.IfUnmodifiedSince == nil || req.Repeated&FieldIfUnmodifiedSince != 0 {
		return conditionNone
	}
	since, ok := parseDate(req.IfUnmodifiedSince, req.Now)
	modified, known := f.Modified()
	if !ok || !known {
		return conditionNone
	}
	return asCondition(modified <= since)
}

// ifRange is RFC 9110 §13.1.5: the range is meant for one version only, known
// by a strong tag or by the very date that was sent with it. One that stands
// twice is no version of anything.
func ifRange(req *Request, f *site.File) condition {
	switch field := req.IfRange; {
	case field == nil:
		return conditionNone
	case req.Repeated&FieldIfRange != 0:
		return conditionFalse
	case len(field) > 0 && (field[0] == '"' || field[0] == 'W'):
		if tag, rest := nextTag(field); tag != nil && len(rest) == 0 {
			return asCondition(sameTag(tag, f.ETag(), true))
		}
	}
	since, ok := parseDate(req.IfRange, req.Now)
	modified, known := f.Modified()
	return asCondition(ok && known && modified == since && !f.DatedTwice())
}

func asCondition(b bool) condition {
	if b {
		return conditionTrue
	}
	return conditionFalse
}

// matchesTag says whether a list of entity tags (RFC 9110 §8.8.3), or "*",
// names a tag. Whatever stands behind a mistake in the list is not looked at.
func matchesTag(list []byte, tag string, strong bool) bool {
	list = trimSpace(list)
	if len(list) == 1 && list[0] == '*' {
		return true
	}
	for len(list) > 0 {
		if list[0] == ',' || list[0] == ' ' || list[0] == '\t' {
			list = list[1:]
			continue
		}
		member, rest := nextTag(list)
		if member == nil {
			return false
		}
		if sameTag(member, tag, strong) {
			return true
		}
		rest = trimSpace(rest)
		if len(rest) > 0 && rest[0] != ',' {
			return false
		}
		list = rest
	}
	return false
}

// nextTag cuts an entity tag off a list: an opaque string in quotes, W/ before
// it if it is weak. It returns nil if there is none.
func nextTag(b []byte) (tag, rest []byte) {
	at := 0
	if len(b) >= 2 && b[0] == 'W' && b[1] == '/' {
		at = 2
	}
	if at >= len(b) || b[at] != '"' {
		return nil, b
	}
	for i := at + 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return b[:i+1], b[i+1:]
		case c <= ' ', c == 0x7f:
			return nil, b // not an etagc
		}
	}
	return nil, b
}

// sameTag compares entity tags (RFC 9110 §8.8.3.2). In strong comparison a weak
// tag equals nothing, not even itself.
func sameTag(sent []byte, ours string, strong bool) bool {
	if ours == "" {
		return false
	}
	sentWeak, oursWeak := sent[0] == 'W', ours[0] == 'W'
	if strong && (sentWeak || oursWeak) {
		return false
	}
	if sentWeak {
		sent = sent[2:]
	}
	if oursWeak {
		ours = ours[2:]
	}
	return string(sent) == ours
}

const modifiedField = "Last-Modified: "

// lastModified gives the value of a file's Last-Modified, "" if it has none.
func lastModified(f *site.File) string {
	line := f.Validators()
	if len(line) < len(modifiedField)+dateLen || line[:len(modifiedField)] != modifiedField {
		return ""
	}
	return line[len(modifiedField) : len(modifiedField)+dateLen]
}
