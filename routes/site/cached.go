package site

import "sync"

// cacheBytes is how many bytes of variants a Cache keeps: those of a few
// hundred pages, enough for a checkout to and fro. No budget counts them.
const cacheBytes = 8 << 20

// Cache remembers variants by the content they were made of, so that a file
// which comes back (another branch checked out, a release rolled back) need not
// be compressed again. Safe for use by several goroutines. The zero value is
// ready; a nil one remembers nothing.
type Cache struct {
	mu    sync.Mutex
	known map[cacheKey]Variant
	order []cacheKey // oldest first
	bytes int
}

type cacheKey struct {
	tag    string
	coding Coding
}

func (c *Cache) get(tag string, coding Coding) (v Variant, ok bool) {
	if c == nil {
		return Variant{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok = c.known[cacheKey{tag, coding}]
	return v, ok
}

func (c *Cache) put(v Variant) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = make(map[cacheKey]Variant)
	}
	// the tag is part of the body's memory; the key must not keep that
	v.tag = string([]byte(v.tag))
	key := cacheKey{v.tag, v.coding}
	if _, ok := c.known[key]; ok {
		return
	}
	c.known[key] = v
	c.order = append(c.order, key)
	for c.bytes += v.cost(); c.bytes > cacheBytes; {
		oldest := c.order[0]
		c.order = c.order[1:]
		c.bytes -= c.known[oldest].cost()
		delete(c.known, oldest)
	}
}

// cost is about how many bytes a Variant takes in a Cache.
func (v Variant) cost() int {
	n := fileOverhead
	if v.file != nil {
		n += len(v.file.data)
	}
	return n
}
