package loop

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// simControl is the address of the control socket, which every table has.
const simControl = "unix:control"

// bindControl adds the control socket to the first plan of a life.
func (w *simWorld) bindControl(p *plan) {
	d, errno := w.allocate(kindListener)
	if errno != 0 {
		w.fail("the control socket: %v", errno)
		return
	}
	d.listener = &simListener{w: w, key: simControl, d: d, control: true, history: []int{0}}
	w.listeners[simControl] = d.listener
	s := &socket{fd: d.fd, key: simControl, control: true}
	p.fresh, p.bound[simControl] = append(p.fresh, s), s
}

// command is the Controller: it answers after a while, like a reload.
func (w *simWorld) command(command string, reply func([]byte)) {
	if command == "now" {
		reply([]byte("done now\n"))
		return
	}
	w.clerk.jobs = append(w.clerk.jobs, simJob{w.now + int64(w.between(0, 400))*1e6, func() {
		reply([]byte("done " + command + "\n"))
	}})
}

// controlTalk sends a command to the control socket and wants its answer.
type controlTalk struct {
	c    *simClient
	want string
	got  []byte
}

func newControlTalk(c *simClient) *controlTalk {
	w := c.w
	w.budget--
	w.asked++
	command := "now"
	switch {
	case w.chance(10):
		command = strings.Repeat("x", longestCommand+1)
	case w.chance(2):
		command = strconv.Itoa(w.rng.IntN(1000))
	}
	t := &controlTalk{c: c, want: "done " + command + "\n"}
	if len(command) > longestCommand {
		t.want = ""
	}
	c.out = []byte(command + "\n")
	if w.chance(8) {
		c.out = append(c.out, "and more\n"...)
	}
	return t
}

func (t *controlTalk) more()        {}
func (t *controlTalk) delivered()   {}
func (t *controlTalk) done() bool   { return false }
func (t *controlTalk) waits() bool  { return len(t.c.out) == 0 }
func (t *controlTalk) since() int64 { return 0 }

func (t *controlTalk) take(p []byte) error {
	t.got = append(t.got, p...)
	if !bytes.HasPrefix([]byte(t.want), t.got) {
		return fmt.Errorf("the control socket says %q, not %q", t.got, t.want)
	}
	return nil
}

func (t *controlTalk) over(bool) error {
	conn := t.c.conn
	if string(t.got) == t.want {
		t.c.w.answered++
		return nil
	}
	if conn.excuse&(excuseAlways|excuseEnding) == 0 {
		return fmt.Errorf("the control socket said %q, not %q", t.got, t.want)
	}
	return nil
}
