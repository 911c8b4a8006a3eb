package main

import (
	"slices"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	same := func(x float64) float64 { return x }
	for _, c := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(c.of, same); got != c.want {
			t.Errorf("%v: %g, want %g", c.of, got, c.want)
		}
	}
}

// made is a round that took whole CPUs.
func made(us, rate float64) *figures {
	return &figures{Answers: 1000, CPU: us, Rate: rate, P99: 1.5, Bytes: 12, PSS: 9, ServerCPU: 1, ClientCPU: 0.5}
}

// TestCompare: ratios are taken within a round, where the machine was the same,
// and rounds that one of the two did not do are left out.
func TestCompare(t *testing.T) {
	table := &table{Rows: []*row{
		{Name: "a", Rounds: []*figures{made(10, 100), made(20, 50), made(10, 100)}},
		{Name: "b", Rounds: []*figures{made(20, 50), made(40, 25), nil}},
		{Name: "c", Problem: "it is away"},
	}}
	table.compare()
	a, b, c := table.Rows[0], table.Rows[1], table.Rows[2]
	if a.Median.CPU != 10 || a.CPURatio != 1 || a.RateRatio != 1 {
		t.Errorf("a: %+v %+v", a, a.Median)
	}
	if b.Median.CPU != 30 || b.CPURatio != 2 || b.RateRatio != 0.5 {
		t.Errorf("b: %+v %+v", b, b.Median)
	}
	if c.Median != nil || c.CPURatio != 0 {
		t.Errorf("c: %+v", c)
	}
}

func TestNotes(t *testing.T) {
	round := func(change func(*figures)) *figures { f := made(10, 100); change(f); return f }
	for _, c := range []struct {
		rounds []*figures
		want   []string
	}{
		{[]*figures{made(10, 100), made(10.5, 100)}, nil},
		{[]*figures{round(func(f *figures) { f.ServerCPU, f.ClientCPU = 0.8, 0.99 })}, []string{"the client is the limit"}},
		{[]*figures{round(func(f *figures) { f.ServerCPU = 0.8 })}, []string{"neither had its CPU to itself"}},
		{[]*figures{made(10, 100), made(12, 80)}, []string{"rounds differ by 18 %"}},
		{[]*figures{round(func(f *figures) { f.Bad, f.Problem = 7, "an answer has status 404, not 200" })},
			[]string{"7 of 1000 answers wrong (an answer has status 404, not 200)"}},
		{[]*figures{round(func(f *figures) { f.Lost, f.Reopened, f.Problem = 2, 3, "x" })},
			[]string{"2 connections lost (x)", "it closed 3 connections"}},
	} {
		if got := notes(c.rounds); !slices.Equal(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestPrint(t *testing.T) {
	table := &table{Work: "w1k", About: "a file", Connections: 64, Seconds: 0.5, Rows: []*row{
		{Name: "monopoll", Rounds: []*figures{made(6.5, 150000)}},
		{Name: "nginx=/opt/nginx", Rounds: []*figures{made(13, 75000)}, Problem: "one round failed"},
		{Name: "h2o", Problem: "it ended at once"},
	}}
	table.compare()
	var b strings.Builder
	table.print(&b, &plan{rounds: 1})
	const want = `
w1k: a file; 64 connections, 1 × 0.5 s
  server              us/req      ×     req/s      ×   p99 ms     MB/s   PSS MB
  monopoll              6.50   1.00    150000   1.00     1.50     12.0      9.0
  nginx=/opt/nginx     13.00   2.00     75000   0.50     1.50     12.0      9.0  one round failed
  h2o                      -  it ended at once
`
	if b.String() != want {
		t.Errorf("got%swant%s", b.String(), want)
	}
}
