package site

import (
	"hash/maphash"
	"sort"
	"strings"
	"unsafe"
)

// names is an immutable sorted set of file names. It is not a map because a
// directory keeps its names much longer than its files: an edited page makes a
// new list of files and shares names. And it is smaller: 10 to 16 bytes a name
// beside its letters, where a map of strings takes about 40.
type names struct {
	text  string   // all names, one after the other, in order
	ends  []uint32 // name i ends at ends[i] in text
	index []uint32 // open addressing by hash; 1 + i, or 0; nil for few names
}

const (
	// fewNames is up to how many names are looked for one by one: a handful of
	// length comparisons costs less than a hash.
	fewNames = 16
	// maxText is how many bytes the names of one directory may have together:
	// what ends can count.
	maxText = 1<<32 - 1
)

// seed makes the order of the index another one in every process.
var seed = maphash.MakeSeed()

func (n *names) len() int {
	if n == nil {
		return 0
	}
	return len(n.ends)
}

// at gives name i. It aliases text.
func (n *names) at(i int) string {
	from := uint32(0)
	if i > 0 {
		from = n.ends[i-1]
	}
	return n.text[from:n.ends[i]]
}

// find gives the position of a name, -1 if it is not there. It allocates
// nothing, and its cost does not depend on the number of names.
func (n *names) find(name string) int {
	if n == nil {
		return -1
	}
	if n.index == nil {
		for i := range n.ends {
			if n.at(i) == name {
				return i
			}
		}
		return -1
	}
	mask := uint32(len(n.index) - 1)
	for at := uint32(maphash.String(seed, name)) & mask; ; at = (at + 1) & mask {
		i := n.index[at]
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
	text strings.Builder
	ends []uint32
}

// grow makes room for count names of bytes letters together, so that names
// holds no more memory than it needs.
func (l *nameList) grow(count, bytes int) {
	l.text.Grow(bytes)
	l.ends = make([]uint32, 0, count)
}

// add takes the next name; it must sort after all that came before.
func (l *nameList) add(name string) {
	l.text.WriteString(name)
	l.ends = append(l.ends, uint32(l.text.Len()))
}

// copy takes the names from up to to of another set.
func (l *nameList) copy(n *names, from, to int) {
	if from == to {
		return
	}
	start := uint32(0)
	if from > 0 {
		start = n.ends[from-1]
	}
	shift := uint32(l.text.Len()) - start
	l.text.WriteString(n.text[start:n.ends[to-1]])
	for _, end := range n.ends[from:to] {
		l.ends = append(l.ends, end+shift)
	}
}

// names makes the set.
func (l *nameList) names() *names {
	if len(l.ends) == 0 {
		return nil
	}
	n := &names{text: l.text.String(), ends: l.ends}
	if len(l.ends) <= fewNames {
		return n
	}
	// between one third and two thirds of the places are taken: a look-up
	// compares fewer than two names on average
	size := 16
	for size*2 < len(l.ends)*3 {
		size *= 2
	}
	n.index = make([]uint32, size)
	mask := uint32(size - 1)
	for i := range n.ends {
		at := uint32(maphash.String(seed, n.at(i))) & mask
		for n.index[at] != 0 {
			at = (at + 1) & mask
		}
		n.index[at] = uint32(i + 1)
	}
	return n
}
