package config

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// takenPort is who listens on a port already: by each address, and the first on
// any of them and on any of IPv4, for wildcards to compare with.
type takenPort struct {
	by          map[string]taken
	any, four   taken
	some, some4 bool
}

type taken struct {
	Address
	listener int
}

// clash finds who is in the way of a (ip(7)): the same address, or a wildcard.
func (t *takenPort) clash(a Address) (taken, bool) {
	four := !strings.Contains(a.Host, ":")
	same, exact := t.by[a.String()]
	all, wildcard := t.by[Address{Port: a.Port}.String()]
	all4, wildcard4 := t.by[Address{Port: a.Port, Host: "0.0.0.0"}.String()]
	switch {
	case exact:
		return same, true
	case wildcard:
		return all, true
	case wildcard4 && four:
		return all4, true
	case a.Host == "" && t.some:
		return t.any, true
	case a.Host == "0.0.0.0" && t.some4:
		return t.four, true
	}
	return taken{}, false
}

func (t *takenPort) add(a taken) {
	t.by[a.String()] = a
	if !t.some {
		t.any, t.some = a, true
	}
	if !t.some4 && !strings.Contains(a.Host, ":") {
		t.four, t.some4 = a, true
	}
}

// clashes calls tell for each address that cannot listen while an earlier one
// does, port 0 aside, which is another port each time.
func clashes(listeners []Listener, tell func(a, first taken)) {
	ports := make(map[int]*takenPort)
	for i, l := range listeners {
		for _, a := range l.Addresses {
			if a.Unix == "" && a.Port == 0 {
				continue
			}
			t := ports[a.Port]
			if t == nil {
				t = &takenPort{by: make(map[string]taken)}
				ports[a.Port] = t
			}
			now := taken{a, i}
			if a.Unix != "" { // all of them are at port 0 here
				if first, exact := t.by[a.String()]; exact {
					tell(now, first)
				}
				t.by[a.String()] = now
				continue
			}
			if first, found := t.clash(a); found {
				tell(now, first)
			} else {
				t.add(now)
			}
		}
	}
}

// clashes says which addresses cannot listen at the same time, each at the
// later one.
func (d *decoder) clashes(listeners []Listener) {
	clashes(listeners, func(a, first taken) {
		at := place{node: &yaml.Node{Line: a.Line, Column: a.Column}, where: fmt.Sprintf("listeners[%d].listen", a.listener)}
		d.fail(at, "%s", clash(a, first))
	})
}

// clash says why a cannot listen beside first, and what to do about it.
func clash(a, first taken) string {
	listener := first.listener
	on := ""
	if first.Line > 0 {
		on = fmt.Sprintf(" on line %d", first.Line)
	}
	if a.String() == first.String() {
		return fmt.Sprintf("%s is taken by listeners[%d]%s already; give each address to one listener", a, listener, on)
	}
	wide, narrow := first, a
	if a.Host == "" || a.Host == "0.0.0.0" && first.Host != "" {
		wide, narrow = a, first
	}
	all := "addresses"
	if wide.Host != "" {
		all = "IPv4 addresses"
	}
	remedy := fmt.Sprintf("give %s an address of this machine, or change a port", wide)
	switch {
	case a.listener == listener:
		remedy = fmt.Sprintf("leave %s out", narrow)
	case narrow.Host == "0.0.0.0":
		remedy = fmt.Sprintf("leave %s out, or change a port", narrow)
	}
	return fmt.Sprintf("%s overlaps %s of listeners[%d]%s: %s is the port on all %s; %s", a, first, listener, on, wide, all, remedy)
}
