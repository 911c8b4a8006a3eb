package config

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// actionNames are the keys of which exactly one stands in a listener or a route.
var actionNames = []string{"root", "sites", "respond", "redirect", "echo"}

// actionKeys are the actions, for whatever S holds one.
func actionKeys[S any](echoDoc string, action func(*S) *Action) []key[S] {
	return []key[S]{
		act("root", "Serves a folder: its path, or {dir, …options}.", rootValue, action,
			func(a *Action, v *Root) { a.Kind, a.Root = KindRoot, v }).called("static", "files", "file_server", "folder", "directory", "document_root"),
		act("sites", "Serves each folder in a folder as a site of its own, by host name.", sitesValue, action,
			func(a *Action, v *Sites) { a.Kind, a.Sites = KindSites, v }).called("vhosts", "hosts"),
		act("respond", "Answers with a fixed response: a text, a status, or {status, headers, body | file | json}.", respondValue, action,
			func(a *Action, v *Respond) { a.Kind, a.Respond = KindRespond, v }).called("return", "response", "body", "text"),
		act("redirect", "Sends clients elsewhere: a path or an http(s) URL, or {to, status}.", redirectValue, action,
			func(a *Action, v *Redirect) { a.Kind, a.Redirect = KindRedirect, v }).called("redir", "rewrite"),
		act("echo", echoDoc, echoValue, action,
			func(a *Action, _ bool) { a.Kind = KindEcho }),
	}
}

// act binds one action to its member.
func act[S, T any](name, doc string, v value[T], action func(*S) *Action, set func(*Action, T)) key[S] {
	return key[S]{
		name: name, doc: doc, schema: v.schema, options: v.options,
		read: func(d *decoder, p place, into *S) {
			got, ok := v.read(d, p)
			a := action(into)
			if ok && a.Kind == 0 {
				a.Pos = p.pos()
				set(a, got)
			}
		},
	}
}

var echoValue = value[bool]{
	schema: &schema{AnyOf: []*schema{{Const: true}, {Type: "string", Pattern: onPattern}}},
	read: func(d *decoder, at place) (bool, bool) {
		on, ok := parseBool(at.node)
		if !ok || !on {
			d.fail(at, "echo takes true alone, not %s; without echo leave the key out", describe(at.node))
			return false, false
		}
		return true, true
	},
}

// exactlyOne checks that one of names stands in the mapping at a place.
func (d *decoder) exactlyOne(at place, what string, known []pair, whole bool, names []string) {
	var found []pair
	for _, p := range known {
		if slices.Contains(names, p.name) {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 0 && whole:
		d.fail(at, "nothing to do: %s needs exactly one of %s", what, either(names))
	case len(found) > 1:
		second := found[1]
		d.fail(second.key, "%s beside %s: %s has exactly one of %s", second.name, found[0].name, what, either(names))
	}
}

// headerKey is `headers:` of a listener or a route.
func headerKey[S any](doc string, at func(*S) *[]Header) key[S] {
	return member("headers", doc, nil, headersValue, at).called("header", "add_header", "fields")
}

var routeKeys = mapping[Route]{what: "a route", keys: append(
	actionKeys("Answers with the request it received, as text.", func(r *Route) *Action { return &r.Action }),
	headerKey("Fields to send with every answer of the route.", func(r *Route) *[]Header { return &r.Headers }),
)}

var routesValue = value[[]Route]{
	schema: &schema{Type: "object", MinProperties: 1, AdditionalProperties: routeKeys.object(oneRequired(actionNames))},
	read: func(d *decoder, at place) ([]Route, bool) {
		if at.node.Kind != yaml.MappingNode {
			d.want(at, "a mapping of patterns to actions, such as {/: {root: site}}")
			return nil, false
		}
		pairs := d.pairs(at)
		if len(at.node.Content) == 0 {
			d.fail(at, "has no route; add one such as \"/: {root: site}\"")
			return nil, false
		}
		routes := make([]Route, 0, len(pairs))
		for _, p := range pairs {
			routes = append(routes, d.route(p))
		}
		return routes, true
	},
}

func (d *decoder) route(p pair) Route {
	r := Route{Pos: p.key.pos(), Pattern: p.name}
	if strings.TrimSpace(p.name) == "" {
		d.fail(p.key, "the pattern is empty; \"/\" matches every path")
	}
	if p.value.node.Kind != yaml.MappingNode {
		remedy := ""
		if isText(p.value.node) {
			remedy = fmt.Sprintf("; did you mean {root: %s} or {respond: %s}?", short(p.value.node.Value), short(p.value.node.Value))
		}
		d.fail(p.value, "a route is a mapping with an action, such as {root: site}, not %s%s", describe(p.value.node), remedy)
		return r
	}
	known, whole := routeKeys.read(d, p.value, &r)
	d.exactlyOne(p.value, "a route", known, whole, actionNames)
	if r.Action.Kind == KindRedirect {
		if wrong := uncaptured(r.Action.Redirect.To, r.Pattern); wrong != "" {
			d.fail(place{&yaml.Node{Line: r.Action.Line, Column: r.Action.Column}, p.value.where + ".redirect"}, "%s", wrong)
		}
	}
	d.answerHeaders(known)
	return r
}

// answerHeaders refuses fields that follow from each answer, where answers
// differ: beside anything but a fixed response.
func (d *decoder) answerHeaders(known []pair) {
	if has(known, "respond") {
		return
	}
	for _, p := range known {
		if p.name != "headers" || p.value.node.Kind != yaml.MappingNode {
			continue
		}
		for _, field := range d.pairs(p.value) {
			if why, own := answerFields[strings.ToLower(field.name)]; own {
				d.fail(field.key, "%s cannot be the same for all that a root, a redirect or a list of routes answers: %s", field.name, why)
			}
		}
	}
}

var listenerActions = append(slices.Clone(actionNames), "routes")

var listenerKeys = mapping[listenerFile]{what: "a listener", keys: append(append([]key[listenerFile]{
	member("listen", "A port on all addresses, \"127.0.0.1:8080\", \"[::1]:8080\", \"unix:run/site.sock\", a range \"8000-8003\", or a list of these.", nil, listenKey,
		func(l *listenerFile) *listening { return &l.listen }).called("port", "address", "addr", "bind", "host", "on"),
	member("name", "A name for people, in the JSON access log and in explain; the listen text without it.", nil, label,
		func(l *listenerFile) *string { return &l.Name }).called("server_name", "id", "title"),
}, actionKeys("Sends every byte back (raw TCP).", func(l *listenerFile) *Action { return &l.Action })...),
	member("routes", "Pattern to action, [METHOD ][HOST]/[PATH]; the most specific pattern wins.", nil, routesValue,
		func(l *listenerFile) *[]Route { return &l.Routes }).called("route", "location", "locations", "paths", "handle"),
	headerKey("Fields to send with every answer of the listener.", func(l *listenerFile) *[]Header { return &l.Headers }),
)}

// listenerFile is a listener while it is read.
type listenerFile struct {
	Listener
	listen listening
}

var listenersValue = value[[]Listener]{
	schema: &schema{Type: "array", MinItems: 1, Items: listenerKeys.object(listenerShape)},
	read: func(d *decoder, at place) ([]Listener, bool) {
		if at.node.Kind != yaml.SequenceNode {
			d.want(at, "a list, each entry beginning with \"- listen:\"")
			return nil, false
		}
		if len(at.node.Content) == 0 {
			d.fail(at, "the list is empty; add a listener such as \"- {listen: 8080, root: site}\"")
			return nil, false
		}
		list := make([]Listener, 0, len(at.node.Content))
		for i := range at.node.Content {
			list = append(list, d.listener(at.item(i)))
		}
		d.clashes(list)
		return list, true
	},
}

var listenerShape = func() *schema {
	s := oneRequired(listenerActions)
	s.Required = []string{"listen"}
	return s
}()

func (d *decoder) listener(at place) Listener {
	l := listenerFile{Listener: Listener{Pos: at.pos()}}
	if at.node.Kind != yaml.MappingNode {
		d.fail(at, "a listener is a mapping such as {listen: 8080, root: site}, not %s", describe(at.node))
		return l.Listener
	}
	known, whole := listenerKeys.read(d, at, &l)
	if !has(known, "listen") && whole {
		d.fail(at, "a listener needs listen: where it listens, such as listen: 8080")
	}
	d.exactlyOne(at, "a listener", known, whole, listenerActions)
	l.Addresses = l.listen.addresses
	if l.Name == "" {
		l.Name = l.listen.text
	}
	d.answerHeaders(known)
	d.listenerAction(at, known, &l.Listener)
	return l.Listener
}

// listenerAction checks what an action cannot do without a pattern.
func (d *decoder) listenerAction(at place, known []pair, l *Listener) {
	switch l.Action.Kind {
	case KindEcho:
		for _, p := range known {
			if p.name == "headers" {
				d.fail(p.key, "a listener that echoes sends no HTTP, so it has no headers; for the echo of a request put it into routes")
			}
		}
	case KindRedirect:
		if wrong := uncaptured(l.Action.Redirect.To, ""); wrong != "" {
			d.fail(place{&yaml.Node{Line: l.Action.Line, Column: l.Action.Column}, at.where + ".redirect"}, "%s", wrong)
		}
	}
}
