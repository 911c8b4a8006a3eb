package http1

import (
	"fmt"
	"testing"
)

// decode decodes in as it comes in pieces that end at the places, and says what
// it made of it in lines that compare.
func decode(in string, ends ...int) string {
	var d Chunked
	var data []byte
	taken := 0
	for _, end := range ends {
		for taken < end {
			n, piece, done, refused := d.Decode([]byte(in[taken:end]))
			taken += n
			data = append(data, piece...)
			switch {
			case refused != nil:
				return fmt.Sprintf("refused %d %s\n", refused.Status, refused.Reason)
			case done:
				return fmt.Sprintf("taken %d\ndata %q\n", taken, data)
			case n == 0:
				return "stuck\n"
			}
		}
	}
	return fmt.Sprintf("incomplete\ndata %q\n", data)
}

func TestChunked(t *testing.T) {
	for _, c := range readCases(t, "chunked") {
		c.check(t, decode(c.in, len(c.in)))
	}
}

func TestChunkedByteByByte(t *testing.T) {
	for _, c := range readCases(t, "chunked") {
		ends := make([]int, len(c.in))
		for i := range ends {
			ends[i] = i + 1
		}
		if got, whole := decode(c.in, ends...), decode(c.in, len(c.in)); got != whole {
			t.Errorf("%s: %s: byte by byte\n%s, in one piece\n%s", c.place, c.name, got, whole)
		}
	}
}

func TestChunkedSplits(t *testing.T) {
	for _, c := range readCases(t, "chunked") {
		whole := decode(c.in, len(c.in))
		for at := 1; at < len(c.in); at++ {
			if got := decode(c.in, at, len(c.in)); got != whole {
				t.Fatalf("%s: %s: split at %d\n%s, in one piece\n%s", c.place, c.name, at, got, whole)
			}
		}
	}
}

// Every prefix of a valid body is incomplete.
func TestChunkedPrefixes(t *testing.T) {
	for _, c := range readCases(t, "chunked") {
		if c.out[0] != "ok" {
			continue
		}
		var taken int
		fmt.Sscanf(decode(c.in, len(c.in)), "taken %d", &taken)
		for end := range taken {
			if got := decode(c.in[:end], end); len(got) < 10 || got[:10] != "incomplete" {
				t.Fatalf("%s: %s: the first %d bytes give %s", c.place, c.name, end, got)
			}
		}
	}
}

// A chunk that is announced can be refused before it comes.
func TestChunkedLeft(t *testing.T) {
	var d Chunked
	for _, step := range []struct {
		in   string
		left uint64
	}{
		{"f", 0}, {"f", 0}, {"\r", 255}, {"\n", 255}, {"abc", 252},
	} {
		if _, _, _, refused := d.Decode([]byte(step.in)); refused != nil {
			t.Fatal(refused)
		}
		if d.Left() != step.left {
			t.Errorf("after %q: %d left, want %d", step.in, d.Left(), step.left)
		}
	}
}

// After the end nothing more is taken.
func TestChunkedDone(t *testing.T) {
	var d Chunked
	d.Decode([]byte("0\r\n\r\n"))
	if n, data, done, refused := d.Decode([]byte("5\r\n")); n != 0 || len(data) != 0 || !done || refused != nil {
		t.Error(n, data, done, refused)
	}
}
