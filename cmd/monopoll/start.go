package main

import (
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"monopoll/routes"
	"monopoll/routes/config"
)

// A start may take long, or for ever: a root has 80,000 files, a filesystem does
// not answer. Whoever wants the process to end meanwhile is obeyed at once; what
// the start was at is left to the end of the process.

// errStopped ends a process that was told to before it was ready.
var errStopped = &failure{exitFine, nil}

// socketsEnd is how long a signal waits for sockets that are being made or given
// to a table. That takes a millisecond, and then they are closed, and their files
// removed, as always.
const socketsEnd = time.Second

// start binds what the config names, reads it, watches it, and has it served.
func (p *process) start(cfg *config.Config, control *controller) (*routes.Table, error) {
	// Bound as who we are, read and served as who we become: what that user may
	// not read is never in the table.
	err := p.unlessStopped(socketsEnd, func() error {
		err := p.server.Bind(cfg)
		if err == nil {
			err = become(cfg.User)
		}
		return failed(err)
	}, func() {})
	if err != nil {
		return nil, err
	}
	p.thrift.obey(cfg)
	var table *routes.Table
	loader, bar := newLoader(p.log), newProgress()
	err = p.unlessStopped(0, func() (err error) {
		if table, err = bar.table(cfg, loader); err != nil {
			return &failure{exitUsage, err}
		}
		if err = p.watch(table, loader); err != nil {
			return &failure{exitFailed, fmt.Errorf("cannot watch for changes: %w", err)}
		}
		return nil
	}, bar.end)
	if err != nil {
		return nil, err
	}
	control.server, control.watcher = p.server, p.watcher
	return table, p.unlessStopped(socketsEnd, func() error {
		_, err := p.server.Publish(table)
		if err == nil {
			err = confine(cfg, p.log)
		}
		return failed(err)
	}, func() {})
}

func failed(err error) error {
	if err != nil {
		return &failure{exitFailed, err}
	}
	return nil
}

// unlessStopped does what has to be done before there is anything to supervise,
// and gives its error: errStopped when a signal to end came first. Then it still
// waits for it, for grace, or until it is told so twice. Other signals come again
// afterwards. stopped is called by the first.
func (p *process) unlessStopped(grace time.Duration, do func() error, stopped func()) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	var later []os.Signal
	defer func() {
		for _, s := range later {
			p.signal(s)
		}
	}()
	var over <-chan time.Time // nil: go on
	for {
		select {
		case err := <-done:
			if over != nil {
				return errStopped
			}
			return err
		case <-over:
			return errStopped
		case s := <-p.signals:
			if s == syscall.SIGHUP || s == syscall.SIGUSR1 || s == syscall.SIGCONT {
				if !slices.Contains(later, s) {
					later = append(later, s)
				}
				continue
			}
			switch p.toldToEnd() {
			case toldOnce:
				stopped()
				p.log.Info("stopped before it was ready, as asked", "signal", s.String())
				over = time.After(grace)
			case toldTwice:
				return errStopped
			}
		}
	}
}
