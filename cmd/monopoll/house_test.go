package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The house as a test. What a room may import, beside the standard library: a
// package that is not listed here may import nothing else.
//
// cmd/monopoll has loop/http1 for `explain` alone: it shows the head of an answer
// byte for byte, so the request is read and the head written by whoever does so
// for the loop.
var rooms = map[string][]string{
	"cmd/monopoll":       {"monopoll/loop", "monopoll/loop/http1", "monopoll/loop/sys", "monopoll/routes", "monopoll/routes/config", "monopoll/routes/site", "monopoll/routes/watch", "monopoll/cmd/monopoll/starter", "github.com/spf13/cobra", "golang.org/x/term"},
	"cmd/monopoll-bench": {"github.com/spf13/cobra"},
	"loop":               {"monopoll/loop/sys", "monopoll/loop/http1", "monopoll/routes", "monopoll/routes/config", "monopoll/routes/site"},
	"loop/http1":         {"monopoll/routes"},
	"loop/sys":           {"golang.org/x/sys/unix"},
	"routes":             {"monopoll/routes/config", "monopoll/routes/site"},
	"routes/config":      {"gopkg.in/yaml.v3"},
	"routes/site":        {"monopoll/routes/config", "monopoll/routes/site/coding", "golang.org/x/sys/unix"},
	"routes/site/coding": {"github.com/klauspost/compress/gzip", "github.com/klauspost/compress/zstd", "github.com/andybalholm/brotli"},
	"routes/watch":       {"monopoll/routes", "monopoll/routes/config", "monopoll/routes/site", "github.com/fsnotify/fsnotify"},
}

// What may not stand in a room's code, tests aside, and why.
var banned = []struct {
	room string
	what *regexp.Regexp
	why  string
}{
	{"routes", regexp.MustCompile(clock + `|"net"|"net/http"`), "routes is pure: no goroutine, no clock, no socket"},
	{"routes/site", regexp.MustCompile(`"net"|"net/http"`), "no goroutine and no socket"},
	{"loop", regexp.MustCompile(`"net/http"|"net"|"golang.org/x/sys/unix"|"syscall"`), "system calls are in loop/sys"},
	{"loop/http1", regexp.MustCompile(clock + `|"net"|"net/http"`), "syntax has no clock and no socket"},
	{"", regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`), "do it, or say in the documentation that it is not done"},
}

// clock is what tells the time, or waits for it.
const clock = `\btime\.(Now|Since|Until|Sleep|After|AfterFunc|Tick|NewTimer|NewTicker)\b`

// alone are the rooms that start no goroutine.
var alone = []string{"routes", "routes/site", "routes/site/coding", "loop/http1"}

const (
	longestFunction = 70  // lines: what fits a screen
	longestFile     = 450 // lines: one idea
)

func TestHouse(t *testing.T) {
	root := "../.."
	filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			t.Fatal(err)
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root && d.Name() != "..") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			room, _ := filepath.Rel(root, filepath.Dir(path))
			inspect(t, room, path)
			onTheMap(t, path)
		}
		return nil
	})
}

func inspect(t *testing.T, room, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range file.Imports {
		name, _ := strconv.Unquote(i.Path.Value)
		if outside(name) && !allowed(room, name) {
			t.Errorf("%s: %s may not import %s: the list of rooms in house_test.go says who imports whom", set.Position(i.Pos()), room, name)
		}
	}
	code := strip(string(text), file, set)
	for _, b := range banned {
		if b.room == "" || b.room == room {
			if at := b.what.FindString(code); at != "" {
				t.Errorf("%s has %q: %s", path, at, b.why)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if g, ok := n.(*ast.GoStmt); ok && slices.Contains(alone, room) {
			t.Errorf("%s: %s starts no goroutine", set.Position(g.Pos()), room)
		}
		return true
	})
	if n := strings.Count(string(text), "\n"); n > longestFile {
		t.Errorf("%s has %d lines, more than %d: it is more than one idea", path, n, longestFile)
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; n > longestFunction {
				t.Errorf("%s: %s has %d lines, more than %d", set.Position(f.Pos()), f.Name.Name, n, longestFunction)
			}
		}
	}
	if file.Name.Name != "main" && filepath.Base(path) == "doc.go" && file.Doc == nil {
		t.Errorf("%s says nothing about its package", path)
	}
}

// onTheMap sees to it that the doc.go of a package, where it has one, says what
// each of its files is for.
func onTheMap(t *testing.T, path string) {
	name := filepath.Base(path)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "doc.go"))
	if err == nil && name != "doc.go" && !regexp.MustCompile(`(^|[^\w/])`+regexp.QuoteMeta(name)).Match(text) {
		t.Errorf("%s is not on the map of its package: say in its doc.go, in a few words, what it is for", path)
	}
}

// outside says that a package is not of the standard library.
func outside(name string) bool {
	return strings.HasPrefix(name, "monopoll/") || strings.Contains(strings.Split(name, "/")[0], ".")
}

func allowed(room, name string) bool {
	for _, a := range rooms[room] {
		if a == name {
			return true
		}
	}
	return false
}

// strip blanks out comments, which may speak of what code may not do, except
// where a ban is about comments.
func strip(text string, file *ast.File, set *token.FileSet) string {
	b := []byte(text)
	for _, group := range file.Comments {
		for i := set.Position(group.Pos()).Offset; i < set.Position(group.End()).Offset; i++ {
			if b[i] != '\n' && !strings.Contains(group.Text(), "TODO") && !strings.Contains(group.Text(), "FIXME") {
				b[i] = ' '
			}
		}
	}
	return string(b)
}
