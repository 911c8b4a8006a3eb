package loop

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"monopoll/routes"
	"monopoll/routes/config"
)

// largeText is a config of 1,000 listeners with 10 routes each.
func largeText(version, from int) string {
	var b strings.Builder
	b.WriteString("listeners:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  - listen: '127.%d.%d.%d:20808'\n    routes:\n", 1+os.Getpid()&0x7f, 1+(from+i)>>8, (from+i)&0xff)
		for k := range 10 {
			fmt.Fprintf(&b, "      host%d.test/part%d/{id}/: {respond: 'version %d'}\n", k%3, k, version)
		}
	}
	return b.String() + "log: {access: off}\n"
}

// BenchmarkReload measures the parts of a reload at 1,000 listeners and 10,000
// routes. An operation is a whole one; commit-µs is the part of it that runs on
// the loop, when all connections wait. In "moved", 100 of the 1,000 addresses
// are given up and 100 others taken.
func BenchmarkReload(b *testing.B) {
	for _, c := range []struct {
		name string
		move int
	}{{"same", 0}, {"moved", 100}} {
		b.Run(c.name, func(b *testing.B) {
			s := start(b, largeText(0, 0), nil)
			texts := [2]string{largeText(1, c.move), largeText(2, 0)}
			var parse, build, prepare, commit time.Duration
			n := 0
			for b.Loop() {
				began := time.Now()
				cfg, err := config.Parse("config.yaml", s.dir, []byte(texts[n%2]))
				parse += lap(&began)
				if err != nil {
					b.Fatal(err)
				}
				table, err := routes.Build(cfg, s.table, s.loader)
				build += lap(&began)
				if err != nil {
					b.Fatal(err)
				}
				p, err := s.loop.prepare(table)
				prepare += lap(&began)
				if err != nil {
					b.Fatal(err)
				}
				done := make(chan time.Duration)
				s.loop.mail.post(func(l *Loop) {
					began := time.Now()
					l.commit(p)
					done <- lap(&began)
				})
				commit += <-done
				s.loop.publisher.bound, s.table = p.bound, table
				n++
			}
			for _, part := range []struct {
				name string
				took time.Duration
			}{{"parse", parse}, {"build", build}, {"prepare", prepare}, {"commit", commit}} {
				b.ReportMetric(float64(part.took.Microseconds())/float64(n), part.name+"-µs")
			}
		})
	}
}

// lap gives the time since began, and begins anew.
func lap(began *time.Time) time.Duration {
	now := time.Now()
	took := now.Sub(*began)
	*began = now
	return took
}
