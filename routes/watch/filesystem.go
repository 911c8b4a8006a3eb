package watch

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// remote are the filesystems that change without this kernel's doing, so that
// inotify sees at best the changes made here. Magic numbers from statfs(2) and
// linux/magic.h; the names are for messages.
var remote = map[uint32]string{
	0x6969:     "NFS",
	0x517B:     "SMB",
	0xFE534D42: "SMB",
	0xFF534D42: "CIFS",
	0x01021997: "9p",
	0x65735546: "FUSE", // sshfs, rclone, virtiofs, Docker Desktop's shares
	0x65735543: "FUSE",
	0x786F4256: "vboxsf",
	0xBACBACBC: "vmhgfs",
	0x7C7C6673: "prlfs",
	0x00C36400: "Ceph",
	0x0BD00BD0: "Lustre",
	0x47504653: "GPFS",
	0x01161970: "GFS2",
	0x7461636F: "OCFS2",
	0x5346414F: "AFS",
	0x6B414653: "AFS",
	0x73757245: "Coda",
}

// overlayMagic is OVERLAYFS_SUPER_MAGIC. What is changed through an overlay
// sends events; what is changed below it, in a lower layer, does not.
const overlayMagic = 0x794C7630

// mute names the kind of filesystem at path if it is one that does not tell
// when it changes, "" otherwise. An overlay is as mute as its layers.
func mute(path string, mounts []mount) string {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err == syscall.ENOSYS {
		st.Type = 0x65735546 // FUSE, by a program that does not know the question
	} else if err != nil {
		return ""
	}
	magic := uint32(st.Type)
	if magic != overlayMagic {
		return remote[magic]
	}
	at := mountOf(path, mounts)
	if at == nil {
		return ""
	}
	for _, layer := range at.layers() {
		if syscall.Statfs(layer, &st) == nil && remote[uint32(st.Type)] != "" {
			return remote[uint32(st.Type)] + " below an overlay"
		}
	}
	return ""
}

// mount is a line of /proc/self/mountinfo (proc(5)).
type mount struct {
	root    string // what of the filesystem is mounted
	point   string // where
	kind    string // type of filesystem
	options string // of the filesystem
}

// mounts reads the mount table of this process; empty where there is no /proc.
func mounts() []mount {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	defer f.Close()
	return readMounts(f)
}

// readMounts parses
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
//
// where the fields after the sixth are optional and "-" ends them.
func readMounts(r io.Reader) (all []mount) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20) // an overlay of many layers has a long line
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		dash := slices.Index(f, "-")
		if dash < 6 || len(f) < dash+4 {
			continue
		}
		all = append(all, mount{unescape(f[3]), unescape(f[4]), f[dash+1], f[dash+3]})
	}
	return all
}

// unescape undoes the octal of mountinfo: space, tab, newline and backslash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// mountOf finds the mount that a real path is in; of two at one point the
// later covers the earlier.
func mountOf(path string, all []mount) *mount {
	var best *mount
	for i := range all {
		p := all[i].point
		inside := path == p || p == "/" || strings.HasPrefix(path, p+"/")
		if inside && (best == nil || len(p) >= len(best.point)) {
			best = &all[i]
		}
	}
	return best
}

// layers gives the folders that an overlay is made of, as far as they can be
// seen from here.
func (m *mount) layers() (dirs []string) {
	for _, o := range strings.Split(m.options, ",") {
		key, value, _ := strings.Cut(o, "=")
		if key == "lowerdir" || key == "upperdir" || strings.HasPrefix(key, "lowerdir+") {
			for _, d := range strings.Split(unescape(value), ":") {
				if filepath.IsAbs(d) {
					dirs = append(dirs, d)
				}
			}
		}
	}
	return dirs
}

// pinned says that path is a single file mounted from elsewhere, as by
// `docker run -v ./config.yaml:/config.yaml`. Such a mount holds the file, not
// its name: an editor that saves by renaming leaves the old one here for good.
func pinned(path string, all []mount) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	at := mountOf(path, all)
	return at != nil && at.point == path
}

// orphaned says that a pinned file has been replaced where it came from: its
// last name is gone, and only the mount still has it.
func orphaned(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	return info.Sys().(*syscall.Stat_t).Nlink == 0
}
