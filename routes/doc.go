// Package routes decides what to say. It is pure data: no socket, no clock, no
// goroutine. A config and the document roots it names are compiled into one
// immutable value, the Table, and Answer reads a request's answer off it.
//
//	Table ── Version, Config
//	│
//	├── Listeners[i] ── Name, Addresses, Echo
//	│   └── router
//	│       ├── hosts    "example.com"   ─► node      an exact host first,
//	│       ├── below    "*.example.com" ─► node      then the longest suffix,
//	│       └── every                    ─► node      then what names no host
//	│                                        │
//	│            "/blog/{year}/" is          ├── literals["blog"] ─► node
//	│            literal, wild, multi        ├── wild             ─► node
//	│                                        └── here, slash, multi ─► leaf
//	│                                                                   │
//	│                                             one route a method ◄──┘
//	│                                              │
//	└── sites[k] ◄── by its place ── root, sites ──┤
//	    │                            respond ──────┼─► *site.File, or a status
//	    │                            redirect ─────┤
//	    └── *site.Tree                 echo ───────┘
//	        └── Dir ─► name ─► Dir, *site.File
//
// A path is a key of maps and never the name of a file, so that no spelling of
// one reaches outside of a root. A fixed response is a File without a disk: what
// can be sent is sent in one way, with its tags, ranges and conditions.
//
// A route names its document root by the place in sites and not by a pointer:
// when a page is edited, the next table is a copy of this one with another
// slice, and 10,000 routes are shared (WithTree).
//
// # An answer
//
// Answer (answer.go) takes these steps, each a function that names its section
// of RFC 9110:
//
//	method known?  path.go: decode, resolve     501, 400
//	which route    router.go: find              404, 405 + Allow, 301/308 to "/tree/"
//	what is there  root.go, sites.go            404, 403, 421, 301 to "/folder/"
//	which coding   accept.go: selectCoding      406
//	conditions     condition.go: evaluate       304, 412
//	which part     byterange.go: parseRange     206, 416
//
// A pattern without a method lets every method through, OPTIONS too, as in a
// ServeMux; what it leads to decides. A fixed response, a redirect and an echo
// answer all that have a name here; document roots answer GET and HEAD. Where
// no pattern takes OPTIONS, or a root gets it, the answer is 204 with Allow:
// the methods of all patterns that match the path. TRACE and CONNECT are never
// taken: 405.
//
// # Reading order
//
// message.go (what goes in and comes out), table.go, build.go, pattern.go,
// router.go (with unsafe.go, which reads strings as bytes), conflicts.go, path.go,
// answer.go, root.go, represent.go; then the leaves: condition.go, date.go,
// byterange.go, accept.go, redirect.go, errorpage.go (in the words of status.go),
// listing.go. mistakes.go has config tell what is wrong with patterns together
// with all else.
//
// Three files tell people about it: describe.go what is served; explain.go why an
// answer is what it is, with matches.go, whyroot.go, whycondition.go, listening.go
// (which listener a client reaches) and settled.go (the answer that a server gives
// after a while); warn.go what was probably not meant, with covered.go (routes that
// never answer) and warnloop.go (redirects without end).
//
// # Rooms
//
// Package config reads config.yaml. Package site reads document roots and makes
// Files. Package watch turns an edit into the next Table; it alone has
// goroutines. None of them knows package loop.
package routes
