package main

import (
	"bytes"
	"errors"
	"fmt"
)

// maxHead is how long the head of an answer may be, in bytes.
const maxHead = 16 << 10

// answer reads one answer after the other off a connection: where it ends, and
// what it says (RFC 9112 §6). It allocates nothing once its partial has grown.
type answer struct {
	// partial is the beginning of a head of which the end has not come.
	partial []byte
	inBody  bool
	left    int64 // of the content; -1 until the connection is closed

	status int
	length int64 // of the content, -1 if it is not said
	closes bool  // the connection ends with it
}

var (
	errHead    = errors.New("an answer is not one of HTTP/1")
	errLong    = errors.New("the head of an answer has no end")
	errLength  = errors.New("a Content-Length is not a number")
	errChunked = errors.New("an answer is chunked: its length is not known beforehand")
)

// read takes n bytes of p. done says that an answer ends with them; then status,
// length and closes are its own, and the next begins.
func (a *answer) read(p []byte) (n int, done bool, err error) {
	if !a.inBody {
		n, done, err = a.readHead(p)
		if !done || err != nil {
			return n, false, err
		}
		a.inBody = true
	}
	if a.left < 0 {
		return len(p), false, nil
	}
	take := min(int64(len(p)-n), a.left)
	a.left -= take
	n += int(take)
	if a.left > 0 {
		return n, false, nil
	}
	a.inBody = false
	return n, true, nil
}

// end says that no more bytes come, and whether that ends an answer.
func (a *answer) end() (done bool) { return a.inBody && a.left < 0 }

// reset begins anew, on another connection.
func (a *answer) reset() { a.partial, a.inBody = a.partial[:0], false }

// begun says that a part of an answer has come.
func (a *answer) begun() bool { return a.inBody || len(a.partial) > 0 }

var headEnd = []byte("\r\n\r\n")

func (a *answer) readHead(p []byte) (n int, done bool, err error) {
	if len(a.partial) == 0 { // as nearly always: the head is in one piece
		if i := bytes.Index(p, headEnd); i >= 0 {
			n = i + len(headEnd)
			return n, true, a.parse(p[:n])
		}
	}
	before := len(a.partial)
	a.partial = append(a.partial, p[:min(len(p), maxHead-before)]...)
	i := bytes.Index(a.partial, headEnd)
	if i < 0 {
		if len(a.partial) == maxHead {
			return 0, false, errLong
		}
		return len(p), false, nil
	}
	end := i + len(headEnd)
	err = a.parse(a.partial[:end])
	a.partial = a.partial[:0]
	return end - before, true, err
}

// parse reads a whole head.
func (a *answer) parse(head []byte) error {
	if len(head) < len("HTTP/1.1 200\r\n") || string(head[:7]) != "HTTP/1." || head[8] != ' ' {
		return errHead
	}
	a.status = 0
	for _, c := range head[9:12] {
		if c < '0' || c > '9' {
			return errHead
		}
		a.status = 10*a.status + int(c-'0')
	}
	a.length, a.closes = -1, head[7] == '0'
	for rest := head[bytes.IndexByte(head, '\n')+1:]; len(rest) > 2; {
		end := bytes.IndexByte(rest, '\n') + 1
		if err := a.field(rest[:end]); err != nil {
			return err
		}
		rest = rest[end:]
	}
	switch {
	case a.status == 204 || a.status == 304: // RFC 9112 §6.3
		a.left = 0
	case a.length >= 0:
		a.left = a.length
	default:
		a.left, a.closes = -1, true
	}
	return nil
}

// field looks at one field line, with its CRLF.
func (a *answer) field(line []byte) error {
	switch line[0] | 0x20 {
	case 'c':
		if value, ok := cutField(line, "content-length:"); ok {
			n := int64(0)
			for _, c := range value {
				if c < '0' || c > '9' || n > 1<<50 {
					return errLength
				}
				n = 10*n + int64(c-'0')
			}
			a.length = n
		} else if value, ok := cutField(line, "connection:"); ok {
			if _, ok = cutField(value, "close"); ok {
				a.closes = true
			} else if _, ok = cutField(value, "keep-alive"); ok {
				a.closes = false
			}
		}
	case 't':
		if _, ok := cutField(line, "transfer-encoding:"); ok {
			return errChunked
		}
	}
	return nil
}

// cutField gives what follows a beginning that is written in lower case here
// and in any case there, without white space around it.
func cutField(line []byte, lower string) (rest []byte, ok bool) {
	if len(line) < len(lower) {
		return nil, false
	}
	for i := range lower {
		if c := line[i]; c != lower[i] && (c < 'A' || c > 'Z' || c|0x20 != lower[i]) {
			return nil, false
		}
	}
	return bytes.TrimSpace(line[len(lower):]), true
}

// judge says what is wrong with an answer, nil if it is as it has to be.
func (a *answer) judge(status int, length int64) error {
	if a.status != status {
		return fmt.Errorf("an answer has status %d, not %d", a.status, status)
	}
	if length >= 0 && a.length != length {
		return fmt.Errorf("an answer says that it has %d bytes, not %d", a.length, length)
	}
	return nil
}
