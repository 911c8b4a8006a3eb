package coding

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

func ungzip(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func unbrotli(b []byte) ([]byte, error) { return io.ReadAll(brotli.NewReader(bytes.NewReader(b))) }

func unzstd(b []byte) ([]byte, error) {
	// what a browser allows (RFC 9659 §3)
	r, err := zstd.NewReader(nil, zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.DecodeAll(b, nil)
}

// What is compressed comes back, and comes out the same from another Encoder
// and after other work.
func TestRoundTrip(t *testing.T) {
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 8000)
	bodies := []string{"", "a", text[:600], text[:best], text[:good], text[:300_000]}
	codings := []struct {
		name   string
		encode func(*Encoder, []byte) ([]byte, error)
		decode func([]byte) ([]byte, error)
	}{
		{"gzip", (*Encoder).Gzip, ungzip},
		{"br", (*Encoder).Brotli, unbrotli},
		{"zstd", (*Encoder).Zstd, unzstd},
	}
	for _, c := range codings {
		var e Encoder
		for _, body := range bodies {
			out, err := c.encode(&e, []byte(body))
			if err != nil {
				t.Fatalf("%s of %d bytes: %v", c.name, len(body), err)
			}
			back, err := c.decode(out)
			if err != nil || string(back) != body {
				t.Fatalf("%s of %d bytes comes back as %d bytes, %v", c.name, len(body), len(back), err)
			}
			if len(body) > 600 && len(out) > len(body)/10 {
				t.Errorf("%s of %d bytes of repetition has %d", c.name, len(body), len(out))
			}
			again, err := c.encode(new(Encoder), []byte(body))
			if err != nil || !bytes.Equal(out, again) {
				t.Errorf("%s of %d bytes comes out differently the second time, %v", c.name, len(body), err)
			}
		}
	}
}

func TestWindow(t *testing.T) {
	for _, c := range []struct{ size, log int }{{0, 10}, {1008, 10}, {1009, 11}, {65520, 16}, {65536, 17}, {1 << 30, 24}} {
		if got := window(c.size); got != c.log {
			t.Errorf("window(%d) = %d, want %d", c.size, got, c.log)
		}
	}
}
