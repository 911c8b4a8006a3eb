// Package watch makes what is on disk what is being served: it notices that the
// config or a file of a document root has changed, has a table made of it, has
// that published, and says in one line what it did.
//
//	disk → events → settle → Table.WithTrees or routes.Build → publish → a line
//
// It is the one room of routes with goroutines and a clock, and the only one
// that knows fsnotify. There are few goroutines: one that does nothing but read
// events into the inbox; that of Watcher.Run, which owns everything else; those
// of the bench, which compress and hash after a table is served; and for each
// root that is polled one that waits for its filesystem to answer at all.
//
// The structs first:
//
//   - Watcher (watch.go): who owns what, the turn, Reload.
//   - settler (settle.go): when a dirty name is worth a rebuild. Pure.
//   - inbox (inbox.go): where events wait, with the settler inside.
//   - watches (watches.go): the directories that the kernel watches for us.
//   - root (roots.go) and index (index.go): document roots between tables, and
//     which of them an event is about.
//   - configFile (configfile.go): what is known about the config on disk;
//     spine.go finds the symlinks that lead to it.
//   - job, attempt and candidate (index.go, reload.go, roots.go): what there is
//     to do, what came of it, what may be served next.
//   - Verdict (verdict.go): what is said about it; diff.go compares two configs.
//   - pulse (poll.go): what happens without events; filesystem.go knows which
//     filesystems send none.
//   - bench (background.go): what a published table gains afterwards; shift
//     (shift.go) is one run of it, at the pace (pace.go) that the server leaves it.
//   - board (board.go): what other goroutines may read.
//
// Three rules hold it together. A directory is watched before it is scanned:
// site.Loader's Enter does that, and so a change is either in the scan or causes
// an event. Events only say where to look: what is there is found out by looking,
// so a lost, doubled or reordered event costs time and not truth. And nothing is
// believed for ever: a queue that overflowed, a mount, a filesystem that is
// silent, watches that ran out all end in looking again, at once or every second.
//
// A reader sees a renamed file a few milliseconds later (quietFast), a file
// rewritten in place about 25 ms after its last write (quietSlow); the numbers
// and their reasons are in settle.go.
package watch
