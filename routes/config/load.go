package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Load reads the config at path, or from standard input where path is "-". The
// error is a Mistakes with everything that is wrong; then there is no Config.
func Load(path string) (*Config, error) {
	dir, err := folderOf(path)
	if err != nil {
		return nil, err
	}
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, dir, text)
}

// Parse reads a config from text. path is for messages; relative paths in the
// config start from dir, which is absolute. The files that the config names are
// looked at, so the same text may be right today and wrong tomorrow. Those in
// known, and what is in them, are not looked at but taken for folders: one that
// is being served may hang.
func Parse(path, dir string, text []byte, known ...string) (*Config, error) {
	if len(text) > maxText {
		return nil, Mistakes{{Path: path, Text: fmt.Sprintf("the file has more than %s; that is no config", bytesText(maxText))}}
	}
	text, marked := bytes.CutPrefix(text, bom)
	src := newSource(path, text)
	root, wrong := readNodes(src)
	if wrong != nil {
		return nil, Mistakes{*wrong}
	}
	cfg := Defaults()
	cfg.Path, cfg.Dir, cfg.text = path, filepath.Clean(dir), src
	d := &decoder{src: src, dir: cfg.Dir, known: known}
	if marked {
		d.asides = append(d.asides, *src.mistake(Pos{1, 1}, "the file begins with a byte order mark, which is ignored; save it as UTF-8 without one"))
	}
	d.decode(root, cfg)
	if len(d.mistakes) > 0 {
		if cfg.Sandbox {
			d.mistakes.confined()
		}
		if PatternMistakes != nil && !d.full() {
			d.mistakes = append(d.mistakes, PatternMistakes(cfg)...)
		}
		return nil, d.mistakes.Sort()
	}
	cfg.asides = d.asides
	return cfg, nil
}

// PatternMistakes finds what is wrong with the patterns of a config that is
// refused for something else, so that all is said at once. Package routes sets
// it, which knows what a pattern is and cannot be imported from here; nil leaves
// them to whoever compiles the config.
var PatternMistakes func(*Config) Mistakes

// Text is what the config was read from, without a byte order mark; nil for the
// quick modes.
func (c *Config) Text() []byte {
	if c.text == nil {
		return nil
	}
	return c.text.text
}

// folderOf gives the absolute folder of a config file, by its name as it was
// given: where the file is a symlink, the folder is that of the link. For what
// is no file it is the current folder.
func folderOf(path string) (string, error) {
	from := "."
	if !isStream(path) {
		from = filepath.Dir(path)
	}
	dir, err := filepath.Abs(from)
	if err != nil {
		return "", Mistakes{{Path: path, Text: "the current folder cannot be found: " + err.Error(), Cause: err}}
	}
	return dir, nil
}

// isStream says that a config comes from no place of its own: from standard
// input, by any of its names, or from a pipe that a shell has made.
func isStream(path string) bool {
	if path == "-" {
		return true
	}
	if dir := filepath.Dir(filepath.Clean(path)); dir == "/dev" || dir == "/dev/fd" || inside("/proc", path) {
		return true
	}
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// readText reads the file, at most one byte more than Parse takes.
func readText(path string) ([]byte, error) {
	var in io.Reader = os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, unreadable(path, err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxText+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	return text, nil
}

// unreadable says why there is no config to read, and what may help.
func unreadable(path string, err error) Mistakes {
	m := Mistake{Path: path, Cause: err}
	leads, _ := os.Readlink(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && leads != "":
		m.Text = fmt.Sprintf("this is a symlink to %s, and there is no such file", leads)
	case errors.Is(err, fs.ErrNotExist):
		m.Text = "there is no such file; `monopoll init` writes a first one, -c names another"
	case errors.Is(err, fs.ErrPermission):
		m.Text = "the file may not be read by the user that runs monopoll"
	case errors.Is(err, syscall.EISDIR):
		m.Text = fmt.Sprintf("this is a folder; did you mean %s?", filepath.Join(path, "config.yaml"))
	default:
		m.Text = "the file cannot be read: " + err.Error()
	}
	return Mistakes{m}
}
