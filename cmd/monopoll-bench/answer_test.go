package main

import (
	"errors"
	"fmt"
	"testing"
)

// reading is a connection's bytes and the answers in them.
var readings = []struct{ name, bytes, want string }{
	{"one", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "200 3 open; "},
	{"pipelined", "HTTP/1.1 200 OK\r\ncontent-length:3\r\n\r\nabcHTTP/1.1 404 Not Found\r\nCONTENT-LENGTH: 0 \r\n\r\n", "200 3 open; 404 0 open; "},
	{"not modified", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 9\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n", "304 9 open; 304 -1 open; "},
	{"no content", "HTTP/1.1 204 No Content\r\n\r\n", "204 -1 open; "},
	{"last", "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx", "200 1 closes; "},
	{"old", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "200 1 closes; "},
	{"old, kept", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx", "200 1 open; "},
	{"until the end", "HTTP/1.1 200 OK\r\nServer: x\r\n\r\nx", "end 200; "},
	{"end of line in a value", "HTTP/1.1 200 OK\r\nX: content-length: 4\r\nContent-Length: 2\r\n\r\n\r\n", "200 2 open; "},
	{"not ended", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "begun; "},
	{"half a head", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", "begun; "},
}

// read gives what an answer says of bytes that come in pieces.
func read(t *testing.T, pieces ...string) (said string) {
	t.Helper()
	var a answer
	for _, piece := range pieces {
		for p := []byte(piece); len(p) > 0; {
			n, done, err := a.read(p)
			if err != nil {
				return err.Error()
			}
			if n == 0 && !done {
				t.Fatal("no progress")
			}
			if p = p[n:]; done {
				ends := "open"
				if a.closes {
					ends = "closes"
				}
				said += fmt.Sprintf("%d %d %s; ", a.status, a.length, ends)
			}
		}
	}
	switch {
	case a.end():
		said += fmt.Sprintf("end %d; ", a.status)
	case a.begun():
		said += "begun; "
	}
	return said
}

// TestAnswer: an answer ends where it ends, wherever the bytes were cut.
func TestAnswer(t *testing.T) {
	for _, r := range readings {
		t.Run(r.name, func(t *testing.T) {
			for i := range r.bytes {
				if got := read(t, r.bytes[:i], r.bytes[i:]); got != r.want {
					t.Fatalf("cut at %d: %q, want %q", i, got, r.want)
				}
			}
			var single []string
			for _, c := range []byte(r.bytes) {
				single = append(single, string(c))
			}
			if got := read(t, single...); got != r.want {
				t.Errorf("byte by byte: %q, want %q", got, r.want)
			}
		})
	}
}

func TestAnswerRefuses(t *testing.T) {
	long := make([]byte, maxHead)
	for _, c := range []struct {
		bytes string
		want  error
	}{
		{"SSH-2.0-OpenSSH_9.2p1\r\n\r\n", errHead},
		{"HTTP/1.1 2x0 OK\r\n\r\n", errHead},
		{"HTTP/1.1\r\n\r\n", errHead},
		{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", errLength},
		{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", errLength},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errChunked},
		{"HTTP/1.1 200 OK\r\n" + string(long), errLong},
	} {
		if got := read(t, c.bytes); got != c.want.Error() {
			t.Errorf("%.40q: %s, want %s", c.bytes, got, c.want)
		}
	}
}

func TestJudge(t *testing.T) {
	a := answer{status: 200, length: 3}
	for _, c := range []struct {
		status int
		length int64
		want   string
	}{
		{200, 3, ""},
		{200, -1, ""},
		{200, 4, "an answer says that it has 3 bytes, not 4"},
		{304, -1, "an answer has status 200, not 304"},
	} {
		err := a.judge(c.status, c.length)
		if err == nil {
			err = errors.New("")
		}
		if err.Error() != c.want {
			t.Errorf("%d, %d: %q, want %q", c.status, c.length, err, c.want)
		}
	}
}
