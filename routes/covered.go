package routes

import "slices"

// covered gives the routes which together take every request that one would
// answer, so that it never does; nil where it answers some. A segment that is
// free in a pattern is only used up by one that is free in another, and a host
// that is free by none at all, so there are two ways to be covered:
//
//	/a     each of its methods has a pattern of its own:  GET /a, POST /a, …
//	/a/    /a/{$}, and /a/{x} or /a/{x}/, and all below:  /a/{x}/
//
// and mixtures of both, method by method, which nobody writes and which are not
// looked for. Only the methods count that it answers: of a root GET and HEAD.
func (r *router) covered(one *route) []*route {
	n := r.treeOf(&one.pattern)
	for _, seg := range one.pattern.segs {
		if seg.name != "" {
			n = n.wild
		} else {
			n = n.literals[seg.literal]
		}
	}
	c := coverage{of: one}
	own := [...]*leaf{endHere: n.here, endSlash: n.slash, endMulti: n.multi}[one.pattern.ends]
	if c.by(own) || one.pattern.ends == endMulti && c.below(n) {
		return c.routes
	}
	return nil
}

// coverage collects routes that cover another one.
type coverage struct {
	of     *route
	routes []*route
}

// below says that all paths below a node, and its own with a slash, are taken
// before its rest ({name...}) is asked. What takes a path with a slash at its
// end takes it without one, too, by a redirect.
func (c *coverage) below(n *node) bool {
	next := n.wild
	return next != nil && c.by(n.slash) &&
		(c.by(next.here) || c.by(next.slash) || c.by(next.multi)) &&
		(c.by(next.multi) || c.below(next))
}

// by says that other routes of a leaf take all the methods.
func (c *coverage) by(l *leaf) bool {
	if l == nil {
		return false
	}
	before := len(c.routes)
	for m := range methodCount {
		if !c.of.takes.has(m) {
			continue
		}
		r := l.forMethod(m)
		if r == nil || r == c.of {
			c.routes = c.routes[:before]
			return false
		}
		if !slices.Contains(c.routes, r) {
			c.routes = append(c.routes, r)
		}
	}
	return true
}
