package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"
)

// controlName is the control socket beside the config. It begins with a dot, so
// that a root that holds the config does not show it.
const controlName = ".monopoll.sock"

// defaultControl is the control socket of a config in dir. Where that path is
// too long for the kernel, it is one in the user's own run folder, which nobody
// else can write to; "" where there is none. /tmp would let another user be
// there first.
func defaultControl(dir string) string {
	if path := filepath.Join(dir, controlName); len(path) <= maxUnixPath {
		return path
	}
	sum := sha256.Sum256([]byte(dir))
	name := "monopoll-" + hex.EncodeToString(sum[:8]) + ".sock"
	run := []string{os.Getenv("XDG_RUNTIME_DIR"), fmt.Sprintf("/run/user/%d", os.Getuid())}
	if os.Getuid() == 0 {
		run = []string{"/run"}
	}
	for _, folder := range run {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(folder); err == nil && info.IsDir() && filepath.IsAbs(path) && len(path) <= maxUnixPath {
			return path
		}
	}
	return ""
}

// ControlPath finds the control socket of the config at path without asking
// that the rest of the file be free of mistakes: a server goes on with the
// version before, and can be talked to. Where the file cannot be read at all, it
// is the default one, if that exists. "" is `control: off`. What is no file is
// refused: to open a pipe may be to wait for ever.
func ControlPath(path string) (string, error) {
	if path != "-" && isStream(path) {
		return "", Mistakes{{Path: path, Text: "this is no file, so it does not lead to a running server; name the config file that the server was started with"}}
	}
	dir, err := folderOf(path)
	if err != nil {
		return "", err
	}
	text, err := readText(path)
	if err != nil {
		control := defaultControl(dir)
		if info, e := os.Stat(control); e == nil && info.Mode().Type() == os.ModeSocket {
			return control, nil
		}
		return "", err
	}
	src := newSource(path, text)
	d := &decoder{src: src, dir: dir}
	root, wrong := readNodes(src)
	if wrong != nil || deref(root).Kind != yaml.MappingNode || !d.checkExtent(root) {
		return defaultControl(dir), nil
	}
	for _, p := range d.pairs(place{node: deref(root)}) {
		if p.name != "control" || p.value.node.Kind != yaml.ScalarNode {
			continue
		}
		if on, isBool := parseBool(p.value.node); isBool && !on {
			return "", nil
		} else if isBool {
			break
		}
		if control, ok := d.path(p.value, p.value.node.Value); ok {
			return control, nil
		}
	}
	return defaultControl(dir), nil
}

// controlClash refuses a control socket where a listener has its own.
func (d *decoder) controlClash(c *Config) {
	for i, l := range c.Listeners {
		for _, a := range l.Addresses {
			if a.Unix == "" || a.Unix != c.Control {
				continue
			}
			at := place{&yaml.Node{Line: a.Line, Column: a.Column}, fmt.Sprintf("listeners[%d].listen", i)}
			d.fail(at, "%s is the control socket; give the listener another path, or change control:", a)
		}
	}
}
