package watch

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"monopoll/routes/config"
)

// difference says, in phrases that start with + (new), ~ (changed) or − (gone),
// what the second config means that the first did not. Listeners are the same
// if they share an address, routes if they share a pattern: the order in the
// file has no meaning, and neither has a name.
func difference(old, new *config.Config) []string {
	d := differ{dir: new.Dir}
	d.listeners(old.Listeners, new.Listeners)
	d.settings(old, new)
	return d.out
}

type differ struct {
	dir string // paths are shown relative to it
	out []string
}

func (d *differ) add(format string, args ...any) {
	d.out = append(d.out, config.Visible(fmt.Sprintf(format, args...)))
}

func (d *differ) listeners(old, new []config.Listener) {
	of := map[string]*config.Listener{}
	for i := range old {
		for _, a := range old[i].Addresses {
			of[d.address(a)] = &old[i]
		}
	}
	kept := map[string]bool{}
	many := severalRouted(new)
	for i := range new {
		l := &new[i]
		before := of[d.address(l.Addresses[0])]
		for _, a := range l.Addresses {
			text := d.address(a)
			kept[text] = true
			was := of[text]
			switch {
			case was == nil:
				d.add("+ listener %s (%s)", text, d.serves(l))
			case before == nil:
				before = was
			}
		}
		if before != nil {
			d.listener(before, l, many)
		}
	}
	for i := range old {
		for _, a := range old[i].Addresses {
			if text := d.address(a); !kept[text] {
				d.add("− listener %s", text)
			}
		}
	}
}

// severalRouted says that a pattern alone does not tell which route is meant.
func severalRouted(all []config.Listener) bool {
	n := 0
	for i := range all {
		if len(all[i].Routes) > 0 {
			n++
		}
	}
	return n > 1
}

// listener compares what one listener says.
func (d *differ) listener(old, new *config.Listener, many bool) {
	text := d.address(new.Addresses[0])
	if (old.Action.Kind == 0) != (new.Action.Kind == 0) {
		d.add("~ listener %s %s → %s", text, d.serves(old), d.serves(new))
		return
	}
	if new.Action.Kind != 0 {
		d.action("listener "+text, &old.Action, &new.Action)
	}
	if !slices.Equal(old.Headers, new.Headers) {
		d.add("~ listener %s headers", text)
	}
	on := ""
	if many {
		on = " on " + text
	}
	d.routes(old.Routes, new.Routes, on)
}

func (d *differ) routes(old, new []config.Route, on string) {
	of := make(map[string]*config.Route, len(old))
	for i := range old {
		of[old[i].Pattern] = &old[i]
	}
	for i := range new {
		r := &new[i]
		was := of[r.Pattern]
		if was == nil {
			d.add("+ route %s%s (%s)", r.Pattern, on, d.describe(&r.Action))
			continue
		}
		delete(of, r.Pattern)
		d.action(r.Pattern+on, &was.Action, &r.Action)
		if !slices.Equal(was.Headers, r.Headers) {
			d.add("~ %s%s headers", r.Pattern, on)
		}
	}
	for i := range old {
		if of[old[i].Pattern] != nil {
			d.add("− route %s%s", old[i].Pattern, on)
		}
	}
}

// action compares two actions of one place; subject names the place.
func (d *differ) action(subject string, old, new *config.Action) {
	if a, b := d.describe(old), d.describe(new); a != b {
		if kind := kindName(new.Kind) + " "; strings.HasPrefix(a, kind) {
			b = strings.TrimPrefix(b, kind)
		}
		d.add("~ %s %s → %s", subject, a, b)
	}
	if old.Kind != new.Kind {
		return
	}
	var parts []string
	switch new.Kind {
	case config.KindRoot:
		parts = rootParts(old.Root, new.Root)
	case config.KindSites:
		parts = rootParts(&old.Sites.Root, &new.Sites.Root)
	case config.KindRespond:
		parts = respondParts(old.Respond, new.Respond)
	}
	if len(parts) > 0 {
		d.add("~ %s %s", subject, strings.Join(parts, ", "))
	}
}

// rootParts names the options of a document root that differ.
func rootParts(a, b *config.Root) (parts []string) {
	for _, o := range []struct {
		name string
		same bool
	}{
		{"index", slices.Equal(a.Index, b.Index)},
		{"listing", a.Listing == b.Listing},
		{"fallback", a.Fallback == b.Fallback},
		{"hidden", a.Hidden == b.Hidden},
		{"precompressed", a.Precompressed == b.Precompressed},
		{"compress", a.Compress == b.Compress},
		{"cache", slices.EqualFunc(a.Cache, b.Cache, func(x, y config.CacheRule) bool {
			return x.Glob == y.Glob && x.Value == y.Value
		})},
		{"trailing_slash", a.TrailingSlash == b.TrailingSlash},
	} {
		if !o.same {
			parts = append(parts, o.name)
		}
	}
	return parts
}

// respondParts names the parts of a fixed response that differ; its status is
// in its description already.
func respondParts(a, b *config.Respond) (parts []string) {
	if !slices.Equal(a.Headers, b.Headers) || a.Type != b.Type {
		parts = append(parts, "headers")
	}
	switch {
	case bytes.Equal(a.Body, b.Body):
	case a.File != "" && a.File == b.File:
		parts = append(parts, "body ("+filepath.Base(b.File)+")")
	default:
		parts = append(parts, "body")
	}
	return parts
}

// serves says what a listener does, in a word or two.
func (d *differ) serves(l *config.Listener) string {
	if l.Action.Kind != 0 {
		return d.describe(&l.Action)
	}
	return fmt.Sprintf("%d route%s", len(l.Routes), plural(len(l.Routes)))
}

// describe says what an action does, in a word or two.
func (d *differ) describe(a *config.Action) string {
	kind := kindName(a.Kind)
	switch a.Kind {
	case config.KindRoot:
		return kind + " " + shorten(d.dir, a.Root.Dir)
	case config.KindSites:
		s := kind + " " + shorten(d.dir, a.Sites.Root.Dir)
		if a.Sites.Domain != "" {
			s += ", domain " + a.Sites.Domain
		}
		if a.Sites.Default != "" {
			s += ", default " + a.Sites.Default
		}
		return s
	case config.KindRespond:
		if a.Respond.Status != 200 {
			return fmt.Sprintf("%s %d", kind, a.Respond.Status)
		}
	case config.KindRedirect:
		return fmt.Sprintf("%s %s (%d)", kind, a.Redirect.To, a.Redirect.Status)
	}
	return kind
}

func kindName(k config.Kind) string {
	switch k {
	case config.KindRoot:
		return "root"
	case config.KindSites:
		return "sites"
	case config.KindRespond:
		return "respond"
	case config.KindRedirect:
		return "redirect"
	case config.KindEcho:
		return "echo"
	}
	return "nothing"
}

// settings compares everything beside the listeners.
func (d *differ) settings(old, new *config.Config) {
	a, b := old.Limits, new.Limits
	ta, tb := old.Timeouts, new.Timeouts
	for _, s := range []struct{ name, old, new string }{
		{"limits.connections", fmt.Sprint(a.Connections), fmt.Sprint(b.Connections)},
		{"limits.head", size(int64(a.Head)), size(int64(b.Head))},
		{"limits.body", size(a.Body), size(b.Body)},
		{"limits.memory", size(a.Memory), size(b.Memory)},
		{"limits.files", fmt.Sprint(a.Files), fmt.Sprint(b.Files)},
		{"limits.per_address", fmt.Sprint(a.PerAddress), fmt.Sprint(b.PerAddress)},
		{"limits.full", whenFull(a), whenFull(b)},
		{"timeouts.head", span(ta.Head), span(tb.Head)},
		{"timeouts.idle", span(ta.Idle), span(tb.Idle)},
		{"timeouts.send", span(ta.Send), span(tb.Send)},
		{"timeouts.drain", span(ta.Drain), span(tb.Drain)},
		{"timeouts.desk", span(ta.Desk), span(tb.Desk)},
		{"log.access", shorten(d.dir, old.Log.Access), shorten(d.dir, new.Log.Access)},
		{"log.format", format(old.Log), format(new.Log)},
		{"control", control(d.dir, old), control(d.dir, new)},
		{"user", orNone(old.User), orNone(new.User)},
		{"sandbox", fmt.Sprint(old.Sandbox), fmt.Sprint(new.Sandbox)},
	} {
		if s.old == s.new {
			continue
		}
		note := ""
		if s.name == "user" || s.name == "sandbox" {
			// A process gives up rights once; it cannot take them back.
			note = " (from the next start on)"
		}
		d.add("~ %s %s → %s%s", s.name, s.old, s.new, note)
	}
}

// address gives a listen address as it stands in a URL or in the config.
func (d *differ) address(a config.Address) string {
	switch {
	case a.Unix != "":
		return "unix:" + shorten(d.dir, a.Unix)
	case strings.Contains(a.Host, ":"):
		return fmt.Sprintf("[%s]:%d", a.Host, a.Port)
	default:
		return fmt.Sprintf("%s:%d", a.Host, a.Port)
	}
}

// shorten shows a path relative to the config's folder where it is inside it.
func shorten(dir, path string) string {
	if dir == "" || !filepath.IsAbs(path) {
		return path
	}
	if rel, err := filepath.Rel(dir, path); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		return rel
	}
	return path
}

// size writes bytes as the config does, in the largest unit that is exact.
func size(n int64) string {
	for _, u := range []struct {
		unit  int64
		named string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n > 0 && n%u.unit == 0 {
			return fmt.Sprintf("%d%s", n/u.unit, u.named)
		}
	}
	return fmt.Sprintf("%dB", n)
}

// span writes a time as the config does: "75s", not "1m15s".
func span(t time.Duration) string {
	if t%time.Second == 0 {
		return fmt.Sprintf("%ds", t/time.Second)
	}
	return t.String()
}

func format(l config.Log) string {
	if l.JSON {
		return "json"
	}
	return "combined"
}

func whenFull(l config.Limits) string {
	if l.FullCloses {
		return "close"
	}
	return "respond"
}

func control(dir string, c *config.Config) string {
	if c.Control == "" {
		return "off"
	}
	return shorten(dir, c.Control)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
