package routes

import (
	"fmt"
	"strings"

	"monopoll/routes/site"
)

// outcome says what became of a representation that was found: its coding, the
// conditions, the range. It returns false where nothing was decided but to
// send it as it is, so that there is more to say of it.
func (x *explainer) outcome(f *site.File) (decided bool) {
	chosen := x.without(plain).File
	if x.res.Status == 406 {
		x.say("Accept-Encoding leaves none of what there is: %s", codingsOf(f))
		return true
	}
	for c := site.Gzip; c <= site.Brotli; c++ {
		if coded := f.Coded(c); coded != nil && coded == chosen {
			x.Coding = c.String()
		}
	}
	switch x.res.Status {
	case 304, 412:
		x.condition(chosen)
		return true
	case 416:
		x.say("%q begins behind the end: there are %d bytes", "Range: "+string(x.req.Range), chosen.Size())
		return true
	case 206:
		x.say("Range asks for %s of %d bytes", partsOf(x.res.Parts), chosen.Size())
	case 200:
		x.passed(chosen)
	}
	return false
}

func codingsOf(f *site.File) string {
	names := []string{site.Identity.String()}
	for c := site.Gzip; c <= site.Brotli; c++ {
		if f.Coded(c) != nil {
			names = append(names, c.String())
		}
	}
	return strings.Join(names, ", ")
}

func partsOf(parts []Part) string {
	if len(parts) > 1 {
		return fmt.Sprintf("%d parts", len(parts))
	}
	return fmt.Sprintf("bytes %d to %d", parts[0].From, parts[0].From+parts[0].Length-1)
}

// conditions of a request in the order in which evaluate looks at them, with
// what takes each out of it.
var conditions = []struct {
	name  string
	field func(*Request) *[]byte
}{
	{"If-Match", func(r *Request) *[]byte { return &r.IfMatch }},
	{"If-Unmodified-Since", func(r *Request) *[]byte { return &r.IfUnmodifiedSince }},
	{"If-None-Match", func(r *Request) *[]byte { return &r.IfNoneMatch }},
	{"If-Modified-Since", func(r *Request) *[]byte { return &r.IfModifiedSince }},
}

// condition says which condition of the request decided: the first without
// which, and all that come after it, the answer would be sent.
func (x *explainer) condition(f *site.File) {
	req := *x.req
	plain(&req)
	for _, c := range conditions {
		sent := *c.field(x.req)
		*c.field(&req) = sent
		if evaluate(&req, f) == verdictProceed {
			continue
		}
		switch tag := f.ETag(); c.name {
		case "If-Match":
			x.say("If-Match does not name this version: its entity tag is %s", orNone(tag))
			if strings.HasPrefix(tag, "W/") {
				x.say("a weak one never matches here")
			}
		case "If-None-Match":
			if string(trimSpace(sent)) == "*" {
				x.say("If-None-Match is *, and there is a version")
			} else {
				x.say("If-None-Match names this version: its entity tag is %s", tag)
			}
		case "If-Modified-Since":
			x.say("it was last modified on %s, not after If-Modified-Since", lastModified(f))
		default:
			x.say("it was last modified on %s, after If-Unmodified-Since", lastModified(f))
		}
		return
	}
}

// passed says why the conditions and the range of a request changed nothing.
func (x *explainer) passed(f *site.File) {
	req := x.req
	switch {
	case req.IfNoneMatch != nil:
		x.say("If-None-Match does not name this version: its entity tag is %s", orNone(f.ETag()))
	case req.IfModifiedSince != nil && ifModifiedSince(req, f) == conditionTrue:
		x.say("it was last modified on %s, after If-Modified-Since", lastModified(f))
	case req.IfModifiedSince != nil && lastModified(f) == "":
		x.say("If-Modified-Since is ignored: there is no Last-Modified")
	case req.IfModifiedSince != nil:
		x.say("If-Modified-Since is ignored: it is no date, is yet to come, or stands twice")
	}
	switch {
	case req.Range == nil:
	case req.Method != MethodGet:
		x.say("Range is for GET only")
	case req.Repeated&FieldRange != 0:
		x.say("Range is ignored: it stands twice")
	case ifRange(req, f) == conditionFalse:
		x.say("Range is ignored: If-Range does not name this version, whose entity tag is %s", orNone(f.ETag()))
	default:
		x.say("Range is ignored: it is not in bytes, is malformed, or asks for the whole or more")
	}
}

func orNone(tag string) string {
	if tag == "" {
		return "not there"
	}
	return tag
}
