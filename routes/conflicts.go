package routes

import "fmt"

// Two patterns may both match a request. Then the more specific one is to win,
// so for each pair that overlaps one must be more specific: match a true subset
// of what the other matches. Where that is not so the config has a mistake.
//
// A pair is compared segment by segment; where it first differs, one side is
// more general. So it is enough to look, from each pattern q, for the patterns
// that are more general than q where they first differ from it; walking down
// the tree along q finds all of them, and no others. Most branches are not
// even entered, so 10,000 routes take milliseconds, not 50,000,000 comparisons.
// (The price is paid where thousands of patterns have a wildcard where thousands
// of others have a literal and the other way round, as /a1/{x}/c1 and /{y}/b1/d1
// have, and are told apart behind that only: 5,000 of each take 2.6 s.)

// relation is how q relates to the patterns on the way of the walk, so far.
type relation uint8

const (
	relEqual    relation = iota // the same segments
	relSpecific                 // q is more specific, by one segment or more
	relMixed                    // q is more specific somewhere, and more general elsewhere
)

// maxConflicts bounds how many conflicts of one listener are reported: a
// mistake in a general pattern can make thousands.
const maxConflicts = 20

// conflictWalk looks for the conflicts of one route.
type conflictWalk struct {
	q *pattern
	// worst is the conflicting route that stands first in the config, so that
	// the same config is always told the same.
	worst *route
	// steps counts the nodes looked at, which is what a walk costs.
	steps int
}

// conflictWith gives a route in the tree that overlaps with r, neither being
// more specific; nil if there is none.
func (n *node) conflictWith(r *route) *route {
	w := conflictWalk{q: &r.pattern}
	w.walk(n, 0, relEqual)
	return w.worst
}

// walk compares q's segments from i on with everything below n.
func (w *conflictWalk) walk(n *node, i int, rel relation) {
	w.steps++
	if n == nil || n.methods&w.overlapping() == 0 {
		return
	}
	if i == len(w.q.segs) {
		w.walkEnd(n, rel)
		return
	}
	if seg := w.q.segs[i]; seg.name == "" {
		w.walk(n.literals[seg.literal], i+1, rel)
		w.walk(n.wild, i+1, max(rel, relSpecific))
	} else {
		w.walk(n.wild, i+1, rel)
		if rel != relEqual {
			for _, next := range n.literals {
				w.walk(next, i+1, relMixed)
			}
		}
	}
	w.check(n.multi, max(rel, relSpecific))
}

func (w *conflictWalk) walkEnd(n *node, rel relation) {
	switch w.q.ends {
	case endHere:
		w.check(n.here, rel)
	case endSlash:
		w.check(n.slash, rel)
		w.check(n.multi, max(rel, relSpecific))
	case endMulti:
		w.check(n.multi, rel)
		if rel != relEqual {
			w.check(n.slash, relMixed)
			w.all(n.wild)
			for _, next := range n.literals {
				w.all(next)
			}
		}
	}
}

// all checks everything below n against a q that has come to its {name...},
// and was more specific before.
func (w *conflictWalk) all(n *node) {
	w.steps++
	if n == nil || n.methods&w.overlapping() == 0 {
		return
	}
	w.check(n.here, relMixed)
	w.check(n.slash, relMixed)
	w.check(n.multi, relMixed)
	w.all(n.wild)
	for _, next := range n.literals {
		w.all(next)
	}
}

// check compares methods, where the paths are known to overlap.
func (w *conflictWalk) check(l *leaf, rel relation) {
	if l == nil {
		return
	}
	set := l.methods
	switch rel {
	case relEqual:
		return // the same path: of two methods one is more specific, or they are apart
	case relSpecific:
		set &= w.moreSpecific()
	case relMixed:
		set &= w.overlapping()
	}
	for m := range methodCount {
		if !set.has(m) {
			continue
		}
		r := l.byMethod[m]
		if m == MethodUnknown {
			r = l.any
		}
		if w.worst == nil || r.index < w.worst.index {
			w.worst = r
		}
	}
}

// overlapping are the methods that some request could have which also has q's.
func (w *conflictWalk) overlapping() methodSet {
	switch m := w.q.method; m {
	case MethodUnknown:
		return allMethods | 1
	case MethodGet, MethodHead:
		return readMethods | 1
	default:
		return 1<<m | 1
	}
}

// moreSpecific are the methods that are more specific than q's.
func (w *conflictWalk) moreSpecific() methodSet {
	switch w.q.method {
	case MethodUnknown:
		return allMethods
	case MethodGet:
		return 1 << MethodHead
	}
	return 0
}

// insert puts a route into the tree; it returns the route that has this very
// pattern already, nil if there is none.
func (n *node) insert(r *route) (same *route) {
	p := &r.pattern
	bit := methodSet(1) << p.method
	n.methods |= bit
	for _, seg := range p.segs {
		next := n.wild
		if seg.name == "" {
			next = n.literals[seg.literal]
		}
		if next == nil {
			next = &node{}
			if seg.name != "" {
				n.wild = next
			} else {
				if n.literals == nil {
					n.literals = make(map[string]*node)
				}
				n.literals[seg.literal] = next
			}
		}
		n = next
		n.methods |= bit
	}
	at := [...]**leaf{endHere: &n.here, endSlash: &n.slash, endMulti: &n.multi}[p.ends]
	if *at == nil {
		*at = &leaf{}
	}
	l := *at
	place := &l.byMethod[p.method]
	if p.method == MethodUnknown {
		place = &l.any
	}
	if *place != nil {
		return *place
	}
	*place = r
	l.methods |= bit
	return nil
}

// tree gives the tree that a pattern belongs to.
func (r *router) tree(p *pattern) *node {
	if p.host == "" {
		if r.every == nil {
			r.every = &node{}
		}
		return r.every
	}
	hosts := &r.hosts
	if p.suffix {
		hosts = &r.below
		labels := 1
		for i := range len(p.host) {
			if p.host[i] == '.' {
				labels++
			}
		}
		r.labels = max(r.labels, labels)
	}
	if *hosts == nil {
		*hosts = make(map[string]*node)
	}
	n := (*hosts)[p.host]
	if n == nil {
		n = &node{}
		(*hosts)[p.host] = n
	}
	return n
}

// compile makes a router of routes. Of what is wrong with them taken together
// it tells report: the route, and what there is to say.
func compile(routes []*route, report func(r *route, text string)) router {
	compiled := router{routes: routes}
	for _, r := range routes {
		if same := compiled.tree(&r.pattern).insert(r); same != nil {
			report(r, fmt.Sprintf("this pattern stands in line %d already: %q matches the same requests; remove one", same.pos.Line, same.pattern.text))
		}
		compiled.methods |= r.takes
	}
	told := 0
	for _, r := range routes {
		other := compiled.tree(&r.pattern).conflictWith(r)
		if other == nil {
			continue
		}
		report(r, fmt.Sprintf("this pattern overlaps with %q in line %d, and neither is more specific: both match %s; make one of them more specific",
			other.pattern.text, other.pos.Line, exampleRequest(&r.pattern, &other.pattern)))
		if told++; told == maxConflicts {
			break
		}
	}
	return compiled
}

// exampleRequest gives a request that two overlapping patterns both match.
func exampleRequest(a, b *pattern) string {
	method := a.method
	if method == MethodUnknown || method == MethodGet && b.method != MethodUnknown {
		method = b.method
	}
	text := example(a, b)
	if method != MethodUnknown {
		text = methodNames[method] + " " + text
	}
	return text
}
