package loop

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// The simulated worlds share some tables. They are built once, from config text
// and real files, by the code that builds every table; each says which it is in
// every answer, and has content of its own wherever the answer has content.
const (
	simTables    = 16
	simRoots     = 5
	simAddresses = 6
	simBodyLimit = 3000
	simHeadLimit = 2048
	// simDeskTimeout is the shortest desk timeout of any table.
	simDeskTimeout = 300 * time.Millisecond
)

// simTable is a table, and what the world has to know of it.
type simTable struct {
	id    int
	root  int // which of the document roots it serves
	table *routes.Table
	// modes says what is spoken at an address: "http", "echo", or nothing.
	modes map[string]string
	// shortest is the shortest time after which any timeout may end a connection.
	shortest time.Duration
	drain    time.Duration
}

// simName is a file of the document roots. What is larger than the loader's
// threshold stays on disk.
type simName struct {
	name string
	size int
}

const simThreshold = 4 << 10

var simNames = []simName{
	{"a.txt", 700}, {"b.html", 3 << 10}, {"c.bin", 5 << 10}, {"d.bin", 70 << 10},
	{"e.bin", 600 << 10}, {"f.bin", 1300 << 10}, {"index.html", 900}, {"sub/index.html", 200},
}

// simFixed are the fixed responses that have content, by their paths.
var simFixed = []simName{{"/small", 60}, {"/medium", 12 << 10}, {"/big", 50 << 10}, {"/huge", 300 << 10}}

// simNoise is what all content is cut from.
var simNoise = func() []byte {
	source := rand.NewPCG(1, 2)
	noise := make([]byte, 4<<20)
	for i := 0; i < len(noise); i += 8 {
		x := source.Uint64()
		for j := range 8 {
			noise[i+j] = byte(x >> (8 * j))
		}
	}
	return noise
}()

// simContent is the content of the n-th thing of a root or table.
func simContent(of, n, size int) []byte {
	at := (of*7919 + n*104729 + 13) % (len(simNoise) - size)
	return simNoise[at : at+size]
}

// simContents are the contents of the files on disk, by path.
var simContents = map[string][]byte{}

// simPool are the tables.
var simPool []*simTable

func buildSimTables(t testing.TB) {
	t.Helper()
	if simPool != nil {
		return
	}
	dir, err := os.MkdirTemp("", "monopoll-sim")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for root := range simRoots {
		for n, f := range simNames {
			writeSim(t, filepath.Join(dir, fmt.Sprintf("root%d", root), f.name), simContent(root, n, f.size))
		}
	}
	var prev *routes.Table
	for id := range simTables {
		for n, f := range simFixed {
			writeSim(t, filepath.Join(dir, fmt.Sprintf("fixed%d%s.txt", id, f.name)), simContent(100+id, n, f.size))
		}
		made := newSimTable(t, dir, id, prev)
		prev = made.table
		simPool = append(simPool, made)
	}
}

func writeSim(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	simContents[path] = content
}

// newSimTable makes a table that differs from the others in everything that a
// reload can change.
func newSimTable(t testing.TB, dir string, id int, prev *routes.Table) *simTable {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(id), 7))
	made := &simTable{id: id, root: id % simRoots, modes: make(map[string]string)}
	var text strings.Builder
	text.WriteString("listeners:\n")
	for n := range simAddresses {
		address := fmt.Sprintf("127.0.0.1:%d", 9001+n)
		switch {
		case n > 0 && rng.IntN(4) == 0:
			// this table does not listen there
		case n > 0 && rng.IntN(3) == 0:
			made.modes[address] = "echo"
			fmt.Fprintf(&text, "  - {listen: %q, echo: true}\n", address)
		default:
			made.modes[address] = "http"
			fmt.Fprintf(&text, "  - listen: %q\n    headers: {X-Table: \"%d\"}\n    routes:\n", address, id)
			for _, f := range simFixed {
				fmt.Fprintf(&text, "      %s: {respond: {file: fixed%d%s.txt}}\n", f.name, id, f.name)
			}
			fmt.Fprintf(&text, "      /none: {respond: 204}\n      /pot: {respond: {status: 418, body: teapot %d}}\n", id)
			text.WriteString("      /bare: {respond: 404}\n      /old/{rest...}: {redirect: \"/new/{rest}\"}\n      /echo: {echo: true}\n")
			fmt.Fprintf(&text, "      /files/: {root: {dir: root%d, compress: false, precompressed: false}}\n", made.root)
		}
	}
	idle, head, send := 2+rng.IntN(20), 1+rng.IntN(6), 1+rng.IntN(6)
	desk := int(simDeskTimeout/time.Millisecond) * (1 + rng.IntN(8))
	made.drain = time.Duration(1+rng.IntN(6)) * time.Second
	made.shortest = min(time.Duration(min(idle, head, send))*time.Second, time.Duration(desk)*time.Millisecond)
	fmt.Fprintf(&text, "timeouts: {idle: %ds, head: %ds, send: %ds, desk: %dms, drain: %s}\n", idle, head, send, desk, made.drain)
	connections, perAddress := 10000, 0
	if rng.IntN(3) == 0 {
		connections = 6 + rng.IntN(30)
	}
	if rng.IntN(4) == 0 {
		perAddress = 2 + rng.IntN(5)
	}
	full := []string{"respond", "close"}[id%2]
	fmt.Fprintf(&text, "limits: {connections: %d, per_address: %d, full: %s, head: %d, body: %d}\n", connections, perAddress, full, simHeadLimit, simBodyLimit)
	fmt.Fprintf(&text, "log: {access: off, format: %s}\ncontrol: off\n", []string{"combined", "json"}[id/2%2])
	cfg, err := config.Parse("sim.yaml", dir, []byte(text.String()))
	if err != nil {
		t.Fatalf("%v\n%s", err, text.String())
	}
	made.table, err = routes.Build(cfg, prev, &site.Loader{Threshold: simThreshold})
	if err != nil {
		t.Fatalf("%v\n%s", err, text.String())
	}
	return made
}
