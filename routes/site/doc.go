// Package site compiles a document root into a value: a [Tree] of [Dir]s and
// [File]s, each of them immutable and ready to be sent.
//
//	Tree ─ root ─▶ Dir ─┬─ names → *Dir …
//	  │                 └─ names → *File ─┬─ data: Last-Modified, ETag, Content-Length, body
//	  │                                   ├─ Shared: Content-Type, Cache-Control, Vary, headers
//	  │                                   └─ Coded: the same in gzip, zstd, brotli (Files too)
//	  └─ Options: what the config says of the root
//
// A request's path is a key here and never the name of a file on disk, so that
// neither traversal nor a symlink nor a slow disk can reach a client's request.
// A change makes new Dirs from the changed one up to the root; everything else
// is shared between the old tree and the new one.
//
// # Who does what
//
// [Loader] makes trees: Load reads a root, Refresh looks again at what may have
// changed. Its caller (package watch) runs it, tells it what changed, and
// watches what [Loader.Enter] and [Tree.Watch] name. Nothing here starts a
// goroutine. Work that may take long is given out in pieces and its results are
// put into a following tree: [Tree.Plan], [Encoder.Do] and [Tree.With] for coded
// variants, [Tree.Unhashed], [Loader.Hash] and [Tree.Tagged] for the entity tags
// of large files.
//
// # What is true of a tree
//
//   - A File is one version of a file, whole: what was read is taken only if
//     nobody was writing meanwhile (quiet.go says how that is known).
//   - An entity tag is a hash of the content: equal for equal bytes, on every
//     machine, in every directory, whatever the times.
//   - Nothing outside the root is in it. The kernel follows no symlink for us;
//     each is followed name by name, inside the root only (links.go, trail.go).
//   - Refresh comes to the same tree as Load would.
//   - Bodies take no more memory than the budget: the largest stay on disk.
//
// # Figures
//
// 100,000 pages of 1,000 bytes on ext4, one core: 7 to 8 µs a file to load them,
// 2.3 µs a file to find that nothing changed, 258 bytes of memory a file beside
// its body. One file changed: 0.15 ms in a root of 1,000 directories; 2 to 3 ms
// in one directory of 100,000 files. A look-up takes 36 ns among 1,000 names, 90
// ns among 100,000. (go test -bench . ./routes/site)
//
// Not kept: a Go map for each directory (25 bytes a name more, and copying one
// of 100,000 names for one change takes longer than all the rest of a Refresh);
// a Dir of 128 bytes of which a request reads 64 (3 bytes a file less, and going
// round 10,000 of them 0.99), or to read the first of its files while its names are
// looked through (0.98); os.Root and os.File for the scan (an epoll registration
// and three allocations a file; openat(2) with a single name and O_NOFOLLOW cannot
// lead out either); one held descriptor a root (10,000 sites would take 10,000 of
// them).
//
// # Reading order
//
//   - file.go, coded.go, dir.go, tree.go: the value
//   - names.go, set.go: an immutable map of names
//   - options.go, shared.go, cache.go, media.go, fixed.go, head.go: the fields
//   - loader.go, scan.go, lister.go, read.go, quiet.go, settle.go, pair.go: how a root is read
//   - refresh.go, anchor.go, watch.go, delta.go: how it stays true; patrol.go:
//     whether it still is
//   - links.go, trail.go: symlinks
//   - place.go, hash.go, fit.go, allocated.go: bodies on disk, and what those in
//     memory take of it
//   - encode.go, cached.go, rebuild.go, coding/: coded variants
//   - leftout.go: what is there and not served
//   - sys.go, stamp.go: the kernel
package site
