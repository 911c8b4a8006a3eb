package main

import (
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"syscall"

	"monopoll/routes/config"
)

// provideProcessors makes sure that the watcher has a processor of Go's to run on
// while others are busy: the loop, whoever compresses, the garbage collector. Go
// would otherwise let each of them keep its processor for 10 ms at a time; where
// there are more, the kernel shares the CPUs out. On two CPUs, while 100,000 pages
// were being compressed, an edit took the watcher up to 22 ms with two of them, and
// up to 8 with four; a request costs the same. On one CPU two are enough: there the
// work in the background is one goroutine's, and rests when clients come. Whoever
// sets GOMAXPROCS is taken at their word.
func provideProcessors() {
	if os.Getenv("GOMAXPROCS") != "" {
		return
	}
	switch n := runtime.GOMAXPROCS(0); {
	case n == 1:
		runtime.GOMAXPROCS(2)
	case n < 4:
		runtime.GOMAXPROCS(4)
	}
}

// ownDescriptors is how many descriptors the process needs besides one for each
// socket: epoll, eventfd, inotify, the logs, large files that stay open, those that
// the desk is opening, and the folders that are being read. Where there are few it
// has to do with a quarter.
const ownDescriptors = 128

// forSockets is how many descriptors are left for sockets, 0 for any number. It
// says when these are fewer than the connections that the config lets in. That is
// no mistake: those that come too many are told 503.
func forSockets(cfg *config.Config, log *slog.Logger) int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur > math.MaxInt32 {
		return 0
	}
	need := cfg.Limits.Connections + ownDescriptors
	for _, l := range cfg.Listeners {
		need += len(l.Addresses)
	}
	if uint64(need) > limit.Cur {
		log.Warn(fmt.Sprintf("limits.connections is %d, but this process may open only %d descriptors; "+
			"raise that limit (ulimit -n, or LimitNOFILE= in the systemd unit) to at least %d, or lower limits.connections",
			cfg.Limits.Connections, limit.Cur, need))
	}
	return int(limit.Cur - min(ownDescriptors, limit.Cur/4))
}

// become gives up the privileges of root for those of a user, for good, on all
// threads: groups first, since afterwards it may not, the user last.
func become(name string) error {
	if name == "" {
		return nil
	}
	uid, gid, groups, err := identity(name)
	if err != nil {
		return fmt.Errorf("user: %w", err)
	}
	if os.Geteuid() == uid && os.Getegid() == gid {
		return nil
	}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"setgroups", func() error { return syscall.Setgroups(groups) }},
		{"setgid", func() error { return syscall.Setgid(gid) }},
		{"setuid", func() error { return syscall.Setuid(uid) }},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("cannot become %s: %s: %w; start as root, or leave `user:` out", name, step.what, err)
		}
	}
	if os.Getuid() != uid || os.Geteuid() != uid || os.Getgid() != gid || syscall.Setuid(0) == nil && uid != 0 {
		return fmt.Errorf("the privileges of root are still there after becoming %s", name)
	}
	return nil
}

// identity gives the numbers of a user and of its groups. A number that this
// machine has no name for, as in a container, is its own group and in no other.
func identity(name string) (uid, gid int, groups []int, err error) {
	who, err := user.Lookup(name)
	if n, wrong := strconv.Atoi(name); wrong == nil {
		if who, err = user.LookupId(name); err != nil {
			return n, n, nil, nil
		}
	}
	if err != nil {
		return 0, 0, nil, err
	}
	if uid, err = strconv.Atoi(who.Uid); err != nil {
		return 0, 0, nil, err
	}
	if gid, err = strconv.Atoi(who.Gid); err != nil {
		return 0, 0, nil, err
	}
	ids, _ := who.GroupIds()
	for _, id := range ids {
		if n, err := strconv.Atoi(id); err == nil {
			groups = append(groups, n)
		}
	}
	return uid, gid, groups, nil
}
