package config

import "time"

// Config is the meaning of a config file: checked, with its defaults filled in.
// Immutable once Load has returned it.
type Config struct {
	// Path is the file as the user named it, for messages; "-" for standard
	// input, "" for the quick modes.
	Path string
	// Dir is the absolute folder that relative paths start from.
	Dir       string
	Listeners []Listener
	Limits    Limits
	Timeouts  Timeouts
	Log       Log
	// Control is the absolute path of the control socket, "" for `control: off`.
	Control string
	// User is the user to become after binding, "" to stay who we are.
	User string
	// Sandbox says to confine the process by Landlock where the kernel has it.
	Sandbox bool

	// text is what was read, so that later stages can point into it; nil for
	// the quick modes.
	text *source
	// asides are what Load noticed and let pass; Warnings begins with them.
	asides []Mistake
}

// Pos is a place in the config file; lines and columns count from 1.
type Pos struct{ Line, Column int }

// Listener is one entry of `listeners:`: some addresses and one action, or
// routes to several.
type Listener struct {
	Pos
	// Name is for people: `name:`, or the text of `listen:`.
	Name      string
	Addresses []Address
	// Action is what every request gets; its Kind is 0 where Routes stand instead.
	Action Action
	Routes []Route
	// Headers go with every answer of the listener.
	Headers []Header
}

// Address is where a listener listens.
type Address struct {
	Pos
	// Unix is the absolute path of a unix socket; "" for TCP.
	Unix string
	// Host is an IP address, or "" for all addresses, IPv6 and IPv4 alike.
	Host string
	// Port is from 1 to 65535; 0 asks the kernel for one (quick modes and tests only).
	Port int
}

// Route is one line of `routes:`.
type Route struct {
	Pos
	// Pattern as written: "[METHOD ][HOST]/[PATH]".
	Pattern string
	Action  Action
	// Headers go with every answer of the route; a listener's own come before.
	Headers []Header
}

// Header is a field to send, already validated (RFC 9110 §5.1, §5.5).
type Header struct{ Name, Value string }

// Kind says which member of an Action holds.
type Kind uint8

// The kinds of action, named as the config names them.
const (
	KindRoot Kind = iota + 1
	KindSites
	KindRespond
	KindRedirect
	KindEcho
)

// Action is what is done with a request. Exactly the member that Kind names is set.
type Action struct {
	Pos
	Kind     Kind
	Root     *Root
	Sites    *Sites
	Respond  *Respond
	Redirect *Redirect
}

// Root is a document root and its options.
type Root struct {
	// Dir is the absolute folder, symlinks not resolved.
	Dir string
	// Index are the names that answer for a folder, in order; default index.html.
	Index []string
	// Listing shows a folder without an index; default false.
	Listing bool
	// Fallback is a path inside the root ("/index.html") that answers where a
	// single-page app's own address is asked for; "" for none.
	Fallback string
	// Hidden serves dotfiles too; default false. (.well-known is always served.)
	Hidden bool
	// Precompressed uses file.br, file.zst and file.gz beside file; default true.
	Precompressed bool
	// Compress makes coded variants of text in the background; default true.
	Compress bool
	// Cache gives Cache-Control by glob, first match; the defaults come after.
	Cache []CacheRule
	// TrailingSlash is how a page is called: see the constants.
	TrailingSlash TrailingSlash
}

// TrailingSlash says which of /about, /about/ and /about.html a page is known by.
type TrailingSlash uint8

const (
	// SlashAuto: a folder's page ends in a slash, a file's does not; /about
	// answers with about.html, and /about.html is still what it says.
	SlashAuto TrailingSlash = iota
	// SlashOff: no clean URLs: a file answers under its own name only.
	SlashOff
	// SlashRedirect: as SlashAuto, and the long names lead to the short ones:
	// /about.html is redirected to /about, /blog/index.html to /blog/.
	SlashRedirect
)

// CacheRule gives files whose path in the root matches Glob a Cache-Control.
type CacheRule struct {
	Pos
	// Glob is matched like path.Match: against the base name when it has no
	// slash, otherwise against the whole path.
	Glob  string
	Value string
}

// Sites serves each folder of Dir as a site of its own.
type Sites struct {
	// Root holds the options of every site; its Dir is the folder of folders.
	Root Root
	// Domain makes the folder "blog" answer for "blog.DOMAIN"; "" for only those
	// folders whose names have a dot.
	Domain string
	// Default names the folder that answers for every other host; "" for 421.
	Default string
}

// Respond is a fixed response.
type Respond struct {
	// Status is from 200 to 599; default 200.
	Status  int
	Headers []Header
	// Body is the text of `body:`, the JSON of `json:`, or what `file:` held
	// when the config was loaded.
	Body []byte
	// File is the absolute path that Body is to be read from, "" for none. It is
	// watched like a root.
	File string
	// Type is the Content-Type, unless Headers has one; "" for an empty body,
	// and for File, whose name tells it.
	Type string
}

// Redirect sends a client elsewhere, keeping the query string.
type Redirect struct {
	// To is a path or an absolute URL; {name} stands for what the pattern captured.
	To string
	// Status is 301, 302, 303, 307 or 308 (the default).
	Status int
}

// Limits bound what a client may cost. All are for the whole process unless
// they say otherwise.
type Limits struct {
	Connections int   // connections at a time
	Head        int   // bytes of a request's head
	Body        int64 // bytes of a request's content
	Memory      int64 // bytes of document roots kept in memory; 0: no content is
	Files       int   // files of one document root
	PerAddress  int   // connections of one client address, IPv6 by /64; 0: no limit
	FullCloses  bool  // who finds no place is not told 503: the connection is closed at once
}

// Timeouts bound how long a client may take.
type Timeouts struct {
	Head  time.Duration // from the first byte of a request to the end of its head
	Idle  time.Duration // between two requests of a connection
	Send  time.Duration // for what the client takes or sends; renewed at 500 bytes a second or more
	Drain time.Duration // for answers in flight when the server or a listener ends
	Desk  time.Duration // for a large file to be opened and read ahead
}

// Log says where a line for each request goes.
type Log struct {
	// Access is "stdout", "stderr", "off", or an absolute path.
	Access string
	// JSON writes one JSON object a line instead of the combined format.
	JSON bool
}

// Defaults gives a Config with every default and no listener.
func Defaults() *Config {
	return &Config{
		Limits: Limits{
			Connections: 16_384,
			Head:        16 << 10,
			Body:        1 << 20,
			Memory:      256 << 20,
			Files:       500_000,
		},
		Timeouts: Timeouts{
			Head:  10 * time.Second,
			Idle:  75 * time.Second,
			Send:  30 * time.Second,
			Drain: 30 * time.Second,
			Desk:  10 * time.Second,
		},
		Log: Log{Access: "stdout"},
	}
}
