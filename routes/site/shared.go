package site

import (
	"strings"
	"sync"

	"monopoll/routes/config"
)

// shareKey is what Shared depends on, within one set of Options.
type shareKey struct {
	typ, cache string
	coding     Coding
	vary       bool
}

// shares keeps one Shared for each key: a million files have some ten of them.
type shares struct {
	mu sync.Mutex
	m  map[shareKey]*Shared
}

// share gives the Shared of files of one kind, the same one each time.
func (o *Options) share(key shareKey) *Shared {
	o.shares.mu.Lock()
	defer o.shares.mu.Unlock()
	if s := o.shares.m[key]; s != nil {
		return s
	}
	own := []config.Header{{Name: "X-Content-Type-Options", Value: "nosniff"}}
	if key.coding != Identity {
		own = append(own, config.Header{Name: "Content-Encoding", Value: key.coding.String()})
	}
	own = append(own, config.Header{Name: "Accept-Ranges", Value: "bytes"})
	if key.cache != "" {
		own = append(own, config.Header{Name: "Cache-Control", Value: key.cache})
	}
	if key.vary {
		own = append(own, config.Header{Name: "Vary", Value: "Accept-Encoding"})
	}
	if o.shares.m == nil {
		o.shares.m = make(map[shareKey]*Shared)
	}
	s := newShared(key.typ, own, o.Headers)
	o.shares.m[key] = s
	return s
}

// newShared writes the lines down: Content-Type, our own, then those of the
// config. A header of the config stands in the place of our own of that name,
// but for Vary, which is joined (both are true), and Content-Encoding, which is
// not a matter of opinion.
func newShared(typ string, own, headers []config.Header) *Shared {
	var lines, lines304 strings.Builder
	put := func(h config.Header) {
		writeLine(&lines, h)
		if in304(h.Name) {
			writeLine(&lines304, h)
		}
	}
	if h := findHeader(headers, "Content-Type"); h != nil {
		typ = h.Value
	}
	s := &Shared{Type: typ}
	if typ != "" {
		put(config.Header{Name: "Content-Type", Value: typ})
	}
	s.TypeLen = lines.Len()
	kept := make([]config.Header, 0, len(headers))
	for _, h := range headers {
		if !ours(h.Name, own) {
			kept = append(kept, h)
		}
	}
	for _, h := range own {
		if fold(h.Name, "Vary") {
			for _, v := range headers {
				if fold(v.Name, "Vary") {
					h.Value += ", " + v.Value
				}
			}
		} else if findHeader(kept, h.Name) != nil {
			continue
		}
		put(h)
	}
	for _, h := range kept {
		put(h)
	}
	s.Lines, s.Lines304 = lines.String(), lines304.String()
	return s
}

// ours says that a header of the config is not taken as it stands: Content-Type
// has its own place, the fields of File come from the file, Vary is joined.
func ours(name string, own []config.Header) bool {
	switch {
	case fold(name, "Content-Type"), fold(name, "Content-Length"), fold(name, "ETag"), fold(name, "Last-Modified"):
		return true
	case fold(name, "Vary"), fold(name, "Content-Encoding"):
		return findHeader(own, name) != nil
	}
	return false
}

// in304 says that a field goes with 304 too: all that the route adds, and of
// our own those that RFC 9110 §15.4.5 asks for.
func in304(name string) bool {
	for _, out := range [...]string{"Content-Type", "Content-Encoding", "Accept-Ranges", "X-Content-Type-Options"} {
		if fold(name, out) {
			return false
		}
	}
	return true
}

func findHeader(headers []config.Header, name string) *config.Header {
	for i := range headers {
		if fold(headers[i].Name, name) {
			return &headers[i]
		}
	}
	return nil
}

func fold(a, b string) bool { return strings.EqualFold(a, b) }

func writeLine(b *strings.Builder, h config.Header) {
	b.WriteString(h.Name)
	b.WriteString(": ")
	b.WriteString(h.Value)
	b.WriteString("\r\n")
}
