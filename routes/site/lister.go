package site

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// entry is a name of a directory on disk and its type (DT_REG …).
type entry struct {
	name string
	typ  byte
}

// lister reads directories. Its room is used again for the next one, and a
// directory costs one piece of memory, for the letters of all its names.
type lister struct {
	dents []byte // what the kernel says at a time
	text  []byte // the names of one directory
	ends  []int  // where in text each of them ends
	types []byte
	stack []entry // what list gave and was not handed back by done
}

// dentsRoom is what getdents64(2) is asked for: some 2,000 names.
const dentsRoom = 64 << 10

// list gives the entries of a directory that o shows, in the order of their
// names. They are good until done is called with them; the names are good for
// ever.
func (l *lister) list(fd int, o *Options) ([]entry, error) {
	if l.dents == nil {
		l.dents = make([]byte, dentsRoom)
	}
	l.text, l.ends, l.types = l.text[:0], l.ends[:0], l.types[:0]
	for {
		n, err := unix.Getdents(fd, l.dents)
		if err == unix.EINTR {
			continue
		}
		if err == unix.ENOENT { // removed meanwhile
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		l.add(l.dents[:n], o)
		if len(l.text) > maxText {
			return nil, fmt.Errorf("a directory has more than %d bytes of names", maxText)
		}
	}
	first := len(l.stack)
	from, text := 0, string(l.text)
	for i, to := range l.ends {
		l.stack = append(l.stack, entry{text[from:to], l.types[i]})
		from = to
	}
	entries := l.stack[first:]
	slices.SortFunc(entries, func(a, b entry) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return entries, nil
}

// add reads a row of struct linux_dirent64: inode 8, offset 8, length 2, type 1,
// name and NUL.
func (l *lister) add(row []byte, o *Options) {
	for len(row) > 0 {
		size := binary.NativeEndian.Uint16(row[16:])
		name, typ := row[19:size], row[18]
		row = row[size:]
		name = name[:bytes.IndexByte(name, 0)]
		if string(name) == "." || string(name) == ".." || !o.shows(view(name)) {
			continue
		}
		l.text = append(l.text, name...)
		l.ends = append(l.ends, len(l.text))
		l.types = append(l.types, typ)
	}
}

// done hands back what list gave, the last first.
func (l *lister) done(entries []entry) {
	clear(entries) // and with them what holds the text
	l.stack = l.stack[:len(l.stack)-len(entries)]
}

// shrink gives up the room that a large directory has taken.
func (l *lister) shrink() { *l = lister{dents: l.dents} }
