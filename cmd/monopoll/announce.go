package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"monopoll/routes"
	"monopoll/routes/config"
)

// announce says at the start what is served, where, and how it is watched.
func announce(log *slog.Logger, t *routes.Table, urls *strings.Replacer, watched []string, took time.Duration) {
	var b strings.Builder
	from := config.Visible(t.Config.Path)
	if from == "" {
		from = "the command line"
	}
	fmt.Fprintf(&b, "monopoll %s serves %s, ready after %d ms\n", version(), from, took.Milliseconds())
	for _, line := range t.Describe() {
		fmt.Fprintf(&b, "  %s\n", config.Visible(urls.Replace(line)))
	}
	for _, line := range watched {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	log.Info(strings.TrimRight(b.String(), "\n"))
}
