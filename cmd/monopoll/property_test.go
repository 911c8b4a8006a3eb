package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	editSeed = flag.Uint64("edits.seed", 0, "the seed of the edits, to repeat them; 0: a new one")
	editTime = flag.Duration("edits.time", 8*time.Second, "how long to edit")
)

// history is what the server has been told to say, in order. What it says now
// is the state at live, or one of those after it up to told.
type history struct {
	mu     sync.RWMutex
	states []table
	large  []string // the file that is too large for memory, in each of them
	live   atomic.Int64
	told   atomic.Int64
}

func (h *history) tell(m *model) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.states = append(h.states, m.table())
	h.large = append(h.large, m.files[largeName])
	h.told.Store(int64(len(h.states) - 1))
}

// at gives what an address says in a state; nil if nobody listens there.
func (h *history) at(state int64, address string) *says {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.states[state][address]
}

// largeAt gives what the large file has in a state.
func (h *history) largeAt(state int64) string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.large[state]
}

// conversation is a connection and what is known about its beginning: it was
// accepted in one of the states from born to bornMost.
type conversation struct {
	h              *history
	address        string
	born, bornMost int64
	dialled        int64 // what was told when the dial had succeeded
	least          int64 // no answer comes from a state before this one
}

// answers gives what may be said to a request that was sent when from was live,
// and answered before anything after to was told.
func (c *conversation) answers(path string, from, to int64, try func(p page, tag string, closes bool, state int64) bool) bool {
	for birth := c.born; birth <= c.bornMost; birth++ {
		now := c.h.at(birth, c.address)
		if now == nil || now.echo {
			continue
		}
		// A connection keeps what its socket said at last when that listens no
		// more, or echoes; then its next answer is the last one.
		closes, left := false, false
		for state := birth; state <= to; state++ {
			if state > birth && !left {
				switch next := c.h.at(state, c.address); {
				case next == nil:
					closes, left = true, true
				case next.echo:
					closes = true
				default:
					now, closes = next, false
				}
			}
			if state < max(from, birth) {
				continue
			}
			p := now.page(path)
			if _, site := now.pages[path]; site && closes && path == largePath {
				p.body = c.h.largeAt(state) // the old one may be nowhere by now
			}
			if try(p, now.tag, closes, state) {
				return true
			}
		}
	}
	return false
}

// was says whether the address was of a kind in some state from one to another.
func (c *conversation) was(from, to int64, kind func(*says) bool) bool {
	for state := from; state <= to; state++ {
		if kind(c.h.at(state, c.address)) {
			return true
		}
	}
	return false
}

func absent(s *says) bool { return s == nil }
func echoes(s *says) bool { return s != nil && s.echo }
func speaks(s *says) bool { return s != nil && !s.echo }

// asker is one of the clients.
type asker struct {
	h         *history
	r         *rand.Rand
	dir       string
	addresses []string
	stop      *atomic.Bool
	answered  *atomic.Int64
	refused   *atomic.Int64 // dials that rightly failed
	closed    *atomic.Int64 // connections that were rightly closed
}

// converse holds one conversation, and gives what was wrong with it.
func (a *asker) converse() error {
	c := &conversation{h: a.h, address: a.addresses[a.r.IntN(len(a.addresses))]}
	c.born = a.h.live.Load()
	at := c.address
	if strings.Contains(at, "/") {
		at = filepath.Join(a.dir, at)
	}
	conn, err := dial(at)
	c.dialled = a.h.told.Load()
	if err != nil {
		if c.was(c.born, c.dialled, absent) {
			a.refused.Add(1)
			return nil
		}
		return fmt.Errorf("dial: %w", err)
	}
	defer conn.Close()
	c.least = c.born
	r := bufio.NewReader(conn)
	for exchange := range 1 + a.r.IntN(20) {
		if a.stop.Load() {
			return nil
		}
		goes, err := a.exchange(c, conn, r, exchange == 0)
		if err != nil {
			return fmt.Errorf("%s, exchange %d, states %d (dialled by %d) to %d: %w", c.address, exchange, c.born, c.dialled, a.h.told.Load(), err)
		}
		if !goes {
			a.closed.Add(1)
			return nil
		}
		time.Sleep(time.Duration(a.r.IntN(40)) * time.Millisecond)
	}
	return nil
}

// exchange sends some requests at once and checks the answers. It says whether
// the connection is still good.
func (a *asker) exchange(c *conversation, conn net.Conn, r *bufio.Reader, first bool) (goes bool, err error) {
	var paths []string
	var sent strings.Builder
	for range 1 + a.r.IntN(8) {
		n := len(sitePaths) - 1
		if a.r.IntN(40) == 0 {
			n++ // the large one
		}
		path := sitePaths[a.r.IntN(n)]
		paths = append(paths, path)
		fmt.Fprintf(&sent, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path)
	}
	from := max(a.h.live.Load(), c.least)
	if _, err = io.WriteString(conn, sent.String()); err == nil {
		var begin []byte
		if begin, err = r.Peek(5); err == nil && string(begin) == "GET /" {
			return a.echoed(c, conn, r, sent.String(), first)
		}
	}
	if first {
		c.bornMost = a.h.told.Load()
	}
	if err != nil {
		// The handshake was over just when the address was given up.
		if first && c.was(c.born, c.dialled, absent) {
			return false, nil
		}
		return false, fmt.Errorf("no answer: %w", err)
	}
	if !c.was(c.born, c.bornMost, speaks) {
		return false, errors.New("HTTP where there was only an echo")
	}
	for i, path := range paths {
		closes, err := a.checkAnswer(c, r, path, from)
		if err != nil {
			return false, fmt.Errorf("answer %d of %d: %w", i+1, len(paths), err)
		}
		if closes {
			if b, err := r.ReadByte(); err != io.EOF {
				return false, fmt.Errorf("after Connection: close: %q, %w", b, err)
			}
			return false, nil
		}
	}
	return true, nil
}

// checkAnswer reads one answer and compares it with what may be said.
func (a *asker) checkAnswer(c *conversation, r *bufio.Reader, path string, from int64) (closes bool, err error) {
	res, body, err := readAnswer(r)
	if err != nil {
		return false, fmt.Errorf("GET %s: %w", path, err)
	}
	a.answered.Add(1)
	to := a.h.told.Load()
	tag := res.Header.Get("X-Tag")
	if c.answers(path, max(from, c.least), to, func(p page, wantTag string, closes bool, state int64) bool {
		if p.status != res.StatusCode || wantTag != tag || closes != res.Close || p.status != 404 && p.body != body {
			return false
		}
		c.least = max(c.least, min(state, to)) // the first that fits: time does not run backwards
		return true
	}) {
		return res.Close, nil
	}
	var may strings.Builder
	c.answers(path, max(from, c.least), to, func(p page, tag string, closes bool, state int64) bool {
		fmt.Fprintf(&may, "\n  state %d: %d, tag %s, close %v, %d bytes %.60q", state, p.status, tag, closes, len(p.body), p.body)
		return false
	})
	return false, fmt.Errorf("GET %s got %d, tag %s, close %v, %d bytes %.60q; it may be:%s",
		path, res.StatusCode, tag, res.Close, len(body), body, may.String())
}

// echoed checks that what was sent comes back. The first exchange shows
// that the connection was accepted as an echo; it stays one.
func (a *asker) echoed(c *conversation, conn net.Conn, r *bufio.Reader, sent string, first bool) (bool, error) {
	if first && !c.was(c.born, a.h.told.Load(), echoes) {
		return false, errors.New("an echo where there was none")
	}
	got := make([]byte, len(sent))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != sent {
		return false, fmt.Errorf("the echo of %d bytes: %.60q, %w", len(sent), got[:n], err)
	}
	a.answered.Add(1)
	if a.r.IntN(8) > 0 {
		return true, nil
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	if b, err := r.ReadByte(); err != io.EOF {
		return false, fmt.Errorf("after the end of what was echoed: %q, %w", b, err)
	}
	return false, nil
}

// editor changes the files of a running server as its model says.
type editor struct {
	t       *testing.T
	s       *server
	r       *rand.Rand
	m       *model
	h       *history
	canary  string
	all     []string // addresses
	taken   string   // an address that another program has
	broken  bool     // the config on disk has a mistake
	text    string   // what is served
	edits   int
	reloads int
	slowest time.Duration // from the last byte of an edit until it was live
}

func (e *editor) path(name string) string { return filepath.Join(e.s.dir, name) }

// save writes a file in one of the ways that editors have.
func (e *editor) save(name, text string) {
	path := e.path(name)
	way := e.r.IntN(5)
	if name == largeName {
		way = 0 // others are being sent the old one from the disk
	}
	must(e.t, os.RemoveAll(path+"~new"))
	switch way {
	case 0, 1:
		replace(e.t, path, text)
	case 2: // in place
		must(e.t, os.WriteFile(path, []byte(text), 0o644))
	case 3: // in place, with time in between
		f, err := os.Create(path)
		must(e.t, err)
		half := len(text) / 2
		time.Sleep(time.Duration(e.r.IntN(5)) * time.Millisecond)
		io.WriteString(f, text[:half])
		time.Sleep(time.Duration(e.r.IntN(5)) * time.Millisecond)
		io.WriteString(f, text[half:])
		must(e.t, f.Close())
	case 4: // the old one is kept as a backup; a page that is missing for a while would rightly be a 404
		if name == "config.yaml" {
			os.Rename(path, e.path("backup"))
		}
		must(e.t, os.WriteFile(path, []byte(text), 0o644))
	}
}

// settle waits until what was told is live: by asking a server that has noticed
// by itself, or by telling it to look.
func (e *editor) settle(ok func() bool) {
	e.t.Helper()
	began := time.Now()
	if e.r.IntN(3) == 0 {
		e.reloads++
		if v := e.s.reload(); !v.OK && !e.broken {
			e.t.Fatalf("edit %d is refused: %s", e.edits, v.Text)
		}
		if !ok() {
			e.t.Fatalf("edit %d is not live after a reload", e.edits)
		}
	}
	e.s.until(fmt.Sprintf("edit %d to be live", e.edits), ok)
	e.h.live.Store(e.h.told.Load())
	if took := time.Since(began); !e.broken && took > e.slowest { // a mistake is waited with on purpose
		e.slowest = took
	}
}

// editConfig makes another config and has it served.
func (e *editor) editConfig() {
	next := e.m.copy()
	var used []string
	for _, l := range next.listeners {
		used = append(used, l.addresses...)
	}
	free := slices.DeleteFunc(slices.Clone(e.all), func(a string) bool { return slices.Contains(used, a) })
	next.editConfig(e.r, free)
	next.number++
	e.m, e.broken = next, false
	e.text = next.config(e.canary)
	e.h.tell(next)
	e.saveConfig(e.text)
	e.settle(func() bool { return fetch(e.canary, "/number") == fmt.Sprint(next.number) })
}

func (e *editor) saveConfig(text string) {
	if info, err := os.Lstat(e.path("config.yaml")); err == nil && !info.Mode().IsRegular() {
		must(e.t, os.Remove(e.path("config.yaml")))
	}
	e.save("config.yaml", text)
}

// breakConfig leaves a config that cannot be served, or none.
func (e *editor) breakConfig() {
	path := e.path("config.yaml")
	e.broken = true
	switch way := e.r.IntN(9); way {
	case 0:
		must(e.t, os.Remove(path))
	case 1:
		must(e.t, os.Remove(path))
		must(e.t, os.Mkdir(path, 0o755))
	case 2:
		e.save("config.yaml", "")
	case 3:
		must(e.t, os.Remove(path))
		must(e.t, os.Symlink("nowhere.yaml", path))
	default:
		e.save("config.yaml", []string{
			"listeners: [", strings.Replace(e.text, "listen:", "lsten:", 1), e.text + "listeners: []\n",
			strings.Replace(e.text, "sites/b", "sites/c", 1), strings.Replace(e.text, e.canary, e.canary+"', '"+e.taken, 1),
		}[way-4])
	}
	e.settle(func() bool { return e.s.status().Mistake != "" })
}

// mendConfig goes back to what is served.
func (e *editor) mendConfig() {
	e.broken = false
	e.saveConfig(e.text)
	e.settle(func() bool { return e.s.status().Mistake == "" })
}

// editContent changes, adds or removes a file.
func (e *editor) editContent() {
	name := contentNames[e.r.IntN(len(contentNames))]
	if e.broken && name == "notes.txt" {
		return // it is part of a config that cannot be read
	}
	next := e.m.copy()
	if strings.HasSuffix(name, "extra.txt") && next.files[name] != "" {
		delete(next.files, name)
	} else {
		next.files[name] = contentOf(name, e.edits)
	}
	e.m = next
	e.h.tell(next)
	at := "/notes"
	if path, ok := strings.CutPrefix(name, "sites"); ok {
		at = strings.TrimSuffix(path, "index.html")
	}
	want := next.files[name]
	if want == "" {
		must(e.t, os.Remove(e.path(name)))
		e.settle(func() bool { return strings.Contains(fetch(e.canary, at), "404") })
		return
	}
	e.save(name, want)
	e.settle(func() bool { return fetch(e.canary, at) == want })
}

// edit does one random thing.
func (e *editor) edit() {
	e.edits++
	switch n := e.r.IntN(20); {
	case n < 11:
		e.editConfig()
	case n < 18:
		e.editContent()
	case !e.broken:
		e.breakConfig()
	default:
		e.mendConfig()
	}
}

// Edits of every kind, one after the other, while a hundred clients ask. Each
// answer is whole, and from the table before or after an edit; no connection
// is closed save those whose address was given up or echoes now, and in the end
// nothing is left of it all.
func TestRandomEdits(t *testing.T) {
	seed := *editSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -edits.seed=%d", seed)
	e := newEditor(t, seed)
	config, files := e.text, e.m.files
	before, held := e.atRest()

	const clients = 100
	var stop atomic.Bool
	var answered, refused, closed, failed atomic.Int64
	var all sync.WaitGroup
	for i := range clients {
		a := &asker{h: e.h, r: rand.New(rand.NewPCG(seed, uint64(i+1))), dir: e.s.dir, addresses: e.all,
			stop: &stop, answered: &answered, refused: &refused, closed: &closed}
		all.Go(func() {
			for !stop.Load() {
				if err := a.converse(); err != nil {
					if failed.Add(1) <= 5 {
						t.Error(err)
					}
				}
			}
		})
	}
	t.Cleanup(func() { stop.Store(true); all.Wait() })
	for end := time.Now().Add(*editTime); time.Now().Before(end) && failed.Load() == 0; {
		e.edit()
	}
	stop.Store(true)
	all.Wait()
	t.Logf("%d edits (%d by reload), the slowest live after %d ms, version %d; %d answers, %d dials refused and %d connections closed as they should be, %d failures",
		e.edits, e.reloads, e.slowest.Milliseconds(), e.s.status().Version, answered.Load(), refused.Load(), closed.Load(), failed.Load())

	for name := range e.m.files {
		if files[name] == "" {
			must(t, os.Remove(e.path(name)))
		}
	}
	for name, text := range files {
		replace(t, e.path(name), text)
	}
	e.saveConfig(config)
	if v := e.s.reload(); !v.OK {
		t.Fatal(v.Text)
	}
	e.s.until("the connections to be closed", func() bool { return e.s.status().Connections == 0 })
	var after map[string]int
	var holds holdings
	for end := time.Now().Add(patience / 3); ; {
		if after, holds = e.atRest(); reflect.DeepEqual(before, after) && holds.Goroutines <= held.Goroutines {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("descriptors before %v, after %v; goroutines before %d, after %d:\n%s", before, after, held.Goroutines, holds.Goroutines, holds.Stacks)
		}
	}
	t.Logf("reachable memory: %d KiB before, %d KiB after", held.Heap>>10, holds.Heap>>10)
	e.s.stop()
}

// newEditor starts a server with a config and two sites.
func newEditor(t *testing.T, seed uint64) *editor {
	t.Helper()
	e := &editor{t: t, r: rand.New(rand.NewPCG(seed, 0)), h: new(history), canary: freeAddress(t)}
	e.m = &model{log: "off", idle: 600, files: map[string]string{}}
	for _, name := range contentNames {
		if !strings.HasSuffix(name, "extra.txt") {
			e.m.files[name] = contentOf(name, 0)
		}
	}
	for range 8 {
		e.all = append(e.all, freeAddress(t))
	}
	e.all = append(e.all, "run/a.sock", "run/b.sock")
	for i, kind := range []string{"respond", "root", "routes", "echo", "sites", "file"} {
		e.m.listeners = append(e.m.listeners, listening{
			name: kind, addresses: []string{e.all[i+len(e.all)-6]}, kind: kind, text: kind, site: []string{"a", "b"}[i%2]})
	}
	foreign, err := net.Listen("tcp", freeAddress(t))
	must(t, err)
	t.Cleanup(func() { foreign.Close() })
	e.taken = foreign.Addr().String()
	e.h.tell(e.m)
	e.text = e.m.config(e.canary)
	files := map[string]string{"config.yaml": e.text, "run/": ""}
	for name, text := range e.m.files {
		files[name] = text
	}
	e.s = launch(t, probed(t, command(folder(t, files), "run")))
	return e
}

// atRest gives what the server has open, when the work that it does in the
// background is over.
func (e *editor) atRest() (map[string]int, holdings) {
	e.t.Helper()
	held := e.s.probe()
	e.s.until("the background work to be over", func() bool {
		held = e.s.probe()
		return !strings.Contains(held.Stacks, "watch.(*round)")
	})
	return e.s.descriptors(), held
}
