package main

import (
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// example is a running config.example.yaml, beside a copy of sites/, on
// addresses of the test's own. It has one listener more, which echoes requests,
// and a few files more in its home.
type example struct {
	*server
	ip string // of all listeners; any host name leads there
	// ports of the listeners: those that are 8080 to 8083 in the file, and the one more.
	home, sites, fixed, echo, request string
}

func runExample(t testing.TB) *example {
	t.Helper()
	dir := t.TempDir()
	must(t, os.CopyFS(filepath.Join(dir, "sites"), os.DirFS("../../sites")))
	for name, text := range moreFiles() {
		path := filepath.Join(dir, "sites/home", name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
	}
	x := new(example)
	text, err := os.ReadFile("../../config.example.yaml")
	must(t, err)
	config := string(text)
	port := func() (address, port string) {
		address = freeAddress(t)
		x.ip, port, err = net.SplitHostPort(address)
		must(t, err)
		return address, port
	}
	for line, to := range map[string]*string{"8080": &x.home, "8081": &x.sites, "8082": &x.fixed, "8083": &x.echo} {
		listen := regexp.MustCompile(`(?m)^  - listen: ` + line + `$`)
		if n := len(listen.FindAllString(config, -1)); n != 1 {
			t.Fatalf("config.example.yaml has %d listeners on %s", n, line)
		}
		var address string
		address, *to = port()
		config = listen.ReplaceAllString(config, `  - listen: "`+address+`"`)
	}
	address, more := port()
	x.request = more
	config = strings.Replace(config, "\nlisteners:\n", "\nlisteners:\n  - listen: \""+address+"\"\n    routes: {/request: {echo: true}}\n", 1)
	must(t, os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(config), 0o644))
	x.server = run(t, dir)
	return x
}

// moreFiles are what the example sites do not have: a file that is sent from
// disk, a folder, and a name that needs escapes.
func moreFiles() map[string]string {
	random := rand.NewChaCha8([32]byte{})
	large := make([]byte, 3<<20+17)
	random.Read(large)
	return map[string]string{
		"large.bin":         string(large),
		"sub/index.html":    "<!DOCTYPE html><title>Sub</title>\n",
		"grün + blau 1.txt": "UTF-8\n",
	}
}

// file gives the content of a file in sites/.
func (x *example) file(name string) string {
	x.t.Helper()
	text, err := os.ReadFile(filepath.Join(x.dir, "sites", name))
	must(x.t, err)
	return string(text)
}
