package loop

import (
	"bytes"
	"fmt"
	"strconv"
)

// simReply is an answer while it arrives.
type simReply struct {
	raw    []byte // the head so far
	headed bool

	status int
	close  bool
	length int // -1: none
	table  int // -1: none
	fields map[string]string

	left    int      // content that is still to come
	pieces  [][]byte // what it has to be
	collect bool     // content is judged as a whole, at the end
	got     []byte
	loose   bool // nothing is known of the content
}

// simFieldsKept are the fields that are looked at.
var simFieldsKept = map[string]bool{
	"ETag": true, "Content-Range": true, "Location": true, "Content-Type": true, "Allow": true,
	"Retry-After": true, "Date": true, "Last-Modified": true,
}

// parse reads the head.
func (r *simReply) parse() error {
	head := r.raw
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	if len(line) < 13 || string(line[:9]) != "HTTP/1.1 " {
		return fmt.Errorf("an answer begins with %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return fmt.Errorf("an answer begins with %q", line)
	}
	r.status, r.length, r.table = status, -1, -1
	for len(rest) > 2 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, ok := bytes.Cut(line, []byte(": "))
		if !ok {
			return fmt.Errorf("a line of the head is %q", line)
		}
		switch string(name) {
		case "Content-Length":
			if r.length >= 0 {
				return fmt.Errorf("two Content-Length in %q", head)
			}
			if r.length, err = strconv.Atoi(string(value)); err != nil {
				return fmt.Errorf("Content-Length: %q", value)
			}
		case "X-Table":
			if r.table, err = strconv.Atoi(string(value)); err != nil {
				return fmt.Errorf("X-Table: %q", value)
			}
		case "Connection":
			r.close = string(value) == "close"
		case "Transfer-Encoding":
			return fmt.Errorf("Transfer-Encoding: %q", value)
		default:
			if simFieldsKept[string(name)] {
				if r.fields == nil {
					r.fields = make(map[string]string, 4)
				}
				if _, twice := r.fields[string(name)]; twice {
					return fmt.Errorf("two %s in %q", name, head)
				}
				r.fields[string(name)] = string(value)
			}
		}
	}
	if r.length < 0 && r.status != 204 && r.status != 304 && r.status != 100 {
		return fmt.Errorf("no Content-Length in %q", head)
	}
	return nil
}

// judge compares an answer's head with what the table it says it is from has to
// say, and prepares what its content has to be.
func (r *simReply) judge(w *simWorld, q *simRequest, t *simTable) error {
	want := func(status int, content []byte) error {
		if r.status != status {
			return fmt.Errorf("status %d, not %d", r.status, status)
		}
		if content != nil {
			r.pieces = [][]byte{content}
			if r.length != len(content) {
				return fmt.Errorf("Content-Length %d, not %d", r.length, len(content))
			}
		} else {
			r.loose = true
		}
		return nil
	}
	if r.fields["Date"] == "" {
		return fmt.Errorf("no Date")
	}
	switch {
	case q.method == "OPTIONS":
		return want(204, nil)
	case q.method == "BREW":
		return want(501, nil)
	}
	switch q.path {
	case "/none":
		return want(204, nil)
	case "/bare", "/nowhere", "/files/missing":
		if q.method == "POST" && q.path == "/files/missing" {
			return want(405, nil)
		}
		return want(404, nil)
	case "/pot":
		return want(418, fmt.Appendf(nil, "teapot %d", t.id))
	case "/old/some/where":
		r.loose = true
		if r.status != 308 || len(r.fields["Location"]) < 15 || r.fields["Location"][:15] != "/new/some/where" {
			return fmt.Errorf("status %d to %q", r.status, r.fields["Location"])
		}
		return nil
	case "/files", "/files/sub":
		r.loose = true
		if r.status != 301 && r.status != 308 && r.status != 405 {
			return fmt.Errorf("status %d", r.status)
		}
		return nil
	case "/echo":
		text := bytes.TrimPrefix(q.text[:q.head], []byte("\r\n"))
		if rest, ok := bytes.CutPrefix(text, []byte("HEAD")); ok {
			text = append([]byte("GET"), rest...)
		}
		if r.status != 200 || r.length != len(text)+len(q.body) {
			return fmt.Errorf("status %d, Content-Length %d, not %d", r.status, r.length, len(text)+len(q.body))
		}
		r.pieces = [][]byte{text, q.body}
		return nil
	}
	if q.method == "POST" && len(q.path) > 6 && q.path[:7] == "/files/" {
		return want(405, nil)
	}
	return r.judgeThing(w, q, t, want)
}

// judgeThing is judge for what has preconditions and ranges.
func (r *simReply) judgeThing(w *simWorld, q *simRequest, t *simTable, want func(int, []byte) error) error {
	thing, content := t.thing(q.path)
	if content == nil {
		return fmt.Errorf("nothing is known of %s", q.path)
	}
	tag, reads := r.fields["ETag"], q.method == "GET" || q.method == "HEAD"
	if !reads && r.status == 200 {
		if tag != "" || q.tag != "" && q.tag == w.tags[thing] {
			return fmt.Errorf("the entity tag %q to a method that reads nothing, where it asked for %q of %q", tag, q.tag, w.tags[thing])
		}
		return want(200, content)
	}
	if r.status == 200 || r.status == 206 || r.status == 304 {
		if known, ok := w.tags[thing]; ok && known != tag {
			return fmt.Errorf("the entity tag %s, not %s", tag, known)
		}
		w.tags[thing] = tag
	}
	if q.tag != "" && (q.tag == tag || r.status == 304 || r.status == 412) {
		status := 304
		if !reads {
			status = 412
		}
		if q.tag != w.tags[thing] {
			return fmt.Errorf("status %d, although the tag is %s and not %s", r.status, w.tags[thing], q.tag)
		}
		return want(status, nil)
	}
	if tag == "" {
		tag = w.tags[thing] // a 416 has none
	}
	if !q.ranged || q.ifRange != "" && (q.ifRange != tag || q.ifRange[0] == 'W') {
		return want(200, content)
	}
	switch {
	case q.first < 0:
		if r.fields["Content-Range"] != fmt.Sprintf("bytes */%d", len(content)) {
			return fmt.Errorf("Content-Range: %q", r.fields["Content-Range"])
		}
		return want(416, nil)
	case len(q.many) == 1:
		q.first, q.last = q.many[0][0], q.many[0][1]
	case len(q.many) > 1:
		if r.status != 206 {
			return fmt.Errorf("status %d, not 206", r.status)
		}
		return r.expectParts(q, content)
	}
	if got, wants := r.fields["Content-Range"], fmt.Sprintf("bytes %d-%d/%d", q.first, q.last, len(content)); got != wants {
		return fmt.Errorf("Content-Range: %q, not %q", got, wants)
	}
	return want(206, content[q.first:q.last+1])
}

// expectParts prepares for a multipart/byteranges.
func (r *simReply) expectParts(q *simRequest, content []byte) error {
	_, boundary, ok := bytes.Cut([]byte(r.fields["Content-Type"]), []byte("boundary="))
	if !ok {
		return fmt.Errorf("Content-Type: %q", r.fields["Content-Type"])
	}
	r.collect = true
	// The type of a part is not known here: it is found when all has come.
	r.pieces = [][]byte{boundary}
	for _, p := range q.many {
		r.pieces = append(r.pieces, content[p[0]:p[1]+1])
	}
	return nil
}

// parts judges a multipart/byteranges that has come.
func (r *simReply) parts(q *simRequest) error {
	rest, boundary := r.got, string(r.pieces[0])
	for i, p := range q.many {
		data := r.pieces[1+i]
		delimiter := "--" + boundary + "\r\n"
		if i > 0 {
			delimiter = "\r\n" + delimiter
		}
		var ok bool
		if rest, ok = bytes.CutPrefix(rest, []byte(delimiter)); !ok {
			return fmt.Errorf("part %d begins with %.60q", i, rest)
		}
		var head []byte
		if head, rest, ok = bytes.Cut(rest, []byte("\r\n\r\n")); !ok {
			return fmt.Errorf("part %d has no head", i)
		}
		if wants := fmt.Sprintf("Content-Range: bytes %d-%d/", p[0], p[1]); !bytes.Contains(head, []byte(wants)) {
			return fmt.Errorf("part %d has the head %q, not %q", i, head, wants)
		}
		if rest, ok = bytes.CutPrefix(rest, data); !ok {
			return fmt.Errorf("part %d has other content", i)
		}
	}
	if string(rest) != "\r\n--"+boundary+"--\r\n" {
		return fmt.Errorf("the parts end in %.60q", rest)
	}
	return nil
}

// content takes content as it comes. It gives how much of p was the answer's.
func (r *simReply) content(p []byte) (int, error) {
	n := min(len(p), r.left)
	p = p[:n]
	r.left -= n
	switch {
	case r.loose:
		return n, nil
	case r.collect:
		r.got = append(r.got, p...)
		return n, nil
	}
	for len(p) > 0 {
		if len(r.pieces) == 0 {
			return n, fmt.Errorf("%d bytes too many", len(p))
		}
		m := min(len(p), len(r.pieces[0]))
		if !bytes.Equal(p[:m], r.pieces[0][:m]) {
			return n, fmt.Errorf("other content, %d bytes before its end", r.left+len(p))
		}
		p = p[m:]
		if r.pieces[0] = r.pieces[0][m:]; len(r.pieces[0]) == 0 {
			r.pieces = r.pieces[1:]
		}
	}
	return n, nil
}
