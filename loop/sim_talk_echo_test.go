package loop

import (
	"bytes"
	"fmt"
)

// echoTalk sends bytes and wants them back.
type echoTalk struct {
	c    *simClient
	want []byte // all that is sent
	got  int
	half bool // it closes its side as soon as all is sent
}

func newEchoTalk(c *simClient) *echoTalk {
	w := c.w
	size := w.between(1, 3000)
	if w.chance(4) && !c.slow && c.sendMost > 1 {
		size = w.between(1, 400_000)
	}
	at := w.rng.IntN(len(simNoise) - size)
	w.budget--
	w.asked++
	c.out = simNoise[at : at+size : at+size]
	return &echoTalk{c: c, want: c.out, half: w.fault(faultHalfClose)}
}

func (t *echoTalk) more() {
	if t.half && len(t.c.out) == 0 {
		t.c.halfClose()
	}
}

func (t *echoTalk) delivered() {}

func (t *echoTalk) take(p []byte) error {
	if t.mistaken() {
		return nil
	}
	if t.got+len(p) > len(t.want) || !bytes.Equal(p, t.want[t.got:t.got+len(p)]) {
		return fmt.Errorf("the echo differs within %d bytes from %d on", len(p), t.got)
	}
	t.got += len(p)
	if t.got == len(t.want) {
		t.c.w.answered++
	}
	return nil
}

// mistaken says that the listener stopped to echo before it accepted.
func (t *echoTalk) mistaken() bool { return !t.c.conn.echo }

func (t *echoTalk) over(reset bool) error {
	conn := t.c.conn
	switch {
	case t.mistaken(), conn.excuse&excuseAlways != 0, t.got == len(t.want) && (t.c.ended || conn.excuse != 0):
	case reset && conn.excuse&excuseRoom != 0:
	case conn.excuse&(excuseRoom|excuseEnding) != 0 && int64(t.got) == conn.heard:
	default:
		return fmt.Errorf("the connection ended after %d of %d bytes of an echo (%d read by the server)", t.got, len(t.want), conn.heard)
	}
	return nil
}

func (t *echoTalk) done() bool   { return t.got == len(t.want) || t.mistaken() && t.c.conn.d != nil }
func (t *echoTalk) waits() bool  { return len(t.c.out) == 0 && t.got < len(t.want) && !t.mistaken() }
func (t *echoTalk) since() int64 { return 0 }
