package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The tests of this package run the real program: real files, inotify, sockets
// and signals. The test binary is that program when it finds beMonopoll in its
// environment, so nothing has to be built first, and under -race the server is
// under the race detector too.
const (
	beMonopoll = "MONOPOLL_TEST_MAIN"
	// probeFile is where the program under test, on SIGUSR2, says what it holds.
	probeFile = "MONOPOLL_TEST_PROBE"
)

func TestMain(m *testing.M) {
	if os.Getenv(beMonopoll) != "" {
		if path := os.Getenv(probeFile); path != "" {
			answerProbes(path)
		}
		os.Exit(Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for what must happen. It is no measure of
// speed: only a broken program ever needs so long.
const patience = 90 * time.Second

// server is a running monopoll.
type server struct {
	t    testing.TB
	dir  string // its working directory, where config.yaml is
	cmd  *exec.Cmd
	out  transcript
	err  transcript
	done chan struct{} // closed when it has ended
	code int           // its exit code, then; -1: by a signal
	// bad is what it must not say; see end.
	bad []string
}

// transcript is what a program has said so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// command makes monopoll with arguments, to be run in a folder.
func command(dir string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Dir = dir
	// The race detector sleeps for a second before it lets a process end.
	cmd.Env = append(os.Environ(), beMonopoll+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// monopoll runs a command that ends by itself, and gives what it said and its
// exit code.
func monopoll(t testing.TB, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := command(dir, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	stop := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer stop.Stop()
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// ready is in the first line of a server that listens.
const ready = "ready after"

// run starts `monopoll run` in a folder with a config and waits until it serves.
func run(t testing.TB, dir string, args ...string) *server {
	t.Helper()
	return launch(t, command(dir, append([]string{"run"}, args...)...))
}

// launch starts a command that is to serve, and waits until it does.
func launch(t testing.TB, cmd *exec.Cmd) *server {
	t.Helper()
	s := begin(t, cmd)
	s.says(ready)
	return s
}

// begin starts a command. Whatever happens, it does not outlive the test.
func begin(t testing.TB, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{t: t, dir: cmd.Dir, cmd: cmd, done: make(chan struct{}),
		bad: []string{"DATA RACE", "because of a bug", "panic:", "goroutine "}}
	if cmd.Stdout == nil {
		cmd.Stdout = &s.out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &s.err
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		cmd.Wait()
		s.code = cmd.ProcessState.ExitCode()
		close(s.done)
	}()
	t.Cleanup(func() { s.end() })
	return s
}

// end ends the program, if the test has not, and looks at what it said.
func (s *server) end() {
	select {
	case <-s.done:
	default:
		s.cmd.Process.Kill()
		<-s.done
	}
	said := s.err.String()
	for _, bad := range s.bad {
		if strings.Contains(said, bad) {
			s.t.Errorf("it said %q", bad)
		}
	}
	if s.t.Failed() {
		s.t.Logf("the end of what it said:\n%s", tail(said))
	}
}

func tail(text string) string {
	const enough = 4000
	return text[max(0, len(text)-enough):]
}

// says waits until the program has said something on standard error.
func (s *server) says(text string) {
	s.t.Helper()
	s.until(fmt.Sprintf("it to say %q", text), func() bool { return strings.Contains(s.err.String(), text) })
}

// until waits for a condition while the program runs.
func (s *server) until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		select {
		case <-s.done:
			if !ok() {
				s.t.Fatalf("it ended with %d; waited for %s", s.code, what)
			}
			return
		default:
		}
		if time.Now().After(end) {
			s.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (s *server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// ended waits for the end.
func (s *server) ended() {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(patience):
		s.t.Fatalf("it does not end")
	}
}

// exits waits for the end and its code.
func (s *server) exits(code int) {
	s.t.Helper()
	if s.ended(); s.code != code {
		s.t.Errorf("it ended with %d, want %d", s.code, code)
	}
}

// stop has it drain and end well.
func (s *server) stop() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	s.exits(exitFine)
}

// status is what `monopoll status --json` prints, asked of the socket directly.
func (s *server) status() Status {
	s.t.Helper()
	var st Status
	if err := json.Unmarshal(s.control(commandStatus), &st); err != nil {
		s.t.Fatal(err)
	}
	return st
}

// reload has the server look at everything, and gives the verdict.
func (s *server) reload() controlAnswer {
	s.t.Helper()
	var a controlAnswer
	if err := json.Unmarshal(s.control(commandReload), &a); err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *server) control(line string) []byte {
	s.t.Helper()
	c, err := net.Dial("unix", filepath.Join(s.dir, ".monopoll.sock"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintln(c, line)
	text, err := io.ReadAll(c)
	if err != nil {
		s.t.Fatalf("%s: %v after %q", line, err, text)
	}
	return text
}

// holdings are what a program holds, counted when nothing of it is garbage.
type holdings struct {
	Heap       uint64 // bytes that are reachable
	Goroutines int
	Stacks     string // of those goroutines
}

// answerProbes has this process, which is monopoll, write its holdings into a
// file whenever it gets SIGUSR2.
func answerProbes(path string) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR2)
	go func() {
		for range asked {
			// A pool lives through one collection, what it held through two.
			runtime.GC()
			runtime.GC()
			debug.FreeOSMemory()
			var mem runtime.MemStats
			runtime.ReadMemStats(&mem)
			var stacks strings.Builder
			pprof.Lookup("goroutine").WriteTo(&stacks, 1)
			text, _ := json.Marshal(holdings{mem.HeapAlloc, runtime.NumGoroutine(), stacks.String()})
			os.WriteFile(path+".new", text, 0o600)
			os.Rename(path+".new", path)
		}
	}()
}

// probed prepares a command for probe.
func probed(t testing.TB, cmd *exec.Cmd) *exec.Cmd {
	cmd.Env = append(cmd.Env, probeFile+"="+filepath.Join(t.TempDir(), "probe"))
	return cmd
}

// probe asks a program what it holds.
func (s *server) probe() (h holdings) {
	s.t.Helper()
	var path string
	for _, e := range s.cmd.Env {
		if p, ok := strings.CutPrefix(e, probeFile+"="); ok {
			path = p
		}
	}
	os.Remove(path)
	s.signal(syscall.SIGUSR2)
	s.until("its holdings", func() bool {
		text, err := os.ReadFile(path)
		return err == nil && json.Unmarshal(text, &h) == nil
	})
	return h
}

// descriptors gives what the program has open, sorted by what it is: the inode
// of a socket says nothing to a reader and changes with each.
func (s *server) descriptors() map[string]int {
	s.t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid)
	names, err := os.ReadDir(dir)
	if err != nil {
		s.t.Fatal(err)
	}
	open := map[string]int{}
	for _, n := range names {
		what, err := os.Readlink(filepath.Join(dir, n.Name()))
		if err != nil {
			continue // closed meanwhile
		}
		if kind, _, ok := strings.Cut(what, ":["); ok {
			what = kind
		}
		open[what]++
		if strings.Contains(what, "inotify") {
			info, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", s.cmd.Process.Pid, n.Name()))
			open["watch"] += bytes.Count(info, []byte("inotify wd:"))
		}
	}
	return open
}

// folder makes a folder with files, by name; a name that ends in a slash is a folder.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(path, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// replace saves a file as most editors do: a new one, renamed over it.
func replace(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path+"~new", []byte(text), 0o644))
	must(t, os.Rename(path+"~new", path))
}

var addresses atomic.Int32

// freeAddress gives a TCP address of the loopback network that nobody else uses:
// one IP address for each test process, below the ports that the kernel gives
// out by itself, and above those that browsers and Node do not go to, of which the
// last is 10080 (https://fetch.spec.whatwg.org/#port-blocking).
func freeAddress(t testing.TB) string {
	t.Helper()
	pid := os.Getpid()
	for {
		port := 20000 + addresses.Add(1)
		a := fmt.Sprintf("127.%d.%d.%d:%d", 1+pid>>16&0x3f, pid>>8&0xff, 1+pid&0x7f, port)
		if l, err := net.Listen("tcp", a); err == nil {
			l.Close()
			return a
		} else if port > 30000 {
			t.Fatal(err)
		}
	}
}
