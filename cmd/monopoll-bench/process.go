package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	startTime = 10 * time.Second // for a server to take connections
	stopTime  = 4 * time.Second  // for one to end when it is asked to
	pollTime  = 10 * time.Millisecond
)

// process is a server that was started here.
type process struct {
	cmd   *exec.Cmd
	log   string
	ended chan error
}

// startServer starts a server on its CPU and waits until it takes connections.
func startServer(ctx context.Context, k *kind, program string, s *site, p *pins) (*process, error) {
	s.config = filepath.Join(s.dir, k.file)
	if err := os.WriteFile(s.config, []byte(k.config(s)), 0o644); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(s.dir, k.name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := p.command(p.server, append([]string{program}, k.args(s)...))
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	// Caddy keeps a home in these.
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir)
	// A process group, to end it with all that it starts; and whatever becomes
	// of this program, the server does not stay behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	server := &process{cmd: cmd, log: log.Name(), ended: make(chan error, 1)}
	go func() { server.ended <- cmd.Wait() }()
	if err := server.await(ctx, s.port); err != nil {
		server.stop()
		return nil, err
	}
	return server, nil
}

func (p *process) await(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	poll := time.NewTicker(pollTime)
	defer poll.Stop()
	for {
		if conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second); err == nil {
			return conn.Close()
		}
		select {
		case <-poll.C:
		case err := <-p.ended:
			p.ended <- err
			return fmt.Errorf("it ended at once (%v): %s", err, p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("it takes no connection on port %d (%w): %s", port, ctx.Err(), p.lastWords())
		}
	}
}

// lastWords is the end of what a server wrote.
func (p *process) lastWords() string {
	text, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	const most = 5
	if len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	return strings.Join(lines, "\n\t")
}

// stop ends a server and all that it started, and comes back when it is gone.
func (p *process) stop() {
	group := -p.cmd.Process.Pid
	syscall.Kill(group, syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopTime):
		syscall.Kill(group, syscall.SIGKILL)
		<-p.ended
	}
}

// freePort finds a port that nobody has on loopback.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
