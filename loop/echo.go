package loop

// echo is the Echo Protocol (RFC 862): what arrives is sent back. Back-pressure
// and the half-closed peer are the driver's business: nothing is read while
// something is unsent, and the end of input ends the connection after the last
// byte.
type echo struct{}

func (echo) step(in []byte, out *output) (int, want) {
	out.own = append(out.own, in...)
	return len(in), wantInput
}

func (echo) late(state, *output) {}
