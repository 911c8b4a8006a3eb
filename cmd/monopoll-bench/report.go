package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"
)

// report is everything that came out; it is what --json writes.
type report struct {
	Command string    `json:"command"`
	Began   time.Time `json:"began"`
	Machine machine   `json:"machine"`
	Pinning string    `json:"pinning"`
	Servers []struct {
		Name    string `json:"name"`
		Program string `json:"program"`
		Version string `json:"version"`
	} `json:"servers"`
	Works []*table `json:"works"`
}

// table is the outcome of one work.
type table struct {
	Work        string  `json:"work"`
	About       string  `json:"about"`
	Connections int     `json:"connections"`
	Seconds     float64 `json:"seconds"`
	// Rows are in the order of --servers; the first is what the others are
	// compared to.
	Rows []*row `json:"servers"`
}

// row is the outcome of one work for one server.
type row struct {
	Name string `json:"name"`
	// Rounds has null where a round failed.
	Rounds []*figures `json:"rounds"`
	// Medians over the rounds, each figure by itself.
	Median *figures `json:"median,omitempty"`
	// Ratios to the first server, each within its round, then the median; 0
	// where there is none.
	RateRatio float64  `json:"req_per_s_ratio,omitempty"`
	CPURatio  float64  `json:"us_per_req_ratio,omitempty"`
	Notes     []string `json:"notes,omitempty"`
	// Problem is why rounds failed, or are missing.
	Problem string `json:"problem,omitempty"`
}

func newReport(p *plan) *report {
	r := &report{Command: strings.Join(os.Args, " "), Began: time.Now().UTC(), Machine: thisMachine(), Pinning: p.pins.String()}
	for _, c := range p.contenders {
		r.Servers = append(r.Servers, struct {
			Name    string `json:"name"`
			Program string `json:"program"`
			Version string `json:"version"`
		}{c.label, c.program, c.says})
	}
	return r
}

// write writes the figures as JSON to where --json says.
func (r *report) write(name string) error {
	if name == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if name == "-" {
		_, err = os.Stdout.Write(text)
		return err
	}
	return os.WriteFile(name, text, 0o644)
}

func newTable(w *work, p *plan) *table {
	t := &table{Work: w.name, About: w.about, Connections: p.conns, Seconds: p.secs}
	for _, c := range p.contenders {
		t.Rows = append(t.Rows, &row{Name: c.label})
	}
	return t
}

// compare takes medians and ratios, and says what speaks against the figures.
func (t *table) compare() {
	for _, r := range t.Rows {
		good := slices.DeleteFunc(slices.Clone(r.Rounds), func(f *figures) bool { return f == nil })
		if len(good) == 0 {
			continue
		}
		of := func(pick func(*figures) float64) float64 { return median(good, pick) }
		r.Median = &figures{
			Answers: int64(of(func(f *figures) float64 { return float64(f.Answers) })),
			Rate:    of(rate), CPU: of(cpu),
			P50:       of(func(f *figures) float64 { return f.P50 }),
			P99:       of(func(f *figures) float64 { return f.P99 }),
			Bytes:     of(func(f *figures) float64 { return f.Bytes }),
			PSS:       of(func(f *figures) float64 { return f.PSS }),
			ServerCPU: of(func(f *figures) float64 { return f.ServerCPU }),
			ClientCPU: of(func(f *figures) float64 { return f.ClientCPU }),
		}
		r.RateRatio, r.CPURatio = ratio(r.Rounds, t.Rows[0].Rounds, rate), ratio(r.Rounds, t.Rows[0].Rounds, cpu)
		r.Notes = notes(good)
	}
}

func rate(f *figures) float64 { return f.Rate }
func cpu(f *figures) float64  { return f.CPU }

// ratio is the median of the ratios within the rounds that both have done.
func ratio(of, to []*figures, pick func(*figures) float64) float64 {
	var ratios []float64
	for i := range min(len(of), len(to)) {
		if of[i] != nil && to[i] != nil && pick(to[i]) > 0 {
			ratios = append(ratios, pick(of[i])/pick(to[i]))
		}
	}
	return median(ratios, func(x float64) float64 { return x })
}

// median gives the middle one, or the mean of the two in the middle; 0 of none.
func median[T any](all []T, pick func(T) float64) float64 {
	if len(all) == 0 {
		return 0
	}
	values := make([]float64, len(all))
	for i, x := range all {
		values[i] = pick(x)
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

const (
	// saturated is from which share of its CPU a process is what is slow.
	saturated = 0.95
	// spreadNoted is from which difference between rounds it is said.
	spreadNoted = 0.15
)

// notes are what a reader has to know beside the figures.
func notes(rounds []*figures) (say []string) {
	var bad, lost, reopened, answers int64
	var problem string
	limited, starved := 0, 0
	least, most := math.Inf(1), 0.0
	for _, f := range rounds {
		bad, lost, reopened, answers = bad+f.Bad, lost+f.Lost, reopened+f.Reopened, answers+f.Answers
		if problem == "" {
			problem = f.Problem
		}
		switch {
		case f.ServerCPU >= saturated:
		case f.ClientCPU >= saturated:
			limited++
		default:
			starved++
		}
		least, most = min(least, f.CPU), max(most, f.CPU)
	}
	if bad > 0 {
		say = append(say, fmt.Sprintf("%d of %d answers wrong (%s)", bad, answers, problem))
	}
	if lost > 0 {
		say = append(say, fmt.Sprintf("%d connections lost (%s)", lost, problem))
	}
	if 2*limited > len(rounds) {
		say = append(say, "the client is the limit")
	}
	if 2*starved > len(rounds) {
		say = append(say, "neither had its CPU to itself")
	}
	if spread := (most - least) / median(rounds, cpu); spread > spreadNoted {
		say = append(say, fmt.Sprintf("rounds differ by %.0f %%", 100*spread))
	}
	if reopened > 0 {
		say = append(say, fmt.Sprintf("it closed %d connections", reopened))
	}
	return say
}
