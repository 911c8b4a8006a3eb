package routes

import (
	"bytes"
	"slices"
)

// router finds the route of a request among the patterns of a listener. What a
// look-up costs depends on the number of labels of the host and of segments of
// the path, not on the number of patterns: every step is a look-up in a map.
// Immutable once compiled.
type router struct {
	// hosts holds a tree of paths for each host, every one for patterns without.
	hosts map[string]*node
	every *node
	// below holds the trees of "*.host", by host; labels is the largest number
	// of labels of one of them, so that a Host of a thousand dots is cheap.
	below  map[string]*node
	labels int
	// methods are all that some route takes, for "OPTIONS *".
	methods methodSet
	// routes in the order of the config, for those who want to list them.
	routes []*route
}

// node is a place in the tree of paths: what may follow the segments so far.
type node struct {
	literals map[string]*node
	wild     *node // {name}
	here     *leaf // the path ends
	slash    *leaf // {$}: a slash ends the path
	multi    *leaf // a slash and whatever follows
	// methods are those of the patterns from here on, to skip parts of the tree
	// in search of conflicts; bit 0 stands for patterns without a method.
	methods methodSet
}

// leaf holds the routes of patterns that differ in their method only.
type leaf struct {
	any      *route // without a method
	byMethod [methodCount]*route
	methods  methodSet
}

// forMethod gives the route for a method, nil if there is none. GET covers HEAD.
func (l *leaf) forMethod(m Method) *route {
	if l == nil {
		return nil
	}
	if r := l.byMethod[m]; r != nil {
		return r
	}
	if m == MethodHead && l.byMethod[MethodGet] != nil {
		return l.byMethod[MethodGet]
	}
	return l.any
}

// methodSet has a bit for each Method.
type methodSet uint16

func (s methodSet) has(m Method) bool { return s&(1<<m) != 0 }

// allMethods are the methods that a route without one takes.
const allMethods methodSet = 1<<MethodGet | 1<<MethodHead | 1<<MethodPost | 1<<MethodPut |
	1<<MethodPatch | 1<<MethodDelete | 1<<MethodOptions

const readMethods methodSet = 1<<MethodGet | 1<<MethodHead

// allowOrder is the order in which Allow lists methods.
var allowOrder = [...]Method{MethodGet, MethodHead, MethodPost, MethodPut, MethodPatch, MethodDelete, MethodOptions}

// appendAllow appends an Allow line (RFC 9110 §10.2.1). OPTIONS is taken
// wherever anything is, and HEAD where GET is.
func appendAllow(dst []byte, s methodSet) []byte {
	s |= 1 << MethodOptions
	if s.has(MethodGet) {
		s |= 1 << MethodHead
	}
	dst = append(dst, "Allow: "...)
	first := true
	for _, m := range allowOrder {
		if s.has(m) {
			if !first {
				dst = append(dst, ", "...)
			}
			dst = append(dst, methodNames[m]...)
			first = false
		}
	}
	return append(dst, "\r\n"...)
}

// search is one look-up: what is looked for, and what was found.
type search struct {
	path   *Path
	method Method
	// captures are ranges of segments of path, one for each wildcard on the way.
	captures []span
	found    *route
	// exact: found matched the path as it is, not as something below a subtree.
	exact bool
	// slashed is the route of the path with a slash at its end, if it had none
	// and no route ends without.
	slashed *route
}

// find looks a request up. The order is that of specificity: an exact host,
// then "*.host" by the longest, then patterns without a host; within a tree a
// literal, then {name}, then the rest. As no two patterns conflict, what is
// found first is the most specific of all that match (see conflicts.go).
func (r *router) find(s *search, host []byte) {
	s.captures, s.found, s.exact, s.slashed = s.captures[:0], nil, false, nil
	r.trees(host, func(n *node) bool { return s.match(n, 0) })
}

// trees calls visit with the tree of each pattern host that matches host, the
// most specific first, until it returns true.
func (r *router) trees(host []byte, visit func(*node) bool) {
	if len(host) > 0 {
		if n := r.hosts[string(host)]; n != nil && visit(n) {
			return
		}
		if r.labels > 0 && r.treesBelow(host, visit) {
			return
		}
	}
	if r.every != nil {
		visit(r.every)
	}
}

func (r *router) treesBelow(host []byte, visit func(*node) bool) bool {
	// Go left as far as the longest pattern reaches, then right again, a label
	// at a time. At least one label has to stay in front.
	at, labels := len(host), 0
	for at > 0 && labels < r.labels {
		dot := bytes.LastIndexByte(host[:at], '.')
		if dot <= 0 {
			break
		}
		at = dot
		labels++
	}
	for labels > 0 {
		if n := r.below[string(host[at+1:])]; n != nil && visit(n) {
			return true
		}
		next := bytes.IndexByte(host[at+1:], '.')
		if next < 0 {
			return false
		}
		at += 1 + next
		labels--
	}
	return false
}

// match looks for the segments from i on below n.
func (s *search) match(n *node, i int) bool {
	if i == len(s.path.segs) {
		return s.matchEnd(n, i)
	}
	if n.literals != nil {
		if next := n.literals[string(s.path.seg(i))]; next != nil && s.match(next, i+1) {
			return true
		}
	}
	if n.wild != nil {
		s.captures = append(s.captures, span{uint32(i), uint32(i + 1)})
		if s.match(n.wild, i+1) {
			return true
		}
		s.captures = s.captures[:len(s.captures)-1]
	}
	return s.matchMulti(n, i, false)
}

func (s *search) matchEnd(n *node, i int) bool {
	if s.path.slash {
		if r := n.slash.forMethod(s.method); r != nil {
			s.found, s.exact = r, true
			return true
		}
		return s.matchMulti(n, i, true)
	}
	if r := n.here.forMethod(s.method); r != nil {
		s.found, s.exact = r, true
		return true
	}
	if s.slashed == nil {
		if s.slashed = n.slash.forMethod(s.method); s.slashed == nil {
			s.slashed = n.multi.forMethod(s.method)
		}
	}
	return false
}

func (s *search) matchMulti(n *node, i int, exact bool) bool {
	r := n.multi.forMethod(s.method)
	if r == nil {
		return false
	}
	s.captures = append(s.captures, span{uint32(i), uint32(len(s.path.segs))})
	s.found, s.exact = r, exact
	return true
}

// allowed gives the methods that a path takes at a host, none if no pattern
// matches it with any method.
func (r *router) allowed(p *Path, host []byte) methodSet {
	var set methodSet
	r.trees(host, func(n *node) bool { return set.collect(n, p, 0) })
	return set
}

// collect adds the methods of all patterns below n that match the segments
// from i on. It returns true when it came to a pattern without a method, for
// what is less specific than that one is never asked.
func (s *methodSet) collect(n *node, p *Path, i int) bool {
	if i == len(p.segs) {
		if p.slash {
			return s.add(n.slash) || s.add(n.multi)
		}
		return s.add(n.here) || s.add(n.slash) || s.add(n.multi)
	}
	if next := n.literals[string(p.seg(i))]; next != nil && s.collect(next, p, i+1) {
		return true
	}
	if n.wild != nil && s.collect(n.wild, p, i+1) {
		return true
	}
	return s.add(n.multi)
}

func (s *methodSet) add(l *leaf) bool {
	if l == nil {
		return false
	}
	*s |= l.methods &^ 1
	if l.any == nil {
		return false
	}
	*s |= l.any.takes
	return true
}

// normalHost gives a Host without its port, its final dot and its capitals, as
// patterns have it (RFC 9110 §4.2.3). scratch is for the capitals.
func normalHost(host, scratch []byte) (normal, grown []byte) {
	if end := len(host); end > 0 {
		if host[0] == '[' {
			if i := bytes.IndexByte(host, ']'); i >= 0 {
				end = i + 1
			}
		} else if i := bytes.IndexByte(host, ':'); i >= 0 {
			end = i
		}
		host = host[:end]
	}
	if n := len(host); n > 0 && host[n-1] == '.' {
		host = host[:n-1]
	}
	if slices.IndexFunc(host, isCapital) < 0 {
		return host, scratch
	}
	scratch = scratch[:0]
	for _, c := range host {
		scratch = append(scratch, toLower(c))
	}
	return scratch, scratch
}

func isCapital(c byte) bool { return 'A' <= c && c <= 'Z' }
