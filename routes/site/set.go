package site

import "slices"

// set maps names to files or to directories. Immutable; its zero value is empty.
type set[T any] struct {
	names names
	list  []*T // list[i] has the name names.at(i)
}

// change is what a name is to mean in the next set; nothing, if to is nil.
type change[T any] struct {
	name string
	to   *T
}

// get finds what a name means; nil if it means nothing.
func (s *set[T]) get(name string) *T {
	if i := s.names.find(name); i >= 0 {
		return s.list[i]
	}
	return nil
}

// with gives the set after some changes, sorted by name and each name once.
// Only a new or a removed name costs a new set of names.
func (s set[T]) with(changes []change[T]) set[T] {
	if len(changes) == 0 {
		return s
	}
	if list, ok := s.replaced(changes); ok {
		return set[T]{s.names, list}
	}
	return s.merged(changes)
}

// replaced does what with does where every name stays.
func (s set[T]) replaced(changes []change[T]) ([]*T, bool) {
	for _, c := range changes {
		if c.to == nil || s.names.find(c.name) < 0 {
			return nil, false
		}
	}
	list := slices.Clone(s.list)
	for _, c := range changes {
		list[s.names.find(c.name)] = c.to
	}
	return list, true
}

// merged does what with does where names come or go. What lies between two
// changes is copied in one piece, and nothing is larger than it must be.
func (s set[T]) merged(changes []change[T]) set[T] {
	count, bytes := s.names.len(), len(s.names.letters())
	for _, c := range changes {
		if s.names.find(c.name) >= 0 {
			count, bytes = count-1, bytes-len(c.name)
		}
		if c.to != nil {
			count, bytes = count+1, bytes+len(c.name)
		}
	}
	if count == 0 {
		return set[T]{}
	}
	var names nameList
	names.grow(count, bytes)
	list := make([]*T, 0, count)
	from := 0
	for _, c := range changes {
		to, found := s.names.search(c.name)
		names.copy(&s.names, from, to)
		list = append(list, s.list[from:to]...)
		if from = to; found {
			from++
		}
		if c.to != nil {
			names.add(c.name)
			list = append(list, c.to)
		}
	}
	names.copy(&s.names, from, s.names.len())
	list = append(list, s.list[from:]...)
	return set[T]{names.names(), list}
}

// same says that two sets hold the very same things under the same names.
func (s set[T]) same(t set[T]) bool {
	if !slices.Equal(s.list, t.list) {
		return false
	}
	return s.names.text == t.names.text
}

// sortChanges brings changes into the order that with asks for.
func sortChanges[T any](changes []change[T]) {
	slices.SortFunc(changes, func(a, b change[T]) int {
		if a.name < b.name {
			return -1
		}
		if a.name > b.name {
			return 1
		}
		return 0
	})
}
