package site

import (
	"crypto/sha256"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// hashPiece is how many bytes are read at a time to hash a body on disk.
const hashPiece = 256 << 10

// Unhashed gives the files that have a weak entity tag for want of a look at
// their bodies, which stay on disk; each version once.
func (t *Tree) Unhashed() []*File {
	var files []*File
	seen := map[Stamp]bool{}
	t.each(func(_ string, _ Coding, f *File) {
		if f.onDisk() && f.weak() && !seen[f.stamp()] {
			seen[f.stamp()] = true
			files = append(files, f)
		}
	})
	return files
}

// weak says that the entity tag is weak (RFC 9110 §8.8.1).
func (f *File) weak() bool { return strings.HasPrefix(f.ETag(), "W/") }

// Hash reads a body that stays on disk and gives its strong entity tag. It
// takes as long as the disk does, and waits a tick if the file is very new. The
// error wraps ErrChanged if it changed before the end; stop, if not nil, is asked
// now and then whether to give up.
func (l *Loader) Hash(f *File, stop func() error) (tag string, err error) {
	f.outlast()
	fd, err := f.Open()
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	sum := sha256.New()
	buf := make([]byte, hashPiece)
	for left := f.Size(); left > 0; {
		if stop != nil {
			if err := stop(); err != nil {
				return "", err
			}
		}
		piece := buf[:min(left, hashPiece)]
		n, err := readFull(fd, piece)
		if err != nil {
			return "", f.place().failed(err)
		}
		if n < len(piece) {
			break
		}
		sum.Write(piece)
		left -= int64(n)
	}
	var st unix.Stat_t
	if err := fstat(fd, &st); err != nil || !f.is(&st) {
		return "", f.place().failed(ErrChanged)
	}
	var short tagSum
	copy(short[:], sum.Sum(nil))
	return strongTag(short), nil
}

// outlast waits until bytes that are read are those that the stamp will always
// stand for: a tick after the last change.
func (f *File) outlast() {
	if f.flags&flagRacy != 0 {
		step := stepOf(f.ctime)
		time.Sleep(min(step, time.Until(time.Unix(0, f.ctime).Add(step))))
	}
}

// Tagged gives the tree in which the given files have the strong entity tags
// that Hash found. Files that the tree has not any more are passed over.
func (t *Tree) Tagged(tags map[*File]string) *Tree {
	found := make(map[Stamp]string, len(tags))
	for f, tag := range tags {
		found[f.stamp()] = tag
	}
	return t.rebuilt(func(_, _ string, _ Coding, f *File) *File {
		tag, ok := found[f.stamp()]
		if !ok || !f.onDisk() || !f.weak() {
			return f
		}
		g := *f
		g.flags &^= flagRacy
		g.data = f.data[:f.etagAt] + "ETag: " + tag + "\r\n" + f.data[f.lengthAt:]
		g.lengthAt -= uint8(len("W/"))
		g.bodyAt -= uint8(len("W/"))
		return &g
	})
}
