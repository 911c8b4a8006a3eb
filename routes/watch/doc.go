// Package watch makes what is on disk what is being served: it notices that the
// config or a file of a document root has changed, has a table made of it, has
// that published, and says in one line what it did.
//
//	disk → events → settle → Table.WithTrees or routes.Build → publish → a line
//
// It is the one room of routes with goroutines and a clock, and the only one
// that knows fsnotify. There are few goroutines: one that does nothing but read
// events into the inbox; that of Watcher.Run, which owns everything else; that of
// the patrol, which looks for what no event tells of; those in the background, which
// compress and hash after a table is served; and for each root that is polled one
// that waits for its filesystem to answer at all. Whoever serves the table tells
// Watcher.Unheard of a file that he found changed.
//
// The structs first:
//
//   - Watcher (watch.go): who owns what, the turn, Reload.
//   - settler (settle.go): when a dirty name is worth a rebuild. Pure.
//   - inbox (inbox.go): where events wait, with the settler inside.
//   - watches (watches.go): the directories that the kernel watches for us.
//   - root (roots.go) and index (index.go): document roots between tables, and
//     which of them an event is about.
//   - configFile (configfile.go): what is known about the config on disk, and
//     about the bodies it reads (bodies.go); writing.go knows whether somebody is
//     writing them, spine.go which names lead to them.
//   - job, attempt and candidate (index.go, reconfigure.go, roots.go): what there
//     is to do, what came of it, what may be served next; reload.go has it done.
//   - Verdict (verdict.go): what is said about it; diff.go compares two configs.
//   - pulse (poll.go, for the config pollconfig.go): what happens without events;
//     probe.go tries whether some come, deaf.go does without watches;
//     filesystem.go knows which filesystems send none, and ask.go whether they
//     answer at all.
//   - patrol (patrol.go): the walk through what is watched, for what sends no
//     event. site.Patrol compares, standing.go does for the config; what it finds
//     goes through the inbox.
//   - background (background.go): what a published table gains afterwards; round
//     (round.go) is one run of it, at the pace (pace.go) that the server leaves it.
//   - asking (asking.go): who waits for what Reload asks.
//   - board (board.go): what other goroutines may read.
//
// Three rules hold it together. A directory is watched before it is scanned:
// site.Loader's Enter does that, and so a change is either in the scan or causes
// an event. Events only say where to look: what is there is found out by looking,
// so a lost, doubled or reordered event costs time and not truth. And nothing is
// believed for ever: a queue that overflowed, a mount, a filesystem that is
// silent, watches that ran out all end in looking again, at once or every second;
// and all that is watched is gone through by stat, slowly, whatever the events say.
//
// A reader sees a renamed file a few milliseconds later (quietFast), a removed one
// gone some more later (quietGone), a file rewritten in place about 25 ms after its
// last write (quietSlow); the numbers and their reasons are in settle.go. What no event tells of is seen by the
// patrol within two seconds in a root of some hundreds of files, and by 500 names
// a second in larger ones. Its price, as the sum of schedstat(5) over the threads
// of an idle server: 91 ms in 60 s with 10,000 folders of 10 files (9 ms without
// it), 16 to 36 ms with the example config (3 to 13 ms). A step a second is cheap
// because it is one: the same calls in four steps cost more than twice as much,
// nearly all of it for waking the Go scheduler; and so does yielding in between.
//
// Where the kernel does not tell who writes a file (it is another user's, and there
// is no CAP_LEASE), the events decide: site.QuietUntold after its last change what
// was written in place, site.HeardAfter what was renamed there.
//
// A file that somebody keeps mapped is taken after capSlow as it is. What is
// written into it from then on shows in its mtime, and so to the patrol, with the
// first write after the kernel has written the page back; on tmpfs, which writes
// nothing back, it does not show until the file is mapped anew.
package watch
