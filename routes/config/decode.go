package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// decoder gathers what is wrong while values are read. A value that cannot be
// read counts as one mistake, and reading goes on beside it.
type decoder struct {
	src      *source
	dir      string // what relative paths start from
	quick    bool   // values come from the command line: no file, and port 0 is allowed
	mistakes Mistakes
	asides   []Mistake // noticed on the way, for Warnings

	addresses int              // listened on so far
	folders   map[string]error // those looked at: many routes may share a root
	known     []string         // folders not to be looked at, nor what is in them
	patience  time.Time        // until when folders may answer
}

// place is a value of the file and how to get to it by names.
type place struct {
	node  *yaml.Node // never an alias
	where string     // listeners[1].root
}

func (d *decoder) fail(at place, format string, args ...any) {
	d.failCause(at, nil, format, args...)
}

func (d *decoder) failCause(at place, cause error, format string, args ...any) {
	if d.full() {
		return
	}
	m := d.mistake(at, fmt.Sprintf(format, args...))
	m.Cause = cause
	d.mistakes = append(d.mistakes, m)
}

// full says that there are more mistakes than anybody wants to know.
func (d *decoder) full() bool { return len(d.mistakes) >= maxMistakes }

func (d *decoder) mistake(at place, text string) Mistake {
	m := Mistake{Where: at.where, Text: text, Line: at.node.Line, Column: at.node.Column}
	if d.src != nil {
		m.Path, m.Source = d.src.path, d.src.line(m.Line)
	}
	return m
}

// want says what must stand at a place instead of what does.
func (d *decoder) want(at place, what string) {
	if isNull(at.node) {
		d.fail(at, "the value is missing; it must be %s", what)
		return
	}
	d.fail(at, "must be %s, not %s", what, describe(at.node))
}

func (at place) pos() Pos { return Pos{at.node.Line, at.node.Column} }

// key gives the place of a member of a mapping.
func (at place) key(name string, n *yaml.Node) place {
	if !plainName(name) {
		return place{deref(n), at.where + "[" + strconv.Quote(name) + "]"}
	}
	if at.where == "" {
		return place{deref(n), name}
	}
	return place{deref(n), at.where + "." + name}
}

// item gives the place of an entry of a list.
func (at place) item(i int) place {
	return place{deref(at.node.Content[i]), at.where + "[" + strconv.Itoa(i) + "]"}
}

func plainName(s string) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-') {
			return false
		}
	}
	return s != ""
}

func deref(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// describe says what stands at a place, for "not …".
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	}
	return strconv.Quote(short(n.Value))
}

// short cuts a value that is to be quoted in a message.
func short(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// isText says that n was meant as text: quoted, or no number, boolean or date.
func isText(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!str" }

// pair is a member of a mapping.
type pair struct {
	name  string
	key   place // for mistakes about the key; where is that of the member
	value place
}

// pairs lists the members of a mapping in the order of the file. Merge keys
// (<<: *base) are followed: what stands in the mapping itself wins, then the
// earlier of what is merged, as in YAML 1.1. A key that stands twice, or that is
// no text, is a mistake.
func (d *decoder) pairs(at place) []pair {
	first := make(map[string]int, len(at.node.Content)/2)
	var list []pair
	var merged []place
	mergeLine := 0
	for i := 0; i+1 < len(at.node.Content); i += 2 {
		k, v := deref(at.node.Content[i]), at.node.Content[i+1]
		if k.Tag == "!!merge" {
			if mergeLine > 0 {
				d.fail(place{k, at.where}, "duplicate key \"<<\"; it stands on line %d already: write one with a list, <<: [*a, *b]", mergeLine)
			}
			mergeLine = k.Line
			merged = append(merged, at.key("<<", v))
			continue
		}
		if k.Kind != yaml.ScalarNode {
			d.fail(place{k, at.where}, "a key must be a word, not %s; put a key with braces or brackets into quotes", describe(k))
			continue
		}
		p := pair{name: k.Value, value: at.key(k.Value, v)}
		p.key = place{k, p.value.where}
		if line, twice := first[p.name]; twice {
			d.fail(p.key, "duplicate key %q; it stands on line %d already", p.name, line)
			continue
		}
		first[p.name] = k.Line
		list = append(list, p)
	}
	for _, m := range merged {
		list = d.merge(list, first, m)
	}
	return list
}

// merge adds the members of a merge key's value that list has not yet.
func (d *decoder) merge(list []pair, have map[string]int, at place) []pair {
	sources := []place{at}
	if at.node.Kind == yaml.SequenceNode {
		sources = nil
		for i := range at.node.Content {
			sources = append(sources, at.item(i))
		}
	}
	for _, from := range sources {
		if from.node.Kind != yaml.MappingNode {
			d.fail(from, "<< takes a mapping or a list of mappings, mostly an alias, not %s", describe(from.node))
			continue
		}
		for _, p := range d.pairs(from) {
			if _, own := have[p.name]; !own {
				have[p.name] = p.key.node.Line
				list = append(list, p)
			}
		}
	}
	return list
}

// value is one kind of value: how it is read, and what a schema says of it. The
// grammar is made of these; both the decoder and Schema go by it.
type value[T any] struct {
	// read gives the value at a place, or tells d why not.
	read func(d *decoder, at place) (T, bool)
	// schema describes what read takes.
	schema *schema
	// options are the keys of its long form, to tell who puts them one level up.
	options []string
}

// key is one key of a mapping that is read into an S.
type key[S any] struct {
	name    string
	doc     string   // a sentence for people, in the schema and the manual
	def     any      // the default, as the schema shows it; nil for none
	also    []string // what others call it, for did-you-mean
	schema  *schema
	options []string
	read    func(d *decoder, at place, into *S)
}

// member binds a key to the place in S that its value belongs to.
func member[S, T any](name, doc string, def any, v value[T], at func(*S) *T) key[S] {
	return key[S]{
		name: name, doc: doc, def: def, schema: v.schema, options: v.options,
		read: func(d *decoder, p place, into *S) {
			if got, ok := v.read(d, p); ok {
				*at(into) = got
			}
		},
	}
}

// called adds other names that people may try.
func (k key[S]) called(names ...string) key[S] {
	k.also = names
	return k
}

// mapping is a mapping with known keys.
type mapping[S any] struct {
	what string // "a listener", for messages
	keys []key[S]
}

// read reads the members of the mapping at a place into S and gives those that
// have a known key. whole says that there are no others: where one was
// misspelt, it is no use to say that it is missing, too. What stands under a key
// that can only be a misspelt one is read as that, so that its mistakes are told,
// and given under the name that was meant.
func (m mapping[S]) read(d *decoder, at place, into *S) (known []pair, whole bool) {
	if isNull(at.node) {
		d.fail(at, "nothing stands here; remove %s, or give it a key such as %q", m.what, m.keys[0].name+":")
		return nil, false
	}
	if at.node.Kind != yaml.MappingNode {
		d.fail(at, "%s is a mapping with keys such as %q, not %s", m.what, m.keys[0].name+":", describe(at.node))
		return nil, false
	}
	var unknown []pair
	for _, p := range d.pairs(at) {
		i := slices.IndexFunc(m.keys, func(k key[S]) bool { return k.name == p.name })
		if i < 0 {
			unknown = append(unknown, p)
			continue
		}
		known = append(known, p)
		m.keys[i].read(d, p.value, into)
	}
	for _, p := range unknown {
		if d.full() {
			break
		}
		meant, remedy := m.meant(p.name, known)
		d.fail(p.key, "unknown key %q%s", p.name, remedy)
		if meant >= 0 && !has(known, m.keys[meant].name) {
			m.keys[meant].read(d, p.value, into)
			p.name = m.keys[meant].name
			known = append(known, p)
		}
	}
	return known, len(unknown) == 0
}

// meant finds the key that an unknown one was meant as, -1 where none is or
// several are as likely, and says what to do about it.
func (m mapping[S]) meant(name string, known []pair) (key int, remedy string) {
	for _, k := range m.keys {
		if has(known, k.name) && slices.Contains(k.options, name) {
			return -1, fmt.Sprintf("; it is an option of %s: write %s: {…, %s: …}", k.name, k.name, name)
		}
	}
	for i, k := range m.keys {
		if slices.Contains(k.also, strings.ToLower(name)) {
			return i, fmt.Sprintf("; did you mean %q?", k.name)
		}
	}
	names := m.names()
	near := nearest(name, names)
	if near == "" {
		return -1, fmt.Sprintf("; %s has %s", m.what, strings.Join(names, ", "))
	}
	key = slices.Index(names, near)
	lower := strings.ToLower(name)
	if next := nearest(name, slices.Delete(names, key, key+1)); next != "" && slips(lower, next) == slips(lower, near) {
		key = -1
	}
	return key, fmt.Sprintf("; did you mean %q?", near)
}

func (m mapping[S]) names() []string {
	names := make([]string, len(m.keys))
	for i, k := range m.keys {
		names[i] = k.name
	}
	return names
}

func has(pairs []pair, name string) bool {
	return slices.ContainsFunc(pairs, func(p pair) bool { return p.name == name })
}
