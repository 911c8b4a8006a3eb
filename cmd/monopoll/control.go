package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"monopoll/loop"
	"monopoll/routes/config"
	"monopoll/routes/watch"
)

// Commands of the control socket, one line each: the word, a space and the
// config that is meant, as an absolute path. The answer to reload and stop is a
// controlAnswer, to status a Status, as JSON.
const (
	commandReload = "reload"
	commandStatus = "status"
	commandStop   = "stop"
)

type controlAnswer struct {
	OK   bool   `json:"ok"`
	Text string `json:"text"`
}

// mistaken is the answer to whoever means another server: configs that stand in
// one folder have one default for the control socket, and the first has it.
type mistaken struct {
	Serves string `json:"serves"` // the config of this server
}

// Status is what `monopoll status --json` prints. Fields may be added, and are
// never renamed or removed.
type Status struct {
	Program     string           `json:"program"`      // version of monopoll
	PID         int              `json:"pid"`          //
	Config      string           `json:"config"`       // path of the config file
	Version     int              `json:"version"`      // of the table being served, from 1
	Since       time.Time        `json:"since"`        // when that table was published
	Started     time.Time        `json:"started"`      // when the process started
	Mistake     string           `json:"mistake"`      // why the last reload was refused; empty when it was not
	Listeners   []ListenerStatus `json:"listeners"`    //
	Connections int              `json:"connections"`  // open now
	Accepted    int64            `json:"accepted"`     // connections since the start
	Refused     int64            `json:"refused"`      // connections refused since the start
	Requests    int64            `json:"requests"`     // answered since the start
	Bytes       int64            `json:"bytes"`        // sent since the start, heads included
	LogDropped  int64            `json:"log_dropped"`  // access log lines lost to a slow or full disk
	MemoryBytes uint64           `json:"memory_bytes"` // held by the process's heap
	Watch       []string         `json:"watch"`        // what is watched, and how
}

// ListenerStatus is one listening address of a Status.
type ListenerStatus struct {
	Address     string `json:"address"`
	Connections int    `json:"connections"` // open now
	Requests    int64  `json:"requests"`    // answered since it listens
	Bytes       int64  `json:"bytes"`       // sent since it listens, heads included
}

// controller answers the control socket of a running server.
type controller struct {
	server  *loop.Loop
	watcher *watch.Watcher
	config  string // as it was given
	at      string // as an absolute path
	started time.Time
	stop    func()
}

// answer is a loop.Controller: it is called on the loop's goroutine, and leaves
// what takes time to another.
func (c *controller) answer(command string, reply func([]byte)) {
	go func() {
		text, err := json.Marshal(c.carryOut(command))
		if err != nil {
			text = []byte(err.Error())
		}
		reply(append(text, '\n'))
	}()
}

func (c *controller) carryOut(line string) any {
	command, meant, named := strings.Cut(line, " ")
	if named && !sameFile(meant, c.at) {
		return mistaken{c.at}
	}
	switch command {
	case commandReload:
		return reload(context.Background(), c.watcher, c.server)
	case commandStop:
		c.stop()
		return controlAnswer{true, "stopping: answers under way are finished"}
	case commandStatus:
		return c.status()
	}
	return controlAnswer{false, fmt.Sprintf("%q is no command of this version", command)}
}

// reload has everything looked at: the config, the content, and whether the unix
// sockets can still be found, which the watcher knows nothing of.
func reload(ctx context.Context, w *watch.Watcher, l *loop.Loop) controlAnswer {
	v := w.Reload(ctx)
	answer := controlAnswer{v.OK(), v.String()}
	again, err := l.Rebind()
	for _, one := range again {
		if one.First {
			answer.Text += "\n" + one.Address + " could not be had before; it is bound now"
		} else {
			answer.Text += "\n" + one.Address + " could not be found any more; it is bound anew"
		}
	}
	if err != nil {
		answer.OK = false
		answer.Text += "\n" + err.Error()
	}
	return answer
}

func (c *controller) status() Status {
	stats, _ := c.server.Stats()
	seen := c.watcher.Status()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	s := Status{
		Program: version(), PID: os.Getpid(), Config: c.config, Started: c.started,
		Version: seen.Version, Since: seen.Since, Mistake: seen.Mistake,
		Connections: stats.Open, Accepted: stats.Accepted, Refused: stats.Refused,
		Requests: stats.Requests, Bytes: stats.Sent, LogDropped: stats.Dropped,
		MemoryBytes: mem.HeapInuse, Watch: c.watcher.Describe(),
	}
	for _, l := range stats.Listeners {
		if l.Control {
			s.Connections -= l.Connections // whoever asks is no client
			continue
		}
		s.Listeners = append(s.Listeners, ListenerStatus{l.Address, l.Connections, l.Requests, l.Sent})
	}
	return s
}

// ask sends a command to the server whose config is at path.
func ask(path, command string, answer any) error {
	socket, err := config.ControlPath(path)
	if err != nil {
		return &failure{exitUsage, err}
	}
	if socket == "" {
		return &failure{exitFailed, fmt.Errorf("%s has control: off, so a running server cannot be reached", path)}
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return &failure{exitFailed, fmt.Errorf("no server for %s answers: %w; is it running, and as the same user?", path, err)}
	}
	defer conn.Close()
	if _, err = fmt.Fprintln(conn, command, absolute(path)); err != nil {
		return &failure{exitFailed, err}
	}
	text, err := io.ReadAll(conn)
	var other mistaken
	if json.Unmarshal(text, &other) == nil && other.Serves != "" {
		return &failure{exitFailed, fmt.Errorf("the server that answers at %s serves %s, not %s: name its config with -c, or give each a control socket of its own (control: in the config)", socket, other.Serves, path)}
	}
	if err == nil && len(text) == 0 {
		err = errors.New("the server ended before it answered")
	}
	if err == nil {
		err = json.Unmarshal(text, answer)
	}
	if err != nil {
		return &failure{exitFailed, err}
	}
	return nil
}

// absolute gives the path of a config as any process can use it; standard input
// stays "-".
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil && path != "-" {
		return full
	}
	return path
}

// sameFile compares two paths of configs. The file need not exist.
func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if errX == nil && errY == nil && os.SameFile(x, y) {
		return true
	}
	x, errX = os.Stat(filepath.Dir(a))
	y, errY = os.Stat(filepath.Dir(b))
	return errX == nil && errY == nil && os.SameFile(x, y) && filepath.Base(a) == filepath.Base(b)
}

// tell sends a command, prints the answer and gives its exit code.
func tell(path, command string) error {
	var answer controlAnswer
	if err := ask(path, command, &answer); err != nil {
		return err
	}
	if !answer.OK {
		return &failure{exitFailed, errors.New(answer.Text)}
	}
	return say("%s\n", answer.Text)
}

func newReload() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Have the running server read its config again, and say what came of it",
		Long:  "reload waits until the running server serves what is on disk. It exits with 0 then, and with 1 after printing every mistake if it does not.",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return tell(path, commandReload) },
	}
	configFlag(cmd, &path)
	return cmd
}

func newStop() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "Have the running server finish its answers and end",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return tell(path, commandStop) },
	}
	configFlag(cmd, &path)
	return cmd
}

func newStatus() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say what the running server is doing",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var s Status
			if err := ask(path, commandStatus, &s); err != nil {
				return err
			}
			if asJSON {
				out := json.NewEncoder(os.Stdout)
				out.SetIndent("", "  ")
				return out.Encode(s)
			}
			return s.print(os.Stdout)
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, for programs")
	return cmd
}

func (s *Status) print(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "config\t%s, version %d since %s\n", s.Config, s.Version, s.Since.Local().Format(time.DateTime))
	fmt.Fprintf(w, "process\t%d, monopoll %s, up %s\n", s.PID, s.Program, time.Since(s.Started).Round(time.Second))
	if s.Mistake != "" {
		fmt.Fprintf(w, "mistake\t%s\n", strings.ReplaceAll(strings.TrimSpace(s.Mistake), "\n", "\n\t"))
	}
	fmt.Fprintf(w, "connections\t%d open, %d accepted, %d refused\n", s.Connections, s.Accepted, s.Refused)
	fmt.Fprintf(w, "requests\t%d, %d bytes sent\n", s.Requests, s.Bytes)
	fmt.Fprintf(w, "memory\t%.1f MiB\n", float64(s.MemoryBytes)/(1<<20))
	for _, l := range s.Listeners {
		fmt.Fprintf(w, "listener\t%s, %d connections, %d requests, %d bytes sent\n", l.Address, l.Connections, l.Requests, l.Bytes)
	}
	for _, line := range s.Watch {
		fmt.Fprintf(w, "watch\t%s\n", config.Visible(line))
	}
	return w.Flush()
}
