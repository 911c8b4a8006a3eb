package loop

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var simCatches = flag.Bool("sim.catches", false, "plant bugs in the loop, one at a time, and see that the simulation finds each")

// simBugs are bugs to plant: a piece of a file, and what it becomes. The first
// six are what event loops are known to suffer from; the others were found by
// the simulation in this one.
var simBugs = []struct{ name, file, was, is string }{
	{"lost EPOLLOUT", "state.go", "	case stateSend:\n		return sys.Out\n", "	case stateSend:\n		return 0\n"},
	{"double close of a file", "files.go", "		c.dead = append(c.dead, o.fd)\n		return\n	}\n	c.link(o)", "		c.dead = append(c.dead, o.fd)\n	}\n	c.link(o)"},
	{"double close of a connection", "loop.go", "		l.kernel.Close(int(c.fd)) // takes it out of epoll too\n", "		l.kernel.Close(int(c.fd))\n		l.kernel.Close(int(c.fd))\n"},
	{"an end that was announced and does not come", "flush.go", "next.closes())\n		if errno", "true)\n		if errno"},
	{"forgotten lane", "state.go", "	case stateBody:\n		return laneBody\n", "	case stateBody:\n		return laneNone\n"},
	{"stale generation", "slab.go", "c != nil && c.gen == gen", "c != nil"},
	{"unread leftovers", "conn.go", "	if !c.again {\n		c.again = true", "	if c.again {\n		c.again = true"},

	{"generation given twice", "slab.go", "	*c = conn{next: s.free}\n", "	s.gen--\n	*c = conn{next: s.free}\n"},
	{"reset instead of linger", "conn.go", "	l.enter(c, stateLinger)\n", "	l.enter(c, stateDead)\n"},
	{"read although there is work left", "conn.go", "		if c.again {\n			return", "		if false {\n			return"},
	{"one time for all heads of a pipeline", "conn.go", "n > 0 && c.state == stateHead", "false"},
	{"panic outside of contain", "desk.go", "	defer l.contain(c)\n	switch {\n	case f.err", "	switch {\n	case f.err"},
	{"waiting for a table for ever", "stale.go", " >= uint32(staleTime/time.Millisecond)", " < 0"},
	{"nobody told of a table", "reload.go", "	l.tableCame()\n", ""},
	{"content for HEAD", "http.go", "why, l.msg.How(l.req.Method)&http1.HeadOnly)", "why, 0)"},
	{"request behind a body with a file", "http.go", "took == 0 && s.body == before", "took == 0"},
	{"deaf listener", "listen.go", "		l.pausedTill = l.now + int64(acceptPause)\n		return\n", "		return\n"},
	{"awake in a pause", "reload.go", "		if l.pausedTill != 0 {", "		if false {"},
	{"reload after the end", "reload.go", "	if l.stopping.begun {\n		return out, false\n	}\n", ""},
	{"drain times out of order", "leave.go", "due == 0 || g.until < due", "due == 0"},
	{"answer from the wrong table", "reload.go", "		s.table, s.listener = l.table, listener\n", "		s.table = l.table\n		if s.listener == nil {\n			s.listener = listener\n		}\n"},
	{"lost segment", "output.go", "		to.segs = append(to.segs, s)\n", "		if len(to.segs) < 5 {\n			to.segs = append(to.segs, s)\n		}\n"},
	{"file not abandoned", "loop.go", "			l.files.abandon(c.out)\n", ""},
	{"an old file is kept", "files.go", "	delete(c.byFile, o.what)\n	if o.refs == 0 {\n		c.unlink(o)\n		c.dead", "	if o.refs == 0 {\n		c.unlink(o)\n		c.dead"},
	{"file not released", "desk.go", "		defer l.files.release(open)\n", ""},
	{"a broken answer that is not logged", "loop.go", "			l.logBroken(c.out)\n", ""},
	{"a broken answer that is logged as whole", "answered.go", "a.bytes = max(min(out.taken, a.end)-begin, 0)", "_ = begin"},
	{"memory of another part", "files.go", "w.file == f && w.at <= at && at < w.at+w.length", "true"},
}

// TestSimulationCatches plants each bug in a copy of its file and runs the
// simulation with it: go test ./loop -run TestSimulationCatches -sim.catches.
// Without the flag, which costs some seconds a bug, it only sees to it that the
// bugs can still be planted.
func TestSimulationCatches(t *testing.T) {
	for _, bug := range simBugs {
		t.Run(strings.ReplaceAll(bug.name, " ", "-"), func(t *testing.T) {
			text, err := os.ReadFile(bug.file)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), bug.was); n != 1 {
				t.Fatalf("what is to be changed is %d times in %s, not once: %q", n, bug.file, bug.was)
			}
			if *simCatches {
				simulateBug(t, bug.file, strings.Replace(string(text), bug.was, bug.is, 1))
			}
		})
	}
}

// simulateBug runs the simulation with another text for a file.
func simulateBug(t *testing.T, file, text string) {
	dir := t.TempDir()
	planted, list := filepath.Join(dir, file), filepath.Join(dir, "overlay.json")
	here, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {here: planted}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{planted: text, list: string(overlay)} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("go", "test", "-overlay="+list, "-run=TestSimulation$", ".", "-sim.seeds=2000").CombinedOutput()
	switch {
	case err == nil:
		t.Error("it is not caught")
	case !strings.Contains(string(out), "--- FAIL: TestSimulation") && !strings.Contains(string(out), "panic: "):
		t.Errorf("it cannot be run: %v\n%s", err, out)
	default:
		t.Log(firstFinding(string(out)))
	}
}

// firstFinding is the first line of what the simulation says.
func firstFinding(out string) string {
	for line := range strings.Lines(out) {
		if _, finding, ok := strings.Cut(line, "seed "); ok {
			return "seed " + strings.TrimSpace(finding[:min(len(finding), 150)])
		}
	}
	line, _, _ := strings.Cut(out, "\n")
	return line
}
