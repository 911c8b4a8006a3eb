package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// order is what the client is told, on its standard input.
type order struct {
	Port  int
	PID   int // of the server
	Conns int
	Batch int
	Close bool
	Asks  []ask
	// Seconds before the figures count, and of the figures.
	Warm, Secs float64
	// Patience is how many seconds each of the two may be longer, if there would
	// not be one answer otherwise: on a machine that does something else.
	Patience float64
}

// figures are what one server did in one round.
type figures struct {
	Answers   int64   `json:"answers"`
	Rate      float64 `json:"req_per_s"`
	CPU       float64 `json:"us_per_req"` // of the server, user and system
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Bytes     float64 `json:"mb_per_s"` // 10⁶ bytes, heads included
	PSS       float64 `json:"pss_mb"`   // 2²⁰ bytes
	ServerCPU float64 `json:"server_cpu"`
	ClientCPU float64 `json:"client_cpu"` // shares of one CPU's time
	Bad       int64   `json:"bad,omitempty"`
	Lost      int64   `json:"lost,omitempty"`
	Reopened  int64   `json:"reopened,omitempty"`
	Problem   string  `json:"problem,omitempty"`
}

// serveClient is the client process: it reads an order and writes figures.
func serveClient(in io.Reader, out io.Writer) error {
	runtime.GOMAXPROCS(1)
	var o order
	if err := json.NewDecoder(in).Decode(&o); err != nil {
		return fmt.Errorf("the client was not told what to do: %w", err)
	}
	f, err := measure(&o)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(f)
}

// measure loads a server and gives the figures of the time after the warm-up.
func measure(o *order) (*figures, error) {
	l, err := newLoad(o)
	if err != nil {
		return nil, err
	}
	defer l.shut()
	if err := l.run(seconds(o.Warm), seconds(o.Patience)); err != nil {
		return nil, err
	}
	l.tally, l.latency = tally{}, quantiles{}
	began, server, client := time.Now(), cpuTime(o.PID), ownTime()
	if err := l.run(seconds(o.Secs), seconds(o.Patience)); err != nil {
		return nil, err
	}
	server, client = cpuTime(o.PID)-server, ownTime()-client
	wall := time.Since(began).Seconds()
	if l.tally.answers == 0 {
		return nil, errors.New("not one answer came")
	}
	f := &figures{
		Answers: l.tally.answers, Rate: float64(l.tally.answers) / wall,
		CPU: server.Seconds() * 1e6 / float64(l.tally.answers),
		P50: l.latency.at(0.5).Seconds() * 1e3, P99: l.latency.at(0.99).Seconds() * 1e3,
		Bytes: float64(l.tally.bytes) / wall / 1e6, PSS: float64(pss(o.PID)) / (1 << 20),
		ServerCPU: server.Seconds() / wall, ClientCPU: client.Seconds() / wall,
		Bad: l.tally.bad, Lost: l.tally.lost, Reopened: l.tally.reopened,
	}
	if l.tally.problem != nil {
		f.Problem = l.tally.problem.Error()
	}
	return f, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// ownTime is the CPU time that this process has had.
func ownTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// graceTime is how much longer than its order the client may take.
const graceTime = 10 * time.Second

// runClient starts the client on its CPU and waits for its figures.
func runClient(ctx context.Context, o *order, p *pins) (*figures, error) {
	ctx, cancel := context.WithTimeout(ctx, seconds(o.Warm+o.Secs+2*o.Patience)+graceTime)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	in, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	args := p.command(p.client, []string{self, "client"})
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var errors strings.Builder
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &errors
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.Output()
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("the client: %s", strings.TrimPrefix(strings.TrimSpace(errors.String()), "monopoll-bench: "))
	}
	f := new(figures)
	return f, json.Unmarshal(out, f)
}
