package main

import (
	"fmt"
	"slices"
	"strings"
)

// work is one kind of request, asked for over and over.
type work struct {
	name  string
	about string
	// path is what is asked for; "" for all of the site in turn.
	path   string
	status int
	// batch is how many requests are sent at once, before any answer.
	batch int
	// close has a connection for each request (RFC 9112 §9.6).
	close bool
	// validators sends back what the server said of the version it has (RFC 9110 §13).
	validators bool
	// fixed needs a response that is in the config of the server.
	fixed bool
}

const fixedBody = "Hello, world!"

var works = []work{
	{name: "w1k", about: "a file of 1 KiB", path: "/1k.html", status: 200},
	{name: "w10k", about: "a file of 10 KiB", path: "/10k.html", status: 200},
	{name: "w100k", about: "a file of 100 KiB", path: "/100k.bin", status: 200},
	{name: "w1m", about: "a file of 1 MiB", path: "/1m.bin", status: 200},
	{name: "site", about: "1,000 files in turn, 300 bytes to 200 kB", status: 200},
	{name: "pipe", about: "1 KiB, 16 requests pipelined", path: "/1k.html", status: 200, batch: 16},
	{name: "close", about: "1 KiB, a connection for each request", path: "/1k.html", status: 200, close: true},
	{name: "304", about: "1 KiB, not modified", path: "/1k.html", status: 304, validators: true},
	{name: "404", about: "no such file", path: "/nope", status: 404},
	{name: "fixed", about: "a fixed response of 13 bytes", path: "/fixed", status: 200, fixed: true},
}

func describeWorks() string {
	var b strings.Builder
	for _, w := range works {
		fmt.Fprintf(&b, "  %-6s %s\n", w.name, w.about)
	}
	return b.String()
}

// findWorks gives the works of some names, in the order given.
func findWorks(names []string) (found []work, err error) {
	if len(names) == 1 && names[0] == "all" {
		return works, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(works, func(w work) bool { return w.name == name })
		if i < 0 {
			return nil, fmt.Errorf("--work: there is no work %q; there are\n%s  all    all of them", name, describeWorks())
		}
		found = append(found, works[i])
	}
	return found, nil
}

// ask is one request of a work, and what has to come of it.
type ask struct {
	Path   string
	Fields string // field lines beside Host, each with its CRLF
	Status int
	Length int64 // of the content, -1 for any
}

// bytes are the request as it is sent (RFC 9112 §2.1).
func (a *ask) bytes(port int) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n", a.Path, port, a.Fields)
}

// asks are the requests of a work, to be sent in turn. validators are the field
// lines for a conditional request.
func (w *work) asks(f *files, validators string) []ask {
	var fields string
	switch {
	case w.close:
		fields = "Connection: close\r\n"
	case w.validators:
		fields = validators
	}
	if w.path == "" {
		all := make([]ask, len(f.site))
		for i, path := range f.site {
			all[i] = ask{path, fields, w.status, f.size[path]}
		}
		return all
	}
	length := int64(-1)
	switch {
	case w.fixed:
		length = int64(len(fixedBody))
	case w.status == 200:
		length = f.size[w.path]
	}
	return []ask{{w.path, fields, w.status, length}}
}
