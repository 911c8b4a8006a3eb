package site

import (
	"fmt"
	"strings"

	"monopoll/routes/config"
)

// Options are what the config says about a document root. Two trees of one
// directory with the same Key are the same tree. Not to be changed once a tree
// was loaded with it.
type Options struct {
	// Index, Listing, Fallback and TrailingSlash are for the route to follow;
	// a tree only carries them.
	Index         []string
	Listing       bool
	Fallback      string
	TrailingSlash config.TrailingSlash
	// Hidden takes in dotfiles. (.well-known is always taken in, RFC 8615.)
	Hidden bool
	// Precompressed uses file.br, file.zst and file.gz beside file.
	Precompressed bool
	// Compress lets coded variants be made: see Tree.Plan.
	Compress bool
	// Cache gives Cache-Control by glob, first match; the defaults come after.
	Cache []config.CacheRule
	// Headers are sent with every file; see Shared for what they override.
	Headers []config.Header

	shares shares
}

// NewOptions takes the options of a `root:` and the headers of its route.
func NewOptions(root *config.Root, headers []config.Header) *Options {
	return &Options{
		Index:         root.Index,
		Listing:       root.Listing,
		Fallback:      root.Fallback,
		TrailingSlash: root.TrailingSlash,
		Hidden:        root.Hidden,
		Precompressed: root.Precompressed,
		Compress:      root.Compress,
		Cache:         root.Cache,
		Headers:       headers,
	}
}

// Key is equal for two Options that mean the same.
func (o *Options) Key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %t %q %d %t %t %t", o.Index, o.Listing, o.Fallback, o.TrailingSlash, o.Hidden, o.Precompressed, o.Compress)
	for _, c := range o.Cache {
		fmt.Fprintf(&b, " cache %q %q", c.Glob, c.Value)
	}
	for _, h := range o.Headers {
		fmt.Fprintf(&b, " header %q %q", h.Name, h.Value)
	}
	return b.String()
}

// shows says that a name of a directory is taken in.
func (o *Options) shows(name string) bool {
	return o.Hidden || name[0] != '.' || name == ".well-known"
}
