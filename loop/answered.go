package loop

import "slices"

// The access log tells of an answer when it has ended: when the kernel has taken
// its last byte, which for most is within the step that made it, or when its
// connection is closed. So it says how much of the content was sent, and a download
// that is broken off does not look like one that succeeded. Until then what it will
// say waits in the output that has the answer.

// answered is an answer that is to be logged.
type answered struct {
	entry
	end int64 // where it ends among the bytes of its output; its content ends there too
}

// log notes an answer, which is the last thing in o.
func (o *output) log(e *entry) {
	o.answers = append(o.answers, answered{entry: *e, end: o.size()})
}

// size is how many bytes are in an output of which nothing has been sent.
func (o *output) size() int64 {
	n := int64(len(o.own) - o.sealed)
	for i := range o.segs {
		n += int64(len(o.segs[i].data)) + o.segs[i].left
	}
	return n
}

// logSent logs the answers that the kernel has taken to the last byte.
func (l *Loop) logSent(out *output) {
	for out.told < len(out.answers) && out.answers[out.told].end <= out.taken {
		l.logNext(out)
	}
}

// logBroken logs the answers of an output of which nothing more will be sent.
func (l *Loop) logBroken(out *output) {
	for out.told < len(out.answers) {
		a := &out.answers[out.told]
		begin := a.end - a.bytes
		a.bytes = max(min(out.taken, a.end)-begin, 0)
		l.logNext(out)
	}
}

func (l *Loop) logNext(out *output) {
	e := &out.answers[out.told].entry
	out.told++
	if l.access.sink != nil { // a reload may have turned it off meanwhile
		e.now = l.wall / 1e9
		l.access.add(e, l.now)
	}
}

// moveAnswers is moveTo for the answers that are not logged yet. What a client sent
// is copied: it lies where the next bytes will be read to.
func (o *output) moveAnswers(to *output) {
	waiting, size := o.answers[o.told:], 0
	for i := range waiting {
		for _, field := range waiting[i].sent() {
			size += len(*field)
		}
	}
	to.text = slices.Grow(to.text, size)
	for i := range waiting {
		for _, field := range waiting[i].sent() {
			from := len(to.text)
			to.text = append(to.text, *field...)
			*field = to.text[from:len(to.text):len(to.text)]
		}
	}
	to.answers = append(to.answers, waiting...)
	to.taken = o.taken
}

func (o *output) forgetAnswers() {
	if len(o.answers) > 0 {
		clear(o.answers)
		o.answers, o.text, o.told = o.answers[:0], o.text[:0], 0
	}
}

// sent are the parts of a line that come from the client.
func (e *entry) sent() [6]*[]byte {
	return [...]*[]byte{&e.method, &e.target, &e.host, &e.referer, &e.ua, &e.line}
}
