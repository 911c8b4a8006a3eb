package main

import (
	"strings"
	"testing"
	"time"
)

// Progress is shown to a person who has begun to wonder, not more often than
// numbers can be read, and leaves nothing behind.
func TestProgress(t *testing.T) {
	var screen strings.Builder
	start := time.Now()
	at := start
	p := &progress{to: &screen, now: func() time.Time { return at }, began: start}
	says := func(after time.Duration, want string) {
		t.Helper()
		at = start.Add(after)
		p.show(2048, 3_500_000)
		if got := screen.String(); got != want {
			t.Errorf("after %s: %q, want %q", after, got, want)
		}
		screen.Reset()
	}
	says(0, "")
	says(900*time.Millisecond, "")
	says(1100*time.Millisecond, "\r  reading: 2048 files, 3 MB, 1 s ")
	says(1200*time.Millisecond, "")
	says(1400*time.Millisecond, "\r  reading: 2048 files, 3 MB, 1 s ")
	p.end()
	p.end()
	if got := screen.String(); got != "\r\x1b[K" {
		t.Errorf("the end is %q", got)
	}
	screen.Reset()
	says(2*time.Second, "") // by whoever has not heard of the end
	p = &progress{to: &screen, now: p.now, began: start}
	p.end()
	if got := screen.String(); got != "" {
		t.Errorf("the end of nothing is %q", got)
	}
	p = &progress{now: p.now, began: start} // no terminal
	p.show(1, 1)
	p.end()
}
