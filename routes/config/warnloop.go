package config

import (
	"fmt"
	"strings"
)

// redirects finds a listener that redirects to itself. Loops of routes are for
// package routes to find, which knows what answers what.
func (w *warner) redirects(listener int) {
	l := &w.cfg.Listeners[listener]
	if l.Action.Kind == KindRedirect && strings.HasPrefix(l.Action.Redirect.To, "/") {
		w.add(l.Action.Pos, fmt.Sprintf("listeners[%d]", listener), "the listener redirects every request to itself; name another host, or put it into routes")
	}
}
