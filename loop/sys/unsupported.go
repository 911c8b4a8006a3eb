//go:build 386 || arm || mips || mipsle

package sys

// An int of 32 bits has no room for the offset of a large file or for what a
// config may say. Whoever builds it nevertheless finds this among the errors.
var _ int = "monopoll is for 64-bit processors"
