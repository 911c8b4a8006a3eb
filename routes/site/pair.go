package site

import "slices"

// Coded variants are made of bodies of minEncode to maxEncode bytes: a shorter
// one fits in the first packet with its head anyway; a longer one takes each coder
// more than half a second, and what scripts and style sheets are is shorter.
const (
	minEncode = 512
	maxEncode = 4 << 20
)

// shared gives the field lines of the file name in the directory rel.
func (s *scan) shared(rel, name string, f *File, coded bool) *Shared {
	o := s.tree.opt
	typ := MediaType(name)
	return o.share(shareKey{
		typ:   typ,
		cache: o.cacheControl(rel, name, typ),
		vary:  coded || o.codes(f, typ),
	})
}

// codes says that variants of a file will be made, sooner or later.
func (o *Options) codes(f *File, typ string) bool {
	return o.Compress && f.Size() > minEncode && f.Size() <= maxEncode && compressible(typ)
}

// partners gives, for the names that may have changed, also those whose meaning
// hangs on theirs: the sidecars of a file, the file of a sidecar. Sorted, each once.
func (d *Dir) partners(touched Names) []string {
	all := make([]string, 0, 2*len(touched))
	for name := range touched {
		all = append(all, name)
		base, c := sidecarOf(name)
		if c != Identity && d.files.get(base) != nil {
			all = append(all, base)
			name = base
		}
		for c := Gzip; c < codings; c++ {
			if sidecar := name + suffixes[c]; d.files.get(sidecar) != nil {
				all = append(all, sidecar)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// pair gives the files of a directory their variants, those in touched or all.
// What it says of sidecars that are too old comes beside.
func (s *scan) pair(rel string, files set[File], touched []string) (set[File], []oddity) {
	var bases []string
	consider := func(name string, f *File) {
		if f.coded != nil {
			bases = append(bases, name)
		}
		if base, c := sidecarOf(name); c != Identity && files.names.find(base) >= 0 {
			bases = append(bases, base)
		}
	}
	if touched == nil {
		for i, f := range files.list {
			consider(files.names.at(i), f)
		}
	}
	for _, name := range touched {
		if f := files.get(name); f != nil {
			consider(name, f)
		}
	}
	slices.Sort(bases)
	var changes []change[File]
	var odd []oddity
	for _, name := range slices.Compact(bases) {
		f := files.get(name)
		if f.Forbidden() {
			continue
		}
		g, stale := s.withCoded(rel, name, f, files)
		if g != f {
			changes = append(changes, change[File]{name, g})
		}
		odd = append(odd, stale...)
	}
	return files.with(changes), odd
}

// withCoded gives a file the variants that it has to have: sidecars that are no
// older than it, and where there is none what was made before.
func (s *scan) withCoded(rel, name string, f *File, files set[File]) (*File, []oddity) {
	var coded Coded
	var odd []oddity
	o := s.tree.opt
	typ := MediaType(name)
	if f.coded != nil && o.codes(f, typ) {
		coded.declined = f.coded.declined
	}
	key := shareKey{typ: typ, cache: o.cacheControl(rel, name, typ), vary: true}
	for c := Gzip; c < codings; c++ {
		key.coding = c
		var old *File
		if f.coded != nil {
			old = f.coded.variant[c]
		}
		if side := files.get(name + suffixes[c]); side != nil && o.Precompressed && !side.Forbidden() {
			why := ""
			switch {
			case side.Size() == 0:
				why = "is empty, which no coding is,"
			case side.mtime < f.mtime:
				why = "is older than " + name
			default:
				coded.variant[c] = side.as(o.share(key), old)
				continue
			}
			odd = append(odd, oddity{name + suffixes[c], why + " and is not sent in its place; make it anew"})
		}
		if old != nil && old.flags&flagMade != 0 && o.codes(f, typ) {
			coded.variant[c] = old.as(o.share(key), old)
		}
	}
	next := *f
	next.coded = nil
	if coded != (Coded{}) {
		next.coded = &coded
	}
	next.shared = s.shared(rel, name, &next, next.HasCoded())
	if next.shared == f.shared && next.coded.same(f.coded) {
		return f, odd
	}
	if next.coded.same(f.coded) {
		next.coded = f.coded
	}
	return &next, odd
}

// as gives a File in the role of a variant: old itself, if that is the same.
func (f *File) as(shared *Shared, old *File) *File {
	v := *f
	v.shared, v.coded = shared, nil
	if old != nil && *old == v {
		return old
	}
	return &v
}
