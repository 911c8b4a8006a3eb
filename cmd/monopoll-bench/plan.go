package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// plan is what is measured.
type plan struct {
	secs          float64
	rounds, conns int
	json          string

	works      []work
	contenders []*contender
	pins       pins
	dir        string // for files, configs and logs, removed at the end
}

// patience is for how many seconds a client waits for a first answer.
const patience = 5

// contender is a server that is measured.
type contender struct {
	*kind
	label   string // as --servers has it
	program string // its path; "" until it is built
	says    string // which version it says it is
}

// choose takes the command line at its word, or says what is wrong with it.
func (p *plan) choose(servers, names []string) (err error) {
	switch {
	case !(p.secs > 0 && p.secs <= maxSecs):
		return fmt.Errorf("--secs: %g is not above 0 and at most %d", p.secs, maxSecs)
	case p.rounds < 1 || p.rounds > maxRounds:
		return fmt.Errorf("--rounds: %d is not from 1 to %d", p.rounds, maxRounds)
	case p.conns < 1 || p.conns > maxConns:
		return fmt.Errorf("--conns: %d is not from 1 to %d", p.conns, maxConns)
	}
	if p.works, err = findWorks(names); err != nil {
		return err
	}
	p.contenders, err = findServers(servers)
	return err
}

// findServers finds the programs of --servers; without any, monopoll and all
// the others that are installed.
func findServers(asked []string) (found []*contender, err error) {
	if len(asked) == 0 {
		for _, k := range kinds {
			path, err := exec.LookPath(k.name)
			if err == nil || k.name == "monopoll" {
				found = append(found, &contender{kind: k, label: k.name, program: path})
			}
		}
		return found, nil
	}
	for _, label := range asked {
		name, path, given := strings.Cut(label, "=")
		k := findKind(name)
		if k == nil {
			return nil, fmt.Errorf("--servers: %q is not known here; there are %s", name, strings.Join(kindNames(), ", "))
		}
		if !given {
			path = name
		}
		program, err := exec.LookPath(path)
		if err != nil && (given || name != "monopoll") {
			return nil, fmt.Errorf("--servers: %w; install it, write %s=PATH, or leave it out", err, name)
		}
		found = append(found, &contender{kind: k, label: label, program: program})
	}
	return found, nil
}

func findKind(name string) *kind {
	for _, k := range kinds {
		if k.name == name {
			return k
		}
	}
	return nil
}

// prepare makes the files, and monopoll if there is none.
func (p *plan) prepare(ctx context.Context) (f *files, err error) {
	// A server that gives up its rights has to reach the files.
	if err := os.Chmod(p.dir, 0o755); err != nil {
		return nil, err
	}
	for _, c := range p.contenders {
		if c.program == "" {
			if c.program, err = build(ctx, p.dir); err != nil {
				return nil, err
			}
		}
		if c.program, err = filepath.Abs(c.program); err != nil {
			return nil, err
		}
		out, _ := exec.CommandContext(ctx, c.program, c.version).CombinedOutput()
		c.says, _, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	}
	return writeFiles(filepath.Join(p.dir, "www"))
}

// build makes monopoll from the source that the working directory is in.
func build(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "monopoll")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "monopoll/cmd/monopoll")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("there is no monopoll in $PATH, and go build makes none here (%w): %s\nsay where it is with --servers monopoll=PATH", err, out)
	}
	return program, nil
}

// run measures everything and prints it.
func (p *plan) run(ctx context.Context) (err error) {
	if p.dir, err = os.MkdirTemp("", "monopoll-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(p.dir)
	f, err := p.prepare(ctx)
	if err != nil {
		return err
	}
	p.pins = findPins()
	r := newReport(p)
	if p.json != "-" {
		r.printHead(os.Stdout)
	}
	for i := range p.works {
		t, err := p.runWork(ctx, &p.works[i], f)
		if err != nil {
			return err
		}
		r.Works = append(r.Works, t)
		if p.json != "-" {
			t.print(os.Stdout, p)
		}
	}
	return r.write(p.json)
}

// runWork lets every server do a work, in rounds A B C A B C.
func (p *plan) runWork(ctx context.Context, w *work, f *files) (*table, error) {
	t := newTable(w, p)
	for round := range p.rounds {
		for i, c := range p.contenders {
			if w.fixed && !c.fixed {
				t.Rows[i].Problem = "it has no fixed response"
				continue
			}
			p.progress("%s: round %d of %d: %s", w.name, round+1, p.rounds, c.label)
			got, err := p.runOne(ctx, c, w, f)
			if ctx.Err() != nil {
				return nil, errors.New("stopped, as asked")
			}
			if err != nil {
				t.Rows[i].Problem = err.Error()
			}
			t.Rows[i].Rounds = append(t.Rows[i].Rounds, got)
		}
	}
	p.progress("")
	t.compare()
	return t, nil
}

// runOne has one server do a work for one round.
func (p *plan) runOne(ctx context.Context, c *contender, w *work, f *files) (*figures, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &site{dir: p.dir, root: f.root, port: port, conns: p.conns}
	server, err := startServer(ctx, c.kind, c.program, s, &p.pins)
	if err != nil {
		return nil, err
	}
	defer server.stop()
	asks, err := w.check(ctx, f, port)
	if err != nil {
		return nil, err
	}
	return runClient(ctx, &order{
		Port: port, PID: server.cmd.Process.Pid, Conns: p.conns, Batch: w.batch, Close: w.close,
		Asks: asks, Warm: min(1, p.secs), Secs: p.secs, Patience: patience,
	}, &p.pins)
}

// progress says on a terminal what is being done, in a line that the next takes
// the place of.
func (p *plan) progress(format string, args ...any) {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "\r\033[K"+format, args...)
	}
}
