package loop

// A protocol gives meaning to bytes. It sees what has arrived and leaves what
// should be sent. It never sees a descriptor, never waits, and keeps no part
// of in after step returns, except in out.answers, which the driver sees to before
// it touches in. It is called when bytes came, when out has drained, and by the
// letter that it waits for: that a file it asked for has been opened, or that the
// process has answered the control socket.
type protocol interface {
	// step takes n of the bytes that arrived and says what it waits for.
	step(in []byte, out *output) (n int, w want)
	// late says that what the connection waited for did not come in time. What
	// it leaves in out is sent, then the connection is closed.
	late(s state, out *output)
}

// want is what a protocol waits for.
type want uint8

const (
	// wantInput: more bytes than these.
	wantInput want = iota
	// wantBody: more bytes of a request's content.
	wantBody
	// wantDrain: room in out, which is not empty; it is stepped again even
	// without new bytes.
	wantDrain
	// wantFile: out.ask, fetched by the desk; it is stepped again with the same
	// bytes.
	wantFile
	// wantReply: a letter, by which it is stepped again.
	wantReply
	// wantClose: send out, then close. Nothing further from the peer matters,
	// but it may still be sending: see lingerTime.
	wantClose
	// wantCloseNow: the same where the peer has said that it sends nothing more,
	// so that there is nothing to linger for.
	wantCloseNow
)

// closes says that nothing is sent after what is in out.
func (w want) closes() bool { return w == wantClose || w == wantCloseNow }
