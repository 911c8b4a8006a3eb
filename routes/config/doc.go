// Package config reads the config file: strictly, all of it at once, and with
// the line and the column of every mistake.
//
//	Config      the meaning of the file, checked, with its defaults filled in
//	├ Listener  addresses, and one Action or Routes
//	│ ├ Address where it listens; String is the name of the socket
//	│ ├ Route   a pattern (package routes reads it), an Action, Headers
//	│ └ Action  Root, Sites, Respond, Redirect, or echo
//	├ Limits, Timeouts, Log
//	└ Control, User, Sandbox
//
//	Mistakes    why there is no Config: each Mistake has its place, what is
//	            wrong, what to do, and renders the line with a caret
//
// Load and Parse make a Config of a file, Serve, RespondText and EchoOn of a
// command line. Warnings tells what is allowed and probably not meant. Schema
// gives the grammar to editors.
//
// # The grammar is a table
//
// Each kind of value is a value[T]: how it is read from a YAML node, and what a
// JSON schema says of it. Each mapping is a mapping[S]: a list of keys, each of
// them bound to its place in S, with a sentence of documentation and a default.
// Decoding, did-you-mean and Schema all go by these tables, so a new key is one
// line in one of them:
//
//	grammar.go  the file, limits, timeouts, log
//	action.go   listeners, routes and the choice of one action
//	root.go     root and sites     respond.go  respond     redirect.go  redirect
//	listen.go   addresses          header.go   headers     json.go      YAML to JSON
//	scalar.go   texts, numbers, sizes, durations, booleans
//	schema.go   what they all are in JSON Schema
//
// config.go has the structs. Beside them stand clash.go (addresses taken twice),
// path.go (what is asked of the disk), control.go (where the control socket is),
// nearest.go (what a word was meant as), visible.go (names of files in a text),
// quick.go, warn.go and warnloop.go.
//
// # From text to Config
//
// load.go reads the file within limits; syntax.go gets nodes from yaml.v3, or
// says where the text is not YAML (syntaxplace.go, by scan.go); survey.go makes
// sure that no alias can blow up what follows; decode.go walks the nodes by the
// tables and gathers mistakes in mistake.go, which source.go helps to quote the
// file. A mistake never stops the reading, except in the characters and the
// syntax of the file, after which nothing is certain.
//
// What the config names on the disk (roots, files, sockets) is looked at while
// it is read, so that a Config is right at the moment it is returned. Relative
// paths start from the folder of the file by the name it was given, and
// symlinks are not resolved: who watches a root must see the link change.
//
// # Why nodes and not structs
//
// yaml.v3 can fill structs by itself, with KnownFields for strictness. It then
// names lines without columns, takes 017 for 15, loses the order of mappings,
// and has no idea what a key may have been meant as. Reading its nodes costs a
// few hundred lines and has none of these.
package config
