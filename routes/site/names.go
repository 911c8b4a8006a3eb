package site

import (
	"encoding/binary"
	"hash/maphash"
	"sort"
	"strings"
	"unsafe"
)

// names is an immutable sorted set of file names; its zero value is empty. It is
// not a map because a directory keeps its names much longer than its files: an
// edited page makes a new list of files and shares names. And it is smaller: 2
// to 16 bytes a name beside its letters, where a map of strings takes about 40.
type names struct {
	// text has where each name begins, and the last one ends, in two bytes each,
	// or four, and then all names, one after the other, in order: what a look-up
	// needs lies together.
	text  string
	index *index // nil for few names
	count int32
	width int32 // 2, or 4 where there are more than 64 KiB of letters
}

// index finds a name by its hash (open addressing): 1 + i, or 0.
type index []uint32

const (
	// fewNames is up to how many names are looked for one by one: a handful of
	// length comparisons costs less than a hash.
	fewNames = 16
	// maxText is how many bytes the names of one directory may have together:
	// what the ends can count.
	maxText = 1<<32 - 1
)

// seed makes the order of the index another one in every process.
var seed = maphash.MakeSeed()

func (n *names) len() int { return int(n.count) }

// is says that two sets are one and the same, which costs no look at the names.
func (n *names) is(m *names) bool {
	return n.count == m.count && unsafe.StringData(n.text) == unsafe.StringData(m.text)
}

// begin gives where in letters name i begins: where the one before it ends.
func (n *names) begin(i int) int {
	if n.width == 2 {
		b := n.text[2*i : 2*i+2]
		return int(b[0]) | int(b[1])<<8
	}
	b := n.text[4*i : 4*i+4]
	return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 | int(b[3])<<24
}

// end gives where in letters name i ends.
func (n *names) end(i int) int { return n.begin(i + 1) }

// letters gives all names, one after the other.
func (n *names) letters() string {
	if n.count == 0 {
		return ""
	}
	return n.text[(n.count+1)*n.width:]
}

// at gives name i. It aliases text.
func (n *names) at(i int) string { return n.letters()[n.begin(i):n.end(i)] }

// find gives the position of a name, -1 if it is not there. It allocates
// nothing, and its cost does not depend on the number of names.
func (n *names) find(name string) int {
	if n.index == nil {
		from := 0
		for i, all := 0, n.letters(); i < int(n.count); i++ {
			to := n.end(i)
			if all[from:to] == name {
				return i
			}
			from = to
		}
		return -1
	}
	places := *n.index
	mask := uint32(len(places) - 1)
	for at := uint32(maphash.String(seed, name)) & mask; ; at = (at + 1) & mask {
		i := places[at]
		if i == 0 {
			return -1
		}
		if n.at(int(i-1)) == name {
			return int(i - 1)
		}
	}
}

// search gives where a name stands, or would stand, in the order.
func (n *names) search(name string) (i int, found bool) {
	return sort.Find(n.len(), func(i int) int { return strings.Compare(name, n.at(i)) })
}

// view sees bytes as a string for the length of a look-up.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// nameList collects names in order, to make names of them.
type nameList struct {
	text  []byte
	next  int // how many there are
	count int32
	width int32
}

// grow makes room for count names of bytes letters together: as many as will
// come, so that names holds no more memory than it needs.
func (l *nameList) grow(count, bytes int) {
	l.count, l.width = int32(count), 2
	if bytes >= 1<<16 {
		l.width = 4
	}
	l.text = make([]byte, l.head(), l.head()+bytes)
}

// add takes the next name; it must sort after all that came before.
func (l *nameList) add(name string) {
	l.text = append(l.text, name...)
	l.end(len(l.text) - l.head())
}

// head is how many bytes stand before the letters.
func (l *nameList) head() int { return int((l.count + 1) * l.width) }

// end writes down where the next name ends.
func (l *nameList) end(end int) {
	l.next++
	if at := l.text[l.next*int(l.width):]; l.width == 2 {
		binary.LittleEndian.PutUint16(at, uint16(end))
	} else {
		binary.LittleEndian.PutUint32(at, uint32(end))
	}
}

// copy takes the names from up to to of another set.
func (l *nameList) copy(n *names, from, to int) {
	if from == to {
		return
	}
	start := n.begin(from)
	shift := len(l.text) - l.head() - start
	l.text = append(l.text, n.letters()[start:n.begin(to)]...)
	for i := from; i < to; i++ {
		l.end(n.end(i) + shift)
	}
}

// names makes the set.
func (l *nameList) names() names {
	n := names{text: view(l.text), count: l.count, width: l.width}
	if l.count <= fewNames {
		return n
	}
	// between one third and two thirds of the places are taken: a look-up
	// compares fewer than two names on average
	size := 16
	for size*2 < n.len()*3 {
		size *= 2
	}
	places := make(index, size)
	mask := uint32(size - 1)
	for i := range n.len() {
		at := uint32(maphash.String(seed, n.at(i))) & mask
		for places[at] != 0 {
			at = (at + 1) & mask
		}
		places[at] = uint32(i + 1)
	}
	n.index = &places
	return n
}
