package loop

import (
	"bytes"
	"fmt"
	"slices"
)

// httpTalk sends requests, one after the other or several at once, and checks
// every byte of their answers.
type httpTalk struct {
	c     *simClient
	left  int // requests that it will still send
	depth int // how many may be under way
	half  bool
	plain bool // it asks for the same again and again
	pause bool // it waits a while between two requests

	asked []*simRequest // not answered yet, oldest first
	whole int           // how many of them were delivered in full
	made  int64         // how much the requests made so far take
	reply simReply
	busy  bool // reply has begun
	final bool // the server has said that it closes
}

func newHTTPTalk(c *simClient) *httpTalk {
	w := c.w
	t := &httpTalk{c: c, left: 1, depth: 1}
	switch n := w.rng.IntN(10); {
	case n < 3:
		t.left = w.between(1, 3)
	case n < 7:
		t.left = w.between(2, 30)
	case n < 9:
		t.left = w.between(2, 60)
		t.depth = w.between(2, 20)
	default:
		if c.sendMost > 1 && !c.slow {
			t.left = w.between(100, 1500)
			t.depth = t.left
		}
	}
	if c.ragged {
		t.left, t.depth = w.between(10, 200), w.between(3, 20)
	}
	if w.flooding && w.budget > 0 {
		t.left, t.depth = floodSize, floodSize
		w.budget += floodSize
		w.flooding = false
		t.plain = true
		return t
	}
	t.plain = t.depth > 2 && w.chance(2)
	t.half = w.fault(faultHalfClose)
	t.pause = w.chance(8)
	c.stays = w.chance(10)
	return t
}

func (t *httpTalk) more() {
	c, w := t.c, t.c.w
	for t.left > 0 && len(t.asked) < t.depth && !t.final && !c.ended && c.gate == simNever {
		if t.pause && len(t.asked) == 0 && w.chance(2) && t.made > 0 {
			c.at = min(c.at, w.now+int64(w.between(0, 1500))*1e6)
			return
		}
		t.left--
		q := w.newRequest(t.left == 0 || w.budget <= 1, c.slow, t.plain)
		w.budget--
		w.asked++
		q.start = t.made
		t.made += int64(len(q.text))
		t.asked = append(t.asked, q)
		c.out = append(c.out, q.text...)
		if q.ends && !q.bad && w.chance(3) {
			c.out = append(c.out, "\r\n"...) // an old habit: RFC 9112 §2.2
		}
		if q.expects && !q.bad {
			c.gate, c.open = q.start+int64(q.head), w.now+int64(w.between(1, 400))*1e6
		}
		if q.ends || q.bad || w.budget <= 0 {
			t.left = 0
		}
	}
	if t.half && t.left == 0 && len(c.out) == 0 {
		c.halfClose()
	}
}

// delivered notes which requests have been given to the network.
func (t *httpTalk) delivered() {
	for ; t.whole < len(t.asked); t.whole++ {
		q := t.asked[t.whole]
		if !q.begun && t.c.sent > q.start {
			q.begun, q.firstAt = true, t.c.w.now
		}
		if !q.headed && t.c.sent >= q.start+int64(q.head) {
			q.headed, q.low = true, len(t.c.conn.listener.history)-1
		}
		if q.whole = t.c.sent >= q.start+int64(len(q.text)); !q.whole {
			return
		}
	}
}

func (t *httpTalk) mistaken() bool { return t.c.conn.echo }

func (t *httpTalk) take(p []byte) error {
	if t.mistaken() {
		return nil
	}
	if t.final {
		return t.nothingMore(p)
	}
	for len(p) > 0 {
		r := &t.reply
		t.busy = true
		if !r.headed {
			before := len(r.raw)
			r.raw = append(r.raw, p...)
			end := bytes.Index(r.raw[max(0, before-3):], []byte("\r\n\r\n"))
			if end < 0 {
				if len(r.raw) > 16<<10 {
					return fmt.Errorf("a head of more than %d bytes", len(r.raw))
				}
				return nil
			}
			end += max(0, before-3) + 4
			p = p[end-before:]
			r.raw = r.raw[:end]
			if err := t.head(); err != nil {
				return fmt.Errorf("%w\n%s", err, r.raw)
			}
		}
		if r.headed {
			n, err := r.content(p)
			if err != nil {
				return fmt.Errorf("%s: %w\n%s", t.asked[0].text[:t.asked[0].head], err, r.raw)
			}
			p = p[n:]
			if r.left == 0 {
				if err := t.finish(); err != nil {
					return err
				}
				if t.final {
					return t.nothingMore(p)
				}
			}
		}
	}
	return nil
}

// nothingMore sees to it that nothing follows the last answer. Only the ready
// text for those who find no place has content whatever the method was.
func (t *httpTalk) nothingMore(p []byte) error {
	if len(p) > 0 && t.c.conn.excuse&excuseRefused == 0 {
		return fmt.Errorf("more after the last answer: %.200q", p)
	}
	return nil
}

// head judges the head of an answer that has come.
func (t *httpTalk) head() error {
	r, w, conn := &t.reply, t.c.w, t.c.conn
	if err := r.parse(); err != nil {
		return err
	}
	if len(t.asked) == 0 {
		if conn.excuse&excuseAlways == 0 {
			return fmt.Errorf("an answer to nothing")
		}
		t.asked = append(t.asked, &simRequest{})
	}
	q := t.asked[0]
	if r.status == 100 {
		if !q.expects || q.goOn || t.c.sent < q.start+int64(q.head) {
			return fmt.Errorf("a 100 that nobody waits for")
		}
		q.goOn = true
		if t.c.gate == q.start+int64(q.head) {
			t.c.gate = simNever
		}
		*r = simReply{raw: r.raw[:0]}
		t.busy = false
		return nil
	}
	r.headed = true
	r.left = max(r.length, 0)
	known := r.status != 408 || conn.read() >= q.start+int64(q.head)
	if q.method == "HEAD" && known || r.status == 204 || r.status == 304 {
		r.left = 0
	}
	if r.close && !t.mayClose(q) {
		return fmt.Errorf("Connection: close in the answer to %q", q.text[:q.head])
	}
	if refused, err := t.refused(q); refused || err != nil {
		r.loose = true
		return err
	}
	if !q.headed {
		return fmt.Errorf("the answer to a request that is not here yet: %q", q.text)
	}
	if r.table < 0 || r.table >= len(simPool) {
		return fmt.Errorf("no table in the answer to %q", q.text[:q.head])
	}
	history := conn.listener.history
	if low := max(q.low, 0); low >= len(history) || !slices.Contains(history[low:], r.table) {
		return fmt.Errorf("an answer from table %d, not from one of %v", r.table, history[min(low, len(history)):])
	}
	if err := r.judge(w, q, simPool[r.table]); err != nil {
		return fmt.Errorf("the answer of table %d to %q: %w", r.table, q.text[:q.head], err)
	}
	return nil
}

// mayClose says whether the server has a reason to close after this answer.
func (t *httpTalk) mayClose(q *simRequest) bool {
	r, conn := &t.reply, t.c.conn
	return q.ends || q.bad || q.expects || conn.listener.closings > 0 || t.c.w.draining ||
		r.status == 408 || r.status == 413 || r.status == 503
}

// refused recognizes an answer that is not about what was asked.
func (t *httpTalk) refused(q *simRequest) (bool, error) {
	r, conn := &t.reply, t.c.conn
	switch {
	case q.bad && !(r.status == 408 && conn.excuse&excuseTime != 0):
		if r.status < 400 || !r.close {
			return true, fmt.Errorf("status %d for %q", r.status, q.text)
		}
		return true, nil
	case r.status == 413 && r.close:
		if !q.unready {
			return true, fmt.Errorf("413 for %q", q.text)
		}
		return true, nil
	case r.status == 408 && r.close && conn.excuse&excuseTime != 0:
		return true, nil
	case r.status == 503 && conn.excuse&(excuseDesk|excuseTime|excuseRefused) != 0:
		return true, nil
	case r.status == 404 && conn.excuse&excuseDesk != 0:
		return true, nil
	case q.unready && !(q.expects && r.close):
		return true, fmt.Errorf("status %d for a body that is too large", r.status)
	}
	return false, nil
}

// finish is called when an answer has come to its end.
func (t *httpTalk) finish() error {
	r, q := &t.reply, t.asked[0]
	if r.collect {
		if err := r.parts(q); err != nil {
			return fmt.Errorf("%q: %w", q.text[:q.head], err)
		}
	}
	t.c.w.answered++
	t.asked, t.whole = t.asked[1:], max(0, t.whole-1)
	if r.close {
		t.final, t.left = true, 0
		if t.c.gate != simNever {
			t.c.out, t.c.gate = nil, simNever // the body is not wanted
		}
	} else if !q.whole && t.c.gate != simNever {
		return fmt.Errorf("an answer that leaves open whether a body is wanted: %q", q.text[:q.head])
	}
	*r = simReply{raw: r.raw[:0]}
	t.busy = false
	t.c.at = min(t.c.at, t.c.w.now+int64(t.c.w.rng.IntN(t.c.readGap+1)))
	return nil
}

func (t *httpTalk) over(reset bool) error {
	conn := t.c.conn
	owes := t.busy || len(t.asked) > 0 && !t.final
	switch {
	case t.mistaken(), conn.excuse&excuseAlways != 0:
		return nil
	case !owes && (t.final || t.c.ended || conn.excuse != 0):
		return nil
	case !owes:
		return fmt.Errorf("an idle connection was closed")
	case reset && conn.excuse&excuseRoom != 0:
		return nil // bytes that the server had not read made it a reset
	case !t.busy && conn.excuse&(excuseRoom|excuseEnding) != 0 && conn.heard <= t.asked[0].start+t.asked[0].blank:
		return nil // it crossed the end of the connection
	}
	q := &simRequest{}
	if len(t.asked) > 0 {
		q = t.asked[0]
	}
	how := "closed"
	if reset {
		how = "reset"
	}
	return fmt.Errorf("the connection was %s with an answer owed (%d requests, of which the server read to %d of %d; begun %v, %d bytes of content to come): %.200q\n%s",
		how, len(t.asked), conn.consumed, q.start+int64(len(q.text)), t.busy, t.reply.left, q.text, t.reply.raw)
}

func (t *httpTalk) done() bool {
	return t.mistaken() || t.left == 0 && len(t.asked) == 0 || t.final
}

func (t *httpTalk) waits() bool {
	return len(t.c.out) == 0 && len(t.asked) > 0 && !t.mistaken()
}

func (t *httpTalk) since() int64 {
	if t.whole < len(t.asked) && t.asked[t.whole].begun {
		return t.asked[t.whole].firstAt
	}
	return 0
}
