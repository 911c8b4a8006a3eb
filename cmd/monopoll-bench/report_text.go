package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// printHead says what is measured, and on what.
func (r *report) printHead(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "%s, %d CPUs, Linux %s\n%s\n", m.CPU, m.CPUs, m.Kernel, r.Pinning)
	const busy = 0.5 // load average
	if m.Load > busy {
		fmt.Fprintf(w, "the machine was busy in the minute before (load %.2f): trust these figures less\n", m.Load)
	}
	width := 0
	for _, s := range r.Servers {
		width = max(width, len(s.Name))
	}
	for _, s := range r.Servers {
		fmt.Fprintf(w, "  %-*s  %s (%s)\n", width, s.Name, s.Version, s.Program)
	}
	fmt.Fprintf(w, "us/req: the server's CPU time for a request; ×: compared to %s\n", r.Servers[0].Name)
}

// print writes one work as a table.
func (t *table) print(w io.Writer, p *plan) {
	width := len("server")
	for _, r := range t.Rows {
		width = max(width, utf8.RuneCountInString(r.Name))
	}
	fmt.Fprintf(w, "\n%s: %s; %d connections, %d × %g s\n", t.Work, t.About, t.Connections, p.rounds, t.Seconds)
	head := fmt.Sprintf("  %-*s  %8s %6s  %8s %6s  %7s  %7s  %7s", width, "server", "us/req", "×", "req/s", "×", "p99 ms", "MB/s", "PSS MB")
	fmt.Fprintln(w, head)
	for _, r := range t.Rows {
		line := fmt.Sprintf("  %-*s  ", width, r.Name)
		say := r.Notes
		if m := r.Median; m != nil {
			line += fmt.Sprintf("%8.2f %6s  %8.0f %6s  %7.2f  %7.1f  %7.1f", m.CPU, times(r.CPURatio), m.Rate, times(r.RateRatio), m.P99, m.Bytes, m.PSS)
		} else {
			line += fmt.Sprintf("%8s", "-")
		}
		if r.Problem != "" {
			say = append([]string{r.Problem}, say...)
		}
		if len(say) > 0 {
			line += "  " + strings.Join(say, "; ")
		}
		fmt.Fprintln(w, line)
	}
}

// times writes a ratio.
func times(x float64) string {
	if x == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", x)
}
