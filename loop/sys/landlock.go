package sys

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrNoLandlock says that the kernel has no Landlock, or has it switched off
// (landlock(7), Linux 5.13).
var ErrNoLandlock = errors.New("this kernel has no Landlock")

const (
	landlockRead  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	landlockWrite = landlockRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
)

// Confine takes from the process, on all its threads and for good, every access
// to files but reading below the paths of read, and writing and making files
// and sockets below those of write. What is open stays open. Paths that do not
// exist are left out. ErrNoLandlock means that nothing was done; in a program
// built with cgo the threads cannot be reached, which is an error too.
func Confine(read, write []string) error {
	version, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 {
		return fmt.Errorf("%w: %w", ErrNoLandlock, e)
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: landlockKnown(int(version))}
	// The size of the first version of the struct: all that is said is in it.
	fd, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr.Handled_access_fs), 0)
	if e != 0 {
		return fmt.Errorf("landlock: %w", e)
	}
	rules := int(fd)
	defer unix.Close(rules)
	for _, path := range read {
		if err := landlockAllow(rules, path, landlockRead); err != nil {
			return err
		}
	}
	for _, path := range write {
		if err := landlockAllow(rules, path, landlockWrite); err != nil {
			return err
		}
	}
	if _, _, e := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); e != 0 {
		if e == syscall.ENOTSUP {
			return errors.New("this program was built with cgo, and Landlock does not reach the threads of such a one; " +
				"build it with CGO_ENABLED=0 go build, or leave sandbox: on out")
		}
		return fmt.Errorf("no_new_privs: %w", e)
	}
	if _, _, e := syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(rules), 0, 0); e != 0 {
		return fmt.Errorf("landlock: %w", e)
	}
	return nil
}

// landlockKnown are the accesses that a version of Landlock knows, all of which
// are taken away unless a rule gives them back.
func landlockKnown(version int) uint64 {
	known := uint64(unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1) // version 1: the first thirteen
	if version >= 2 {
		known |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		known |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	return known
}

func landlockAllow(rules int, path string, access uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	if _, _, e := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0); e != 0 {
		return fmt.Errorf("landlock: %s: %w", path, e)
	}
	return nil
}
