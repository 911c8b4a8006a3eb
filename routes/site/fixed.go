package site

import "monopoll/routes/config"

// Fixed makes a File without a disk, for a fixed response: no Last-Modified,
// an entity tag of its content, its body always in memory. typ is the
// Content-Type, "" for none; headers come after it and override it.
func Fixed(typ string, headers []config.Header, body []byte) *File {
	h := newHead(nil, placeholder, int64(len(body)), int64(len(body)))
	copy(h.body(int64(len(body))), body)
	h.setTag(sumOf(body))
	f := h.file()
	own := []config.Header{{Name: "X-Content-Type-Options", Value: "nosniff"}}
	f.shared = newShared(typ, own, headers)
	return f
}
