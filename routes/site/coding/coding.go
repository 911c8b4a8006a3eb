package coding

import (
	"bytes"
	"fmt"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Encoder compresses one body after the other and keeps its tables, some
// megabytes of them, in between. For one goroutine at a time; to be dropped when
// there is no more work. The zero value is ready.
type Encoder struct {
	out  bytes.Buffer
	gzip *gzip.Writer
	zstd *zstd.Encoder
}

// Brotli compresses to RFC 7932. The quality falls with the size, since the
// time of the best ones is about 1 s a megabyte at 11 and a tenth of it at 9.
func (e *Encoder) Brotli(body []byte) ([]byte, error) {
	options := brotli.WriterOptions{Quality: 9, LGWin: window(len(body))}
	switch {
	case len(body) <= best:
		options.Quality = 11
	case len(body) <= good:
		options.Quality = 10
	}
	e.out.Reset()
	w := brotli.NewWriterOptions(&e.out, options)
	if _, err := w.Write(body); err != nil {
		return nil, fmt.Errorf("brotli: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("brotli: %w", err)
	}
	return bytes.Clone(e.out.Bytes()), nil
}

// Bodies up to best bytes get brotli's quality 11, up to good bytes 10.
const (
	best = 64 << 10
	good = 128 << 10
)

// window is the logarithm of the smallest window that holds n bytes; brotli has
// 10 to 24 (RFC 7932 §9.1). A larger one costs the reader memory for nothing.
func window(n int) int {
	w := 10
	for w < 24 && 1<<w-16 < n {
		w++
	}
	return w
}

// Gzip compresses to RFC 1952, without a name and a time.
func (e *Encoder) Gzip(body []byte) ([]byte, error) {
	e.out.Reset()
	if e.gzip == nil {
		w, err := gzip.NewWriterLevel(&e.out, gzip.BestCompression)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		e.gzip = w
	}
	e.gzip.Reset(&e.out)
	if _, err := e.gzip.Write(body); err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	if err := e.gzip.Close(); err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return bytes.Clone(e.out.Bytes()), nil
}

// zstdWindow is the largest window: browsers take up to 8 MiB (RFC 9659 §3), and
// a larger one makes the tables larger that the encoder keeps.
const zstdWindow = 1 << 20

// zstdLevel is not the best one, which saves another twentieth at most and holds
// 36 MB of tables for it, for each encoder: an eighth of the memory that all
// content together has by default. This one holds 5 MB.
const zstdLevel = zstd.SpeedBetterCompression

// Zstd compresses to RFC 8878, one frame without a checksum: TCP and TLS have theirs.
func (e *Encoder) Zstd(body []byte) ([]byte, error) {
	if e.zstd == nil {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstdLevel), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(false), zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return nil, fmt.Errorf("zstd: %w", err)
		}
		e.zstd = w
	}
	return bytes.Clone(e.zstd.EncodeAll(body, nil)), nil
}
