package config

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"
)

// file is the whole grammar of a config file.
var file = mapping[Config]{what: "a config", keys: []key[Config]{
	member("listeners", "Where to listen, and what to say there.", nil, listenersValue,
		func(c *Config) *[]Listener { return &c.Listeners }).called("listener", "servers", "server", "http", "listen"),
	group("limits", "What a client may cost, for the whole process.", limits,
		func(c *Config) *Limits { return &c.Limits }),
	group("timeouts", "How long a client may take.", timeouts,
		func(c *Config) *Timeouts { return &c.Timeouts }).called("timeout"),
	group("log", "Where a line for each request goes.", logging,
		func(c *Config) *Log { return &c.Log }).called("logging", "access_log", "logs"),
	member("control", "The path of the control socket, or off. Default: .monopoll.sock beside the config.", nil, controlValue,
		func(c *Config) *string { return &c.Control }).called("admin", "socket"),
	member("user", "The user to become after the ports are bound.", nil, userValue,
		func(c *Config) *string { return &c.User }).called("run_as", "uid"),
	member("sandbox", "Confines the process to its files by Landlock, where the kernel has it.", false, boolean,
		func(c *Config) *bool { return &c.Sandbox }).called("landlock"),
}}

// group is a mapping inside the mapping; its keys are read into what is there,
// so that a key that is left out keeps its default.
func group[S, T any](name, doc string, m mapping[T], at func(*S) *T) key[S] {
	return key[S]{
		name: name, doc: doc, schema: m.object(&schema{}), options: m.names(),
		read: func(d *decoder, p place, into *S) { m.read(d, p, at(into)) },
	}
}

// The bounds are there to catch a slip of a unit or a digit, not to teach: the
// least is what still works, the most what no machine of one loop can use.
var limits = mapping[Limits]{what: "limits", keys: []key[Limits]{
	member("connections", "Connections at a time.", 16_384, integer(1, 10_000_000), func(l *Limits) *int { return &l.Connections }).called("max_connections", "conns", "worker_connections"),
	member("head", "Bytes of a request's head.", "16KiB", size[int](512, 1<<20), func(l *Limits) *int { return &l.Head }).called("header", "headers", "max_header_bytes"),
	member("body", "Bytes of a request's content.", "1MiB", size[int64](0, 1<<40), func(l *Limits) *int64 { return &l.Body }).called("client_max_body_size", "request_body", "content"),
	member("memory", "Bytes of document roots kept in memory; 0 for no content at all.", "256MiB", size[int64](0, 1<<40), func(l *Limits) *int64 { return &l.Memory }).called("mem", "ram"),
	member("files", "Files of one document root; more are refused.", 500_000, integer(1, 100_000_000), func(l *Limits) *int { return &l.Files }),
	member("per_address", "Connections of one client address (IPv6 by /64); 0 is no limit.", 0, integer(0, 10_000_000), func(l *Limits) *int { return &l.PerAddress }).called("per_ip", "peraddress"),
	member("full", "For a connection that finds no place: respond with 503, or close it at once.", "respond", oneOf([]string{"respond", "close"}, []bool{false, true}), func(l *Limits) *bool { return &l.FullCloses }).called("when_full", "overload"),
}}

var timeouts = mapping[Timeouts]{what: "timeouts", keys: []key[Timeouts]{
	member("head", "From the first byte of a request to the end of its head.", "10s", duration(time.Millisecond, time.Hour), func(t *Timeouts) *time.Duration { return &t.Head }).called("header", "read_header", "request_head"),
	member("idle", "Between two requests of a connection.", "75s", duration(time.Millisecond, 24*time.Hour), func(t *Timeouts) *time.Duration { return &t.Idle }).called("keepalive", "keepalive_timeout", "keep_alive"),
	member("send", "For what the client takes or sends; begins anew while that is 500 bytes a second or more.", "30s", duration(time.Millisecond, 24*time.Hour), func(t *Timeouts) *time.Duration { return &t.Send }).called("write", "send_timeout", "read", "body"),
	member("drain", "For answers in flight when the server or a listener ends.", "30s", duration(0, 24*time.Hour), func(t *Timeouts) *time.Duration { return &t.Drain }).called("grace", "grace_period", "shutdown"),
	member("desk", "For a large file to be opened and read ahead.", "10s", duration(time.Millisecond, time.Hour), func(t *Timeouts) *time.Duration { return &t.Desk }).called("file", "open"),
}}

var logging = mapping[Log]{what: "log", keys: []key[Log]{
	member("access", "stdout, stderr, off, or the path of a file.", "stdout", accessValue, func(l *Log) *string { return &l.Access }).called("to", "output", "path", "file"),
	member("format", "combined, or json for one object a line.", "combined", oneOf([]string{"combined", "json"}, []bool{false, true}), func(l *Log) *bool { return &l.JSON }),
}}

// accessValue reads where the access log goes.
var accessValue = value[string]{
	schema: &schema{Type: anyScalar, MinLength: 1},
	read: func(d *decoder, at place) (string, bool) {
		text, ok := d.scalar(at, "stdout, stderr, off or a file's path")
		if !ok {
			return "", false
		}
		if on, isBool := parseBool(at.node); isBool {
			if on {
				return "stdout", true
			}
			return "off", true
		}
		if text == "stdout" || text == "stderr" {
			return text, true
		}
		path, ok := d.path(at, text)
		if !ok || !d.folder(at, filepath.Dir(path), "the log's folder") {
			return "", false
		}
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir():
			d.fail(at, "the log is a folder: %s; give the path of a file in it", path)
			return "", false
		case err == nil && d.isConfig(info):
			d.fail(at, "%s is this config itself, and each request would add a line to it; give the log a file of its own", path)
			return "", false
		}
		return path, true
	},
}

// isConfig says that a file is the one that is being read, by whatever name.
func (d *decoder) isConfig(info os.FileInfo) bool {
	if d.src == nil || d.src.path == "" || isStream(d.src.path) {
		return false
	}
	config, err := os.Stat(filepath.Join(d.dir, filepath.Base(d.src.path)))
	return err == nil && os.SameFile(config, info)
}

var controlValue = value[string]{
	schema: &schema{Type: anyScalar, MinLength: 1},
	read: func(d *decoder, at place) (string, bool) {
		text, ok := d.scalar(at, "off or a path")
		if !ok {
			return "", false
		}
		if on, isBool := parseBool(at.node); isBool {
			if on {
				return defaultControl(d.dir), true
			}
			return "", true
		}
		path, ok := d.path(at, text)
		return path, ok && d.socketPath(at, path)
	},
}

var numericUser = regexp.MustCompile(`^[0-9]+$`)

// maxUser is the largest number of a user: the one above it stands for none
// (setreuid(2)).
const maxUser = math.MaxUint32 - 1

// userValue reads a user that this machine knows, or any number. Who may not read
// the list of users, as a server in its sandbox, cannot know: for it nothing comes
// of this key any more.
var userValue = textOf("a user's name", &schema{Type: anyScalar, MinLength: 1}, func(name string) string {
	if numericUser.MatchString(name) {
		if n, err := strconv.ParseUint(name, 10, 32); err != nil || n > maxUser {
			return fmt.Sprintf("%s is no user's number; %d is the largest", short(name), uint32(maxUser))
		}
		return ""
	}
	if _, err := user.Lookup(name); err != nil && !errors.Is(err, fs.ErrPermission) {
		return fmt.Sprintf("this machine has no user %q; create it, or give a number", short(name))
	}
	return ""
})

// decode reads the whole document into a config that has the defaults already.
func (d *decoder) decode(root *yaml.Node, into *Config) {
	at := place{node: deref(root)}
	if isNull(at.node) {
		d.fail(at, "the file is empty; a config begins with \"listeners:\"")
		return
	}
	if !d.checkExtent(root) {
		return
	}
	known, whole := file.read(d, at, into)
	if whole && !has(known, "listeners") {
		d.fail(at, "there are no listeners; a config has at least \"listeners: [{listen: 8080, root: site}]\"")
	}
	if !has(known, "control") && !isStream(into.Path) {
		// Of a config from standard input or a pipe nobody could say which they mean.
		into.Control = defaultControl(d.dir)
	}
	d.controlClash(into)
}
