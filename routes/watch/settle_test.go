package watch

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The cases under testdata/settle are little plays, one line an act:
//
//	AT EVENT NAME       appeared, vanished, removed, written, touched
//	AT busy             the loader finds what was taken last busy
//	every STEP from A to B EVENT NAME
//	= AT NAMES          the names that are taken at AT; every taking must be listed
//
// Times are milliseconds. The clock runs from act to act by settler.next.
func TestSettle(t *testing.T) {
	files, err := filepath.Glob("testdata/settle/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			p := readPlay(t, file)
			got := p.perform()
			if a, b := strings.Join(got, "\n"), strings.Join(p.want, "\n"); a != b {
				t.Errorf("taken:\n%s\nwant:\n%s", a, b)
			}
		})
	}
}

type act struct {
	at   time.Duration
	verb string
	name string
}

type play struct {
	acts []act
	want []string
}

var happenings = map[string]happening{"touched": touched, "appeared": appeared, "vanished": vanished, "removed": removed, "written": written}

func readPlay(t *testing.T, file string) *play {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := &play{}
	ms := func(s string) time.Duration {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		return time.Duration(v * float64(time.Millisecond))
	}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		w := strings.Fields(lines.Text())
		switch {
		case len(w) == 0 || w[0] == "#":
		case w[0] == "=":
			p.want = append(p.want, strings.Join(w[1:], " "))
		case w[0] == "every":
			for at := ms(w[3]); at <= ms(w[5]); at += ms(w[1]) {
				p.acts = append(p.acts, act{at, w[6], w[7]})
			}
		case len(w) == 2:
			p.acts = append(p.acts, act{ms(w[0]), w[1], ""})
		default:
			p.acts = append(p.acts, act{ms(w[0]), w[1], w[2]})
		}
	}
	sort.SliceStable(p.acts, func(i, j int) bool { return p.acts[i].at < p.acts[j].at })
	return p
}

// perform plays the acts and the takings in between in the order of time.
func (p *play) perform() (taken []string) {
	start := time.Unix(1000, 0)
	s := newSettler()
	var last []dirty
	collect := func(now time.Time) {
		got := s.ripe(now)
		if len(got) == 0 {
			return
		}
		last = got
		names := make([]string, 0, len(got))
		for _, d := range got {
			names = append(names, d.base)
		}
		sort.Strings(names)
		at := float64(now.Sub(start)) / float64(time.Millisecond)
		taken = append(taken, fmt.Sprintf("%s %s", strconv.FormatFloat(at, 'f', -1, 64), strings.Join(names, " ")))
	}
	now := start
	until := func(end time.Time) {
		for {
			next := s.next(now)
			if next.IsZero() || next.After(end) {
				return
			}
			if next.After(now) {
				now = next
			}
			before := len(taken)
			collect(now)
			if again := s.next(now); len(taken) == before && !again.IsZero() && !again.After(now) {
				panic("the settler asks to be called at once and gives nothing")
			}
		}
	}
	for _, a := range p.acts {
		until(start.Add(a.at))
		now = start.Add(a.at)
		if a.verb == "busy" {
			for _, d := range last {
				s.again(d, now)
			}
			continue
		}
		s.note(name{"/d", a.name}, happenings[a.verb], now)
	}
	until(start.Add(time.Hour))
	return taken
}

// What was written to since it appeared is told from what was renamed into place,
// also after the loader found it busy.
func TestSettleWritten(t *testing.T) {
	for _, c := range []struct {
		events []happening
		want   bool
	}{
		{[]happening{appeared}, false},
		{[]happening{written}, true},
		{[]happening{vanished, appeared, written, touched}, true},
		{[]happening{written, appeared}, false},
		{[]happening{written, vanished}, false},
		{[]happening{written, removed}, false},
		{[]happening{written, appeared, touched}, false},
	} {
		s, now := newSettler(), time.Unix(1000, 0)
		take := func() dirty {
			now = s.next(now)
			got := s.ripe(now)
			for len(got) == 0 {
				now = s.next(now)
				got = s.ripe(now)
			}
			return got[0]
		}
		for _, h := range c.events {
			s.note(name{"/d", "a"}, h, now)
		}
		d := take()
		if d.written != c.want {
			t.Errorf("%v: written is %t", c.events, d.written)
		}
		s.again(d, now)
		if d = take(); d.written != c.want {
			t.Errorf("%v: written is %t after it was busy", c.events, d.written)
		}
	}
}

// A checkout of 10,000 files at 20,000 a second, each removed, created and
// written, is a few batches and loses no name.
func TestSettleBurst(t *testing.T) {
	s := newSettler()
	start := time.Unix(1000, 0)
	now := start
	batches, names := 0, map[name]bool{}
	drain := func() {
		if got := s.ripe(now); len(got) > 0 {
			batches++
			for _, d := range got {
				names[d.name] = true
			}
		}
	}
	for i := range 10_000 {
		now = now.Add(50 * time.Microsecond)
		n := name{fmt.Sprintf("/d/%d", i/100), fmt.Sprint(i)}
		for _, h := range []happening{vanished, removed, appeared, written} {
			s.note(n, h, now)
		}
		if next := s.next(now); !next.IsZero() && !next.After(now) {
			drain()
		}
	}
	for next := s.next(now); !next.IsZero(); next = s.next(now) {
		now = next
		drain()
	}
	if len(names) != 10_000 {
		t.Errorf("%d names came out, want 10000", len(names))
	}
	if batches > 4 {
		t.Errorf("%d batches, want at most 4", batches)
	}
}

// What somebody found to be changed is taken as if it had just been written.
func TestUnheardFile(t *testing.T) {
	w := &Watcher{in: newInbox()}
	before := time.Now()
	w.Unheard("/srv/www/log.txt")
	select {
	case <-w.in.wake:
	default:
		t.Error("nobody is told")
	}
	if early := w.in.read(before.Add(quietSlow / 2)); len(early.settled) != 0 {
		t.Errorf("%v settled at once", early.settled)
	}
	got := w.in.read(time.Now().Add(quietSlow)).settled
	if want := (name{"/srv/www", "log.txt"}); len(got) != 1 || got[0].name != want || !got[0].unheard {
		t.Errorf("%v, want %v", got, want)
	}
}
