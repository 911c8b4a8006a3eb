package loop

import (
	"slices"
	"unsafe"

	"monopoll/routes"
)

// output is what is still to be sent, in order: own bytes, borrowed bodies,
// parts of files. A protocol appends to it; flush takes from it.
type output struct {
	// own is where a protocol appends heads and small bodies. own[sealed:] comes
	// after all segments.
	own    []byte
	sealed int
	segs   []segment
	first  int // segs[:first] are sent

	// answers are those that are here and to be logged, answers[:told] those that
	// have been; taken is how many bytes the kernel has taken. See answered.go.
	answers []answered
	told    int
	taken   int64
	text    []byte // what the answers say, in an output that a connection keeps

	// ask is what a step wants of the desk; had is that it has got it, failed is
	// why it could not.
	ask    errand
	had    window
	failed error
	// instead is the file as the desk found it, where no table knows it so.
	instead *routes.Instead
}

// segment is a run of bytes in memory, or a part of an open file.
type segment struct {
	data []byte
	file *openFile
	at   int64 // where in the file
	left int64 // how much of it
	warm int64 // up to where it is known to be in memory
}

// full says that enough is waiting.
func (o *output) full() bool {
	n := len(o.own)
	for i := range o.segs {
		n += len(o.segs[i].data)
		if o.segs[i].file != nil {
			return true
		}
	}
	return n >= outputLimit
}

func (o *output) empty() bool { return o.first == len(o.segs) && o.sealed == len(o.own) }

// borrow sends s after what is there, without copying it: s must never change,
// as no string does.
func (o *output) borrow(s string) {
	if len(s) == 0 {
		return
	}
	o.seal()
	o.segs = append(o.segs, segment{data: unsafe.Slice(unsafe.StringData(s), len(s))})
}

// part sends length bytes of an open file, from offset at. The segment must be
// counted by openFiles.retain; see openFiles.send.
func (o *output) part(f *openFile, at, length int64) {
	o.seal()
	warm := int64(0)
	if o.had.has(f, at) {
		warm = o.had.at + o.had.length
	}
	o.segs = append(o.segs, segment{file: f, at: at, left: length, warm: warm})
}

// seal makes a segment of the own bytes that have none yet.
func (o *output) seal() {
	if o.sealed < len(o.own) {
		o.segs = append(o.segs, segment{data: o.own[o.sealed:]})
		o.sealed = len(o.own)
	}
}

// sent takes n bytes of memory segments away.
func (o *output) sent(n int) {
	for n > 0 {
		s := &o.segs[o.first]
		if n < len(s.data) {
			s.data = s.data[n:]
			return
		}
		n -= len(s.data)
		s.data = nil
		o.first++
	}
}

// reset forgets everything. Its files must have been released before, and its
// answers logged.
func (o *output) reset() {
	clear(o.segs)
	o.own, o.segs = o.own[:0], o.segs[:0]
	o.sealed, o.first, o.taken = 0, 0, 0
	o.forgetAnswers()
	o.ask, o.had, o.failed, o.instead = errand{}, window{}, nil, nil
}

// moveTo hands what is left to another output, for a connection to keep. Own
// bytes are copied, into a buffer of their size: a thousand clients that read
// slowly must not hold a thousand of the loop's large buffers.
func (o *output) moveTo(to *output) {
	o.seal()
	owned := 0
	for _, s := range o.segs[o.first:] {
		if s.data != nil && o.owns(s.data) {
			owned += len(s.data)
		}
	}
	to.own = slices.Grow(to.own, owned)
	for _, s := range o.segs[o.first:] {
		if s.data != nil && o.owns(s.data) {
			from := len(to.own)
			to.own = append(to.own, s.data...)
			s.data = to.own[from:len(to.own):len(to.own)]
		}
		to.segs = append(to.segs, s)
	}
	to.sealed = len(to.own)
	o.moveAnswers(to)
	o.reset()
}

// owns says whether data lies in own. A segment made before own grew lies in
// its former array; that array is nobody else's, so it need not be copied.
func (o *output) owns(data []byte) bool {
	base := uintptr(unsafe.Pointer(unsafe.SliceData(o.own)))
	p := uintptr(unsafe.Pointer(unsafe.SliceData(data)))
	return p >= base && p < base+uintptr(cap(o.own))
}
