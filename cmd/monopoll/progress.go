package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

const (
	// progressFirst is how long a start may take before a person wonders.
	progressFirst = time.Second
	// progressEach is how often numbers change that somebody reads.
	progressEach = 200 * time.Millisecond
)

// progress is a line on a terminal that says how far the reading of the document
// roots has come.
type progress struct {
	to    io.Writer // nil: there is no terminal
	now   func() time.Time
	began time.Time

	mu    sync.Mutex
	shown time.Time // zero: nothing yet
	over  bool
}

func newProgress() *progress {
	p := &progress{now: time.Now, began: time.Now()}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		p.to = standardError
	}
	return p
}

// show is for site.Loader to call.
func (p *progress) show(files int, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.to != nil && !p.over && now.Sub(p.began) > progressFirst && now.Sub(p.shown) > progressEach {
		p.shown = now
		fmt.Fprintf(p.to, "\r  reading: %d files, %d MB, %.0f s ", files, bytes/1e6, now.Sub(p.began).Seconds())
	}
}

// end takes the line away, if there is one, for good: whoever reads may be left
// behind reading.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	if !p.shown.IsZero() {
		fmt.Fprint(p.to, "\r\x1b[K") // EL, erase to the end of the line (ECMA-48 §8.3.41)
		p.shown = time.Time{}
	}
}

// firstTable makes the table to start with, and shows how far that has come.
func firstTable(cfg *config.Config, loader *site.Loader) (*routes.Table, error) {
	return newProgress().table(cfg, loader)
}

func (p *progress) table(cfg *config.Config, loader *site.Loader) (*routes.Table, error) {
	defer p.end()
	loader.Progress = p.show
	defer func() { loader.Progress = nil }() // what is read later is nobody's waiting time
	return routes.Build(cfg, nil, loader)
}

// newLoader leaves the limits to routes.Build, which shares them out.
func newLoader(log *slog.Logger) *site.Loader {
	return &site.Loader{Problem: newComplaints(log)}
}
