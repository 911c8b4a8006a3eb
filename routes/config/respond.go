package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"gopkg.in/yaml.v3"
)

const (
	// maxRespond is the length of a fixed response's content in bytes: it is in
	// memory beyond limits.memory.
	maxRespond = 16 << 20

	typeText = "text/plain; charset=utf-8"
	typeJSON = "application/json"
)

// statusText is why a status cannot be a fixed response.
var statusText = map[int]string{
	206: "206 answers a request for a range, which a fixed response never does",
	304: "304 answers a condition of the request; a fixed response has its ETag, so clients get 304 by themselves",
	416: "416 answers a request for a range, which a fixed response never does",
}

var statusValue = value[int]{
	schema: &schema{
		Type: []string{"integer", "string"}, Pattern: `^[2-5][0-9]{2}$`, Minimum: ptr(int64(200)), Maximum: ptr(int64(599)),
		Not: &schema{Enum: []any{206, 304, 416, "206", "304", "416"}},
	},
	read: func(d *decoder, at place) (int, bool) { return d.status(at, "") },
}

func (d *decoder) status(at place, remedy string) (int, bool) {
	text, ok := d.scalar(at, "a status from 200 to 599")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	if !decimal.MatchString(text) || err != nil || n < 200 || n > 599 {
		d.fail(at, "%s is no status; a status is a whole number from 200 to 599%s", describe(at.node), remedy)
		return 0, false
	}
	if why := statusText[n]; why != "" {
		d.fail(at, "%s", why)
		return 0, false
	}
	return n, true
}

// bodyText is the content of a response as it is written in the file.
var bodyText = value[[]byte]{
	schema: &schema{Type: anyScalar},
	read: func(d *decoder, at place) ([]byte, bool) {
		text, ok := d.scalar(at, `a text, or "" for an empty one`)
		return []byte(text), ok
	},
}

var respondKeys = mapping[Respond]{what: "respond", keys: []key[Respond]{
	member("status", "The status code, from 200 to 599.", 200, statusValue, func(r *Respond) *int { return &r.Status }).called("code", "statuscode", "status_code"),
	member("headers", "Fields to send, name to value or to a list of values.", nil, headersValue, func(r *Respond) *[]Header { return &r.Headers }).called("header", "fields"),
	member("body", "The content as text (text/plain unless headers say otherwise).", nil, bodyText, func(r *Respond) *[]byte { return &r.Body }).called("text", "content", "string"),
	{name: "file", doc: "A file whose bytes are the content; read at each reload.", schema: pathSchema, read: (*decoder).respondFile, also: []string{"path", "body_file"}},
	member("json", "The content as YAML, sent as JSON.", nil, jsonValue, func(r *Respond) *[]byte { return &r.Body }).called("yaml", "data", "object"),
}}

var respondValue = value[*Respond]{
	schema: &schema{AnyOf: []*schema{
		{Type: "string"}, statusValue.schema,
		respondKeys.object(&schema{Not: &schema{AnyOf: []*schema{
			{Required: []string{"body", "file"}}, {Required: []string{"body", "json"}}, {Required: []string{"file", "json"}},
		}}}),
	}},
	options: respondKeys.names(),
	read:    (*decoder).respond,
}

// respond reads a fixed response, in its short forms too: a text or a status.
func (d *decoder) respond(at place) (*Respond, bool) {
	r := &Respond{Status: 200}
	before := len(d.mistakes)
	switch {
	case at.node.Kind == yaml.MappingNode:
		d.longRespond(at, r)
	case isText(at.node):
		r.Body, r.Type = []byte(at.node.Value), typeText
	case at.node.Tag == "!!int":
		r.Status, _ = d.status(at, "; to answer with it as text put it into quotes")
	case at.node.Kind == yaml.ScalarNode && !isNull(at.node):
		d.fail(at, "%s is neither text nor a status; put it into quotes to answer with it as text", describe(at.node))
	default:
		d.want(at, "a text, a status, or {status, headers, body | file | json}")
	}
	if len(r.Body) > maxRespond {
		d.fail(at, "the content has %d bytes; %d is the most; serve it from a root", len(r.Body), maxRespond)
	}
	if len(r.Body) == 0 && r.File == "" {
		r.Type = ""
	}
	return r, len(d.mistakes) == before
}

func (d *decoder) longRespond(at place, r *Respond) {
	known, _ := respondKeys.read(d, at, r)
	var content []pair
	for _, p := range known {
		switch p.name {
		case "body":
			r.Type = typeText
		case "json":
			r.Type = typeJSON
		case "file":
		default:
			continue
		}
		content = append(content, p)
	}
	if len(content) > 1 {
		d.fail(content[1].key, "%s beside %s; a response has one content", content[1].name, content[0].name)
	}
	if len(content) > 0 && bodiless(r.Status) && (r.File != "" || len(r.Body) > 0) {
		d.fail(content[0].key, "a response with status %d has no content (RFC 9110 §15.3); remove %s, or choose another status", r.Status, content[0].name)
	}
}

// bodiless says that a response ends with its head (RFC 9110 §15.3.5, §15.3.6).
func bodiless(status int) bool { return status == 204 || status == 205 }

const theFile = "the file"

// respondFile reads what `file:` names.
func (d *decoder) respondFile(at place, r *Respond) {
	text, ok := d.scalar(at, "a path")
	if !ok {
		return
	}
	path, ok := d.path(at, text)
	if !ok {
		return
	}
	body, err := readSmall(path)
	var other notRegular
	switch {
	case errors.As(err, &other):
		d.fail(at, "%s %v: %s; name a file%s", theFile, other, path, map[bool]string{true: ", or serve the folder with root:"}[fs.FileMode(other).IsDir()])
	case errors.Is(err, errTooLarge):
		d.fail(at, "%s has more than %s: %s; serve it from a root", theFile, bytesText(maxRespond), path)
	case err != nil:
		d.failCause(at, err, "%s", pathTrouble(theFile, path, text, err))
	default:
		r.File, r.Body = path, body
	}
}

var errTooLarge = errors.New("too large")

// notRegular is the mode of what is no regular file.
type notRegular fs.FileMode

func (n notRegular) Error() string {
	switch mode := fs.FileMode(n); {
	case mode.IsDir():
		return "is a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "is a pipe"
	}
	return "is a device"
}

// readSmall reads a regular file of at most maxRespond bytes. O_NONBLOCK keeps a
// FIFO from holding the caller until somebody writes to it.
func readSmall(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, notRegular(info.Mode())
	}
	body, err := io.ReadAll(io.LimitReader(f, maxRespond+1))
	if err == nil && len(body) > maxRespond {
		err = errTooLarge
	}
	return body, err
}
