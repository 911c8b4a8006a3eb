package loop

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// simRequest is a request of a simulated client, and what has to be known to
// judge its answer.
type simRequest struct {
	text   []byte // head and body, as sent
	head   int    // how much of text is the head
	method string
	path   string
	body   []byte // its content, decoded
	minor  int

	ends    bool // the client asks for the connection to be closed
	bad     bool // it is not a request: some 4xx or 5xx, and a close
	unready bool // the server may refuse its body (413)
	expects bool // it waits for a 100 before its body

	// first and last byte of the only range asked for; several have many
	ranged      bool
	first, last int
	many        [][2]int
	tag         string // of If-None-Match
	ifRange     string

	// what has become of it
	start   int64 // where it begins in what the client sends
	blank   int64 // empty lines before it: who has read them has read nothing
	low     int   // the listener's last table when its head was delivered
	begun   bool
	whole   bool // all of it was delivered
	headed  bool // its head was
	firstAt int64
	goOn    bool // 100 came
}

// simBad are things that are no request; each is refused without waiting for
// more, and ends the connection.
var simBad = []string{
	"GET  /small HTTP/1.1\r\nHost: a\r\n\r\n", "GET /small HTTP/2.0\r\nHost: a\r\n\r\n", "GET /small HTTP/1.1\r\n\r\n",
	"GET /small HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET /small HTTP/1.1\r\nHost : a\r\n\r\n",
	"GET /small HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", "GET /small HTTP/1.1\nHost: a\n\n", "\x16\x03\x01\x02\x00\x01\x00\x01",
	"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
	"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n",
	"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 4\r\n\r\nabcd",
	"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
	"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
	"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n",
	"GET /small HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", simHeadLimit) + "\r\n\r\n",
	"GET /" + strings.Repeat("x", 9000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
	fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\nabc", simBodyLimit+1),
	"\r\r", "GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
}

// newRequest thinks of a request. last says that nothing will follow it; plain
// wants it to be one of many that are alike.
func (w *simWorld) newRequest(last, slow, plain bool) *simRequest {
	r := &simRequest{method: "GET", minor: 1}
	switch {
	case plain && !last:
		r.text = []byte("GET /small HTTP/1.1\r\nHost: sim\r\n\r\n")
		r.path, r.head = "/small", len(r.text)
		return r
	case last && w.chance(6):
		r.bad = true
		r.text = []byte(simBad[w.rng.IntN(len(simBad))])
		r.head = len(r.text)
		return r
	case w.chance(60):
		r.method, r.path = "OPTIONS", "*"
	case w.chance(60):
		r.method, r.path = "BREW", "/pot"
	case w.chance(60):
		r.method, r.path = "POST", "/files/a.txt"
	default:
		r.path = w.newPath(slow)
	}
	if r.method == "GET" && w.chance(8) {
		r.method = "HEAD"
	}
	w.dress(r, last)
	return r
}

// dress gives a request its fields, its version and its body.
func (w *simWorld) dress(r *simRequest, last bool) {
	var head bytes.Buffer
	var body []byte
	often := 8
	if w.diskDay {
		often = 3
	}
	if w.chance(often) && r.path != "*" || r.path == "/echo" && w.chance(2) {
		if r.method == "GET" && (r.path == "/echo" || !strings.HasPrefix(r.path, "/files") && w.chance(2)) {
			r.method = "POST"
		}
		body = w.newBody(r, &head)
	}
	if r.method == "GET" && body == nil && w.chance(6) {
		w.newRange(r, &head)
	} else if w.chance(10) {
		if tag := w.knownTag(r.path); tag != "" {
			r.tag = tag
			fmt.Fprintf(&head, "If-None-Match: %s\r\n", tag)
		}
	}
	r.ends = last && w.chance(2)
	switch {
	case !r.expects && last && w.chance(8):
		r.minor, r.ends = 0, true
		if bytes.Contains(head.Bytes(), []byte("chunked")) {
			r.minor = 1
		}
	case !r.expects && w.chance(20) && !bytes.Contains(head.Bytes(), []byte("chunked")):
		r.minor = 0
		if !r.ends {
			head.WriteString("Connection: keep-alive\r\n")
		}
	}
	if r.ends && r.minor == 1 {
		head.WriteString("Connection: close\r\n")
	}
	if w.chance(10) {
		fmt.Fprintf(&head, "User-Agent: sim/%d\r\nX-Padding: %s\r\n", w.rng.IntN(100), strings.Repeat("p", w.rng.IntN(600)))
	}
	target := r.path
	if w.chance(15) && target != "*" {
		target += "?q=" + strconv.Itoa(w.rng.IntN(1000))
	}
	text := fmt.Appendf(nil, "%s %s HTTP/1.%d\r\nHost: sim\r\n%s\r\n", r.method, target, r.minor, head.Bytes())
	if w.chance(40) {
		text, r.blank = append([]byte("\r\n"), text...), 2
	}
	r.head = len(text)
	r.text = append(text, body...)
}

// newPath thinks of something to ask for. A client that is slow asks for
// nothing large, since a million reads tell no more than a thousand.
func (w *simWorld) newPath(slow bool) string {
	n := w.rng.IntN(100)
	switch {
	case w.diskDay && n < 60:
		return []string{"/files/c.bin", "/files/d.bin"}[n%2]
	case n < 30:
		return "/small"
	case n < 36:
		return "/none"
	case n < 40:
		return "/pot"
	case n < 42:
		return "/bare"
	case n < 45:
		return "/old/some/where"
	case n < 52:
		return "/echo"
	case n < 58:
		return "/files/a.txt"
	case n < 61:
		return []string{"/files/", "/files/sub/", "/files/sub", "/files", "/files/b", "/files/missing", "/nowhere"}[w.rng.IntN(7)]
	case n < 65:
		return "/medium"
	case slow:
		return "/small"
	case n < 75:
		return "/files/c.bin"
	case n < 78:
		return "/big"
	case n < 84:
		return "/files/d.bin"
	case n < 85:
		return "/huge"
	case n < 87 && w.chance(3):
		return "/files/e.bin"
	case n < 88 && w.chance(3):
		return "/files/f.bin"
	}
	return "/small"
}

// newBody adds a body to a request, and its fields to the head.
func (w *simWorld) newBody(r *simRequest, head *bytes.Buffer) []byte {
	size := w.between(1, 400)
	switch {
	case w.chance(6):
		size = w.between(400, simBodyLimit)
	case w.chance(30):
		size, r.unready = w.between(simBodyLimit+1, 2*simBodyLimit), true
	}
	at := w.rng.IntN(len(simNoise) - size)
	r.body = simNoise[at : at+size]
	if r.expects = w.chance(6); r.expects {
		head.WriteString("Expect: 100-continue\r\n")
	}
	if w.chance(2) {
		fmt.Fprintf(head, "Content-Length: %d\r\n", size)
		return r.body
	}
	head.WriteString("Transfer-Encoding: chunked\r\n")
	var out bytes.Buffer
	for left := r.body; len(left) > 0; {
		n := w.between(1, len(left))
		fmt.Fprintf(&out, "%x", n)
		if w.chance(10) {
			out.WriteString(";ext=1")
		}
		out.WriteString("\r\n")
		out.Write(left[:n])
		out.WriteString("\r\n")
		left = left[n:]
	}
	out.WriteString("0\r\n")
	if w.chance(5) {
		out.WriteString("X-Trailer: yes\r\n")
	}
	out.WriteString("\r\n")
	return out.Bytes()
}

// newRange adds a Range, sometimes with an If-Range.
func (w *simWorld) newRange(r *simRequest, head *bytes.Buffer) {
	size := simSize(r.path)
	if size == 0 {
		return
	}
	r.ranged = true
	switch n := w.rng.IntN(8); {
	case n == 0:
		k := w.between(1, size)
		r.first, r.last = size-k, size-1
		fmt.Fprintf(head, "Range: bytes=-%d\r\n", k)
	case n == 1:
		r.first, r.last = w.between(0, size-1), size-1
		fmt.Fprintf(head, "Range: bytes=%d-\r\n", r.first)
	case n == 2:
		r.first, r.last = -1, -1
		fmt.Fprintf(head, "Range: bytes=%d-\r\n", size+w.rng.IntN(10))
	case n == 3 && size > 100:
		for at := w.rng.IntN(size / 4); at+10 < size && len(r.many) < 4; at += size / 4 {
			r.many = append(r.many, [2]int{at, at + w.between(0, size/16)})
		}
		head.WriteString("Range: bytes=")
		for i, p := range r.many {
			if i > 0 {
				head.WriteString(", ")
			}
			p[1] = min(p[1], size-1)
			r.many[i] = p
			fmt.Fprintf(head, "%d-%d", p[0], p[1])
		}
		head.WriteString("\r\n")
	default:
		r.first = w.between(0, size-1)
		r.last = w.between(r.first, size-1)
		fmt.Fprintf(head, "Range: bytes=%d-%d\r\n", r.first, r.last)
	}
	if w.chance(5) {
		if r.ifRange = w.knownTag(r.path); r.ifRange != "" {
			fmt.Fprintf(head, "If-Range: %s\r\n", r.ifRange)
		}
	}
}

// simFind finds what is at a path: which fixed response, or which file.
func simFind(path string) (n int, f *simName, file bool) {
	for i := range simFixed {
		if simFixed[i].name == path {
			return i, &simFixed[i], false
		}
	}
	name, ok := strings.CutPrefix(path, "/files/")
	if !ok {
		return 0, nil, false
	}
	switch {
	case name == "" || strings.HasSuffix(name, "/"):
		name += "index.html"
	case name == "b":
		name = "b.html"
	}
	for i := range simNames {
		if simNames[i].name == name {
			return i, &simNames[i], true
		}
	}
	return 0, nil, true
}

// simSize is the size of the content at a path, 0 for what has none.
func simSize(path string) int {
	if _, f, _ := simFind(path); f != nil {
		return f.size
	}
	return 0
}

// simThing names content: the same name, the same bytes.
type simThing struct {
	file  bool
	of, n int
}

// thing is what a table has at a path.
func (t *simTable) thing(path string) (simThing, []byte) {
	n, f, file := simFind(path)
	switch {
	case f == nil:
		return simThing{}, nil
	case file:
		return simThing{true, t.root, n}, simContent(t.root, n, f.size)
	}
	return simThing{false, 100 + t.id, n}, simContent(100+t.id, n, f.size)
}

// knownTag is an entity tag that something at the path has had.
func (w *simWorld) knownTag(path string) string {
	t := simPool[w.rng.IntN(len(simPool))]
	thing, content := t.thing(path)
	if content == nil {
		return ""
	}
	return w.tags[thing]
}
