package routes

import "slices"

// matches finds all patterns that match, and which of them answered. One that
// matches only with a slash added to the path matches where nothing else does.
func (x *explainer) matches() {
	type found struct {
		route   *route
		slashed bool
	}
	var all []found
	m := x.req.Method
	x.listener.router.trees(x.host, func(n *node) bool {
		return leaves(n, &x.path, func(l *leaf, slashed bool) bool {
			for _, r := range l.list(m) {
				all = append(all, found{r, slashed})
			}
			return false
		})
	})
	for _, f := range all {
		if x.res.Pattern != "" && f.route.pattern.text == x.res.Pattern {
			x.route, x.Action = f.route, actionNames[f.route.kind]
		}
	}
	for _, f := range all {
		relation := OtherMethod
		switch {
		case f.route == x.route:
			relation = Answers
		case f.slashed && x.route != nil:
			continue
		case f.route.pattern.takesMethod(m):
			relation = LessSpecific
		}
		match := Match{f.route.pattern.text, f.route.pos.Line, relation}
		if !slices.Contains(x.Matches, match) {
			x.Matches = append(x.Matches, match)
		}
	}
}

// slashed says that the answer is the redirect to the path with a slash at its
// end, which the router gives and not the route.
func (x *explainer) slashed() bool {
	var s search
	s.path, s.method = &x.path, x.req.Method
	x.listener.router.find(&s, x.host)
	return s.slashed != nil && !s.exact
}

// treeOf gives the tree that a pattern of this router stands in.
func (r *router) treeOf(p *pattern) *node {
	switch {
	case p.host == "":
		return r.every
	case p.suffix:
		return r.below[p.host]
	}
	return r.hosts[p.host]
}

// takesMethod says that a request with this method can match. GET covers HEAD.
func (p *pattern) takesMethod(m Method) bool {
	return p.method == MethodUnknown || p.method == m || p.method == MethodGet && m == MethodHead
}

// leaves calls visit with every leaf below n that matches a path, the most
// specific first, until it returns true; slashed says that the path matches
// only with a slash at its end.
func leaves(n *node, p *Path, visit func(l *leaf, slashed bool) bool) bool {
	var walk func(n *node, i int) bool
	walk = func(n *node, i int) bool {
		see := func(l *leaf, slashed bool) bool { return l != nil && visit(l, slashed) }
		switch {
		case n == nil:
			return false
		case i < len(p.segs):
			return walk(n.literals[string(p.seg(i))], i+1) || walk(n.wild, i+1) || see(n.multi, false)
		case p.slash:
			return see(n.slash, false) || see(n.multi, false)
		}
		return see(n.here, false) || see(n.slash, true) || see(n.multi, true)
	}
	return walk(n, 0)
}

// list gives the routes of a leaf, the most specific of those that take the
// method first, and then those that do not.
func (l *leaf) list(m Method) []*route {
	out := []*route{l.byMethod[m], nil, l.any}
	if m == MethodHead {
		out[1] = l.byMethod[MethodGet]
	}
	out = append(out, l.byMethod[:]...)
	var once []*route
	for _, r := range out {
		if r != nil && !slices.Contains(once, r) {
			once = append(once, r)
		}
	}
	return once
}
