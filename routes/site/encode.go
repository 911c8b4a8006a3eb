package site

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"monopoll/routes/site/coding"
)

// worth is what a variant must save to be kept, in percent: less is not worth
// its memory and the reader's time.
const worth = 10

// Work is one variant to be made: one body in one coding. It holds no tree.
type Work struct {
	file   *File
	coding Coding
}

// Variant is what came of a Work.
type Variant struct {
	tag    string // the entity tag of the body it was made of
	coding Coding
	file   *File // nil: not worth it
}

// Plan lists the variants that could be made for a tree: for text-like bodies of
// more than minEncode and up to maxEncode bytes, in each coding that neither a
// sidecar gives nor was tried before. Small bodies come first. Large files are
// among them once they are Tagged; what is on disk only because there is no room
// for it in memory has none for its variants either.
func (t *Tree) Plan() []Work {
	if !t.opt.Compress {
		return nil
	}
	var work []Work
	seen := map[string]bool{}
	t.each(func(name string, c Coding, f *File) {
		if c != Identity || !f.encodable() || f.coded.complete() || !t.opt.codes(f, MediaType(name)) || seen[f.ETag()] {
			return
		}
		seen[f.ETag()] = true
		for c := Brotli; c > Identity; c-- {
			if f.coded.lacks(c) {
				work = append(work, Work{f, c})
			}
		}
	})
	slices.SortStableFunc(work, func(a, b Work) int { return cmp.Compare(a.file.Size(), b.file.Size()) })
	return work
}

// encodable says that variants can be made of a file as it is now.
func (f *File) encodable() bool {
	return !f.Forbidden() && (!f.onDisk() || f.Size() > Threshold && !f.weak())
}

// Size is the length of the body to be compressed.
func (w Work) Size() int64 { return w.file.Size() }

// Encoder does Work. For one goroutine at a time; it holds some megabytes until
// it is dropped. The zero value is ready.
type Encoder struct {
	encoder coding.Encoder
	// Cache, if not nil, is asked before and told after.
	Cache *Cache
}

// Do makes a variant. It takes up to about half a second of a processor. It looks
// at ctx only before the work. The error wraps ErrChanged if a file on disk is
// another by now.
func (e *Encoder) Do(ctx context.Context, w Work) (Variant, error) {
	if err := ctx.Err(); err != nil {
		return Variant{}, err
	}
	v := Variant{tag: w.file.ETag(), coding: w.coding}
	if known, ok := e.Cache.get(v.tag, w.coding); ok {
		return known, nil
	}
	body, err := w.file.content()
	if err != nil {
		return Variant{}, err
	}
	out, err := e.encode(w.coding, body)
	if err != nil {
		return Variant{}, fmt.Errorf("a body of %d bytes cannot be compressed: %w", len(body), err)
	}
	if len(out)*100 <= len(body)*(100-worth) {
		v.file = w.file.made(out)
	}
	e.Cache.put(v)
	return v, nil
}

func (e *Encoder) encode(c Coding, body []byte) ([]byte, error) {
	switch c {
	case Gzip:
		return e.encoder.Gzip(body)
	case Zstd:
		return e.encoder.Zstd(body)
	default:
		return e.encoder.Brotli(body)
	}
}

// made gives a variant of f with the given content. Its Shared is yet to come.
func (f *File) made(content []byte) *File {
	size := int64(len(content))
	h := newHead(nil, placeholder, size, size)
	copy(h.body(size), content)
	h.setTag(sumOf(content))
	v := h.file()
	v.flags = flagMade
	return v.redated(f)
}

// With gives the tree with some more variants. They come to every file that has
// the body they were made of; sidecars win. Beyond room bytes of memory they are
// dropped, and not planned again for these files.
func (t *Tree) With(variants []Variant, room int64) *Tree {
	made := map[string][]Variant{}
	for _, v := range variants {
		made[v.tag] = append(made[v.tag], v)
	}
	return t.rebuilt(func(dir, name string, c Coding, f *File) *File {
		found := made[f.ETag()]
		if found == nil || c != Identity || !f.encodable() {
			return f
		}
		typ := MediaType(name)
		if !t.opt.codes(f, typ) {
			return f
		}
		var coded Coded
		if f.coded != nil {
			coded = *f.coded
		}
		for _, v := range found {
			if coded.variant[v.coding] != nil {
				continue
			}
			if v.file == nil || room < v.file.memory() {
				coded.declined |= 1 << v.coding
				continue
			}
			room -= v.file.memory()
			variant := *v.file.redated(f)
			variant.shared = t.opt.share(shareKey{typ, t.opt.cacheControl(dir, name, typ), v.coding, true})
			coded.variant[v.coding] = &variant
		}
		if f.coded != nil && coded == *f.coded {
			return f
		}
		g := *f
		g.coded = &coded
		return &g
	})
}
