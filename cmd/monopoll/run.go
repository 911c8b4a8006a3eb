package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"monopoll/loop"
	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
	"monopoll/routes/watch"
)

type runOptions struct {
	config    string
	logFormat string
	debug     bool
}

const defaultConfig = "config.yaml"

func (o *runOptions) flags(cmd *cobra.Command) {
	configFlag(cmd, &o.config)
	o.logFlags(cmd)
}

func (o *runOptions) logFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.logFormat, "log-format", "text", "text or json, for what the server says of itself on standard error")
	cmd.Flags().BoolVar(&o.debug, "debug", false, "say more")
}

func configFlag(cmd *cobra.Command, to *string) {
	*to = defaultConfig
	cmd.Flags().VarP((*fileName)(to), "config", "c", "the config file; - reads standard input once")
	cmd.MarkFlagFilename("config", "yaml", "yml")
}

func newRun() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Serve what the config says, until told to stop",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return o.run() },
	}
	o.flags(cmd)
	return cmd
}

func (o *runOptions) run() error {
	cfg, err := config.Load(o.config)
	if err != nil {
		return &failure{exitUsage, err}
	}
	return o.serve(cfg)
}

// process is a running server and those who look after it.
type process struct {
	server  *loop.Loop
	watcher *watch.Watcher
	log     *slog.Logger
	thrift  *thrift // nil: the collector is left alone
	huge    *hugePages
	ended   chan error // what Loop.Run returned
	signals chan os.Signal
	asked   time.Time // when the first signal to end came

	keyboard *keyboard
}

// serve runs a config until it is told to stop. The quick modes come here too,
// with a config made of their arguments.
func (o *runOptions) serve(cfg *config.Config) error {
	log, err := newLogger(o.logFormat, o.debug)
	if err != nil {
		return err
	}
	began := time.Now()
	provideProcessors()
	p := &process{log: log, thrift: newThrift(), huge: newHugePages(log), ended: make(chan error, 1), signals: make(chan os.Signal, 8)}
	p.listenToSignals()
	control := &controller{config: cfg.Path, at: absolute(cfg.Path), started: began, stop: func() { p.signal(syscall.SIGTERM) }}
	if p.server, err = loop.New(loop.Options{Log: log, Control: control.answer, Stale: p.stale, Descriptors: forSockets(cfg, log)}); err != nil {
		return &failure{exitFailed, fmt.Errorf("cannot start: %w", err)}
	}
	go func() { p.ended <- p.server.Run() }()
	table, err := p.start(cfg, control)
	if err != nil {
		return p.giveUp(err)
	}
	announce(log, table, p.chosen(table), p.watcher.Describe(), time.Since(began))
	return p.supervise()
}

// chosen puts the port that the kernel has given into URLs with port 0.
func (p *process) chosen(t *routes.Table) *strings.Replacer {
	var pairs []string
	stats, _ := p.server.Stats()
	for _, l := range t.Listeners {
		for _, a := range l.Addresses {
			for _, s := range stats.Listeners {
				host, port, err := net.SplitHostPort(s.Address)
				if err == nil && a.Unix == "" && a.Port == 0 && host == a.Host {
					given := a
					given.Port, _ = strconv.Atoi(port)
					pairs = append(pairs, config.URL(a), config.URL(given))
				}
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

// giveUp ends a server that could not be started, and with it its sockets.
func (p *process) giveUp(err error) error {
	p.stopNow()
	return err
}

// stopNow ends the server, or leaves it behind if it cannot end, as where a unix
// socket is to be removed from a filesystem that does not answer.
func (p *process) stopNow() {
	p.server.Stop()
	select {
	case <-p.ended:
	case <-time.After(serverEnds):
	}
}

// stale has a file looked at of which the loop found that it has changed. There
// is a watcher before there is a table.
func (p *process) stale(path string) { p.watcher.Unheard(path) }

// watch makes the watcher, which publishes what it builds to the loop.
func (p *process) watch(table *routes.Table, loader *site.Loader) (err error) {
	p.watcher, err = watch.New(watch.Options{
		Path: table.Config.Path, Table: table, Loader: loader, Log: p.log,
		Work: p.server.Work, Idle: p.tidy,
		Publish: func(t *routes.Table) (watch.Outcome, error) {
			out, err := p.server.Publish(t)
			if err == nil {
				p.thrift.obey(t.Config)
			}
			return watch.Outcome(out), err
		},
	})
	return err
}

// tidy puts memory in order when what is served has come to rest, until ctx ends.
func (p *process) tidy(ctx context.Context) {
	p.thrift.tidy()
	p.huge.gather(ctx)
}

// supervise waits for signals, and for the end.
func (p *process) supervise() error {
	ctx, cancel := context.WithCancel(context.Background())
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		if err := p.watcher.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			p.log.Error("changes are no longer noticed; restart to be safe", "error", err)
		}
	}()
	defer func() {
		cancel()
		select {
		case <-watching:
		case <-time.After(watcherEnds): // a filesystem hangs, and it with it
		}
	}()
	p.keyboard = &keyboard{terminal: os.Stdin, typed: p.typed}
	p.readKeyboard()
	for {
		select {
		case err := <-p.ended:
			if err != nil {
				return &failure{exitFailed, err}
			}
			return nil
		case s := <-p.signals:
			switch s {
			case syscall.SIGUSR1:
				p.server.ReopenLog()
			case syscall.SIGHUP:
				p.server.ReopenLog()
				go reload(ctx, p.watcher, p.server) // what it says is in the log too
			case syscall.SIGCONT:
				p.readKeyboard()
			default:
				switch p.toldToEnd() {
				case toldOnce:
					p.log.Info("stopping: answers under way are finished; once more stops at once", "signal", s.String())
					cancel()
					p.server.Drain()
				case toldTwice:
					p.log.Warn("stopped at once, as asked twice")
					p.stopNow()
					return &failure{exitFailed, nil}
				}
			}
		}
	}
}

// watcherEnds is how long the end of the process waits for the watcher, which
// may be reading a large root.
const watcherEnds = time.Second

// serverEnds is how long it waits for the server, which closes the access log
// within a second.
const serverEnds = 3 * time.Second

// listenToSignals is called before there is anything to lose by a signal; until
// supervise looks at them, unlessStopped does.
func (p *process) listenToSignals() {
	// A reader of our log that leaves is no reason to end, and a key that is
	// pressed while we are in the background is none to be stopped.
	signal.Ignore(syscall.SIGPIPE, syscall.SIGTTIN)
	signal.Notify(p.signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGCONT)
}

// readKeyboard has q and r be typed, where standard input is a terminal. A shell
// that brings us to the foreground sends SIGCONT; then it is tried again.
func (p *process) readKeyboard() {
	if term.IsTerminal(int(os.Stdin.Fd())) {
		p.keyboard.read()
	}
}

// typed takes a line of the terminal for the signal that means the same.
func (p *process) typed(line string) {
	switch line {
	case "q":
		p.signal(syscall.SIGINT)
	case "r":
		p.signal(syscall.SIGHUP)
	}
}

// signal treats s as if the process had been sent it.
func (p *process) signal(s os.Signal) {
	select {
	case p.signals <- s:
	default: // eight are waiting: one more says nothing new
	}
}
