package loop

import (
	"bytes"
	"errors"
	"os"

	"monopoll/loop/sys"
	"monopoll/routes/config"
)

// The control socket lets `monopoll reload`, `status` and `stop` speak with a
// running server: a unix socket that only its owner can open, served like any
// other by the loop. A client sends one line and gets one answer; then the
// connection is closed.

// Controller answers a command line that came by the control socket. It is
// called on the loop's goroutine and must not wait: reply may be called later,
// once, from any goroutine.
type Controller func(command string, reply func(answer []byte))

// control is the protocol of the control socket.
type control struct {
	loop   *Loop
	conn   *conn
	asked  bool
	answer []byte
}

func (p *control) step(in []byte, out *output) (int, want) {
	if p.answer != nil {
		out.own = append(out.own, p.answer...)
		return len(in), wantClose
	}
	line, _, whole := bytes.Cut(in, []byte{'\n'})
	switch {
	case p.asked:
		return 0, wantReply
	case len(line) > longestCommand:
		return len(in), wantClose
	case !whole:
		return 0, wantInput
	}
	p.asked = true
	fd, gen, mail := int(p.conn.fd), p.conn.gen, &p.loop.mail
	p.loop.controller(string(line), func(answer []byte) {
		mail.post(func(l *Loop) { l.replied(fd, gen, answer) })
	})
	return len(in), wantReply
}

func (p *control) late(state, *output) {}

// makeControlRoom keeps to controlPlaces. A command is never refused: where all the
// others are so new that theirs may be on its way, or wait for an answer, there is
// one more.
func (l *Loop) makeControlRoom() {
	for l.controls >= controlPlaces {
		c := l.lanes[laneCommand].head
		if c == nil || l.now-c.since < int64(arrivalTime) {
			return
		}
		l.enter(c, stateDead)
	}
}

// replied is the controller's letter.
func (l *Loop) replied(fd int, gen uint32, answer []byte) {
	c := l.conns.find(fd, gen)
	if c == nil || c.state != stateReply {
		return
	}
	defer l.contain(c)
	c.proto.(*control).answer = answer
	l.advance(c, c.in)
}

// bindControl makes the control socket. Not to have one is no reason not to
// serve: a read-only folder, as in a container, is said once.
func (l *Loop) bindControl(path string, said bool) *socket {
	fd, err := sys.ListenUnix(path, 0o600, &l.publisher.patience)
	if err != nil && said {
		return nil
	}
	if err != nil {
		remedy := "set control: to a path in a folder that can be written to, or to off"
		if errors.Is(err, sys.EADDRINUSE) {
			err = errors.New("another server answers there")
			remedy = "give this one a control socket of its own by control: in its config, or set that to off"
		}
		l.log.Warn("there is no control socket, so `monopoll reload`, `status` and `stop` cannot reach this server",
			"path", path, "error", err, "remedy", remedy)
		return nil
	}
	a := config.Address{Unix: path}
	s := &socket{fd: fd, key: a.String(), address: a, path: path, control: true}
	s.file, _ = os.Lstat(path)
	return s
}
