package loop

// buffers keeps buffers that one connection no longer needs for the next one.
// They hold what was left of a read: little, and rarely.
type buffers struct{ free [][]byte }

func (b *buffers) get(size int) []byte {
	if n := len(b.free); n > 0 && cap(b.free[n-1]) >= size {
		buf := b.free[n-1]
		b.free = b.free[:n-1]
		return buf[:0]
	}
	return make([]byte, 0, max(size, 1<<10))
}

func (b *buffers) put(buf []byte) {
	if cap(buf) > 0 && cap(buf) <= keptBuffer && len(b.free) < keptBuffers {
		b.free = append(b.free, buf)
	}
}

// outputs keeps the outputs of connections whose peers have caught up.
type outputs struct{ free []*output }

func (p *outputs) get() *output {
	if n := len(p.free); n > 0 {
		o := p.free[n-1]
		p.free = p.free[:n-1]
		return o
	}
	return new(output)
}

func (p *outputs) put(o *output) {
	o.reset()
	if cap(o.own) <= keptBuffer && cap(o.text) <= keptBuffer && cap(o.answers) <= keptAnswers && len(p.free) < keptBuffers {
		p.free = append(p.free, o)
	}
}
