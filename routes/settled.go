package routes

import (
	"context"

	"monopoll/routes/site"
)

// Settled gives the table as it will be when a server has run for a while, as
// far as the answer to one request shows: with the compressed variants of the
// file that it is about, and with its strong entity tag. It may take a second,
// and longer for a file of gigabytes, all of which is read. If something cannot
// be made the table is what it was.
func (t *Table) Settled(l *Listener, req *Request, ld *site.Loader) *Table {
	x := explainer{table: t, listener: l, req: req}
	f := x.represented()
	if f == nil {
		return t
	}
	next := t.WithTrees(func(trees []*site.Tree) {
		for i, tree := range trees {
			trees[i] = settled(tree, f, ld)
		}
	})
	next.Version = t.Version // it says the same in more ways
	return next
}

// settled makes for one file what is otherwise made for all of them.
func settled(tree *site.Tree, f *site.File, ld *site.Loader) *site.Tree {
	var encoder site.Encoder
	var variants []site.Variant
	for _, work := range tree.Plan() {
		if work.Of(f) {
			if v, err := encoder.Do(context.Background(), work); err == nil {
				variants = append(variants, v)
			}
		}
	}
	if len(variants) > 0 {
		tree = tree.With(variants, 1<<62)
	}
	for _, large := range tree.Unhashed() {
		if large == f {
			if tag, err := ld.Hash(f, nil); err == nil {
				tree = tree.Tagged(map[*site.File]string{f: tag})
			}
		}
	}
	return tree
}
