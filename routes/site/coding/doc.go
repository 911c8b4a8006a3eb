// Package coding compresses: one Encoder gives gzip, zstd and brotli of a body
// that is in memory (coding.go). It is the one room that knows the compressors'
// packages.
//
// The settings look at the result, not at the time: a body is compressed once
// and sent many times. Same bytes in, same bytes out, so that an entity tag made
// of them is the same on every machine that runs the same program.
package coding
