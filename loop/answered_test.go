package loop

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"monopoll/loop/sys"
)

// narrowKernel is a hotKernel whose client sends its bytes once, and takes as many as
// there is room for.
type narrowKernel struct {
	*hotKernel
	read  bool
	room  int
	taken []byte

	before int64  // requests
	log    []byte // what has been logged
}

func (k *narrowKernel) Read(fd int, p []byte) (int, sys.Errno) {
	if k.read {
		return 0, sys.EAGAIN
	}
	k.read = true
	return k.hotKernel.Read(fd, p)
}

func (k *narrowKernel) Write(_ int, p []byte) (int, sys.Errno) {
	if k.room == 0 {
		return 0, sys.EAGAIN
	}
	n := min(len(p), k.room)
	k.room -= n
	k.taken = append(k.taken, p[:n]...)
	return n, 0
}

func (k *narrowKernel) Writev(fd int, pieces [][]byte) (int, sys.Errno) {
	return k.Write(fd, slices.Concat(pieces...))
}

// narrowLoop is a hotLoop with a log and a narrowKernel, whose client asks for all of
// these targets at once; "HEAD " may stand before one.
func narrowLoop(t *testing.T, targets []string) (*Loop, *narrowKernel) {
	l, hot := hotLoop(t, "", "/fixed")
	l.access.sink = &sink{full: make(chan []byte, 1000)}
	var requests strings.Builder
	for _, target := range targets {
		if !strings.HasPrefix(target, "HEAD ") {
			target = "GET " + target
		}
		fmt.Fprintf(&requests, "%s HTTP/1.1\r\nHost: x\r\n\r\n", target)
	}
	hot.request = []byte(requests.String())
	k := &narrowKernel{hotKernel: hot, before: l.stats.Requests}
	l.kernel = k
	return l, k
}

var loggedAnswer = regexp.MustCompile(`"(?:GET )?(\S+|HEAD \S+) HTTP/1.1" (\d+ \d+) "-" "-"\n`)

// logged gives what the log says: of each answer the target, status and bytes.
func (k *narrowKernel) logged(l *Loop) (lines []string) {
	l.access.hand()
	for len(l.access.sink.full) > 0 {
		k.log = append(k.log, <-l.access.sink.full...)
	}
	for _, m := range loggedAnswer.FindAllSubmatch(k.log, -1) {
		lines = append(lines, string(m[1])+" "+string(m[2]))
	}
	return lines
}

// Of several answers in one output, those are logged that the kernel has taken
// whole; when the connection is closed also the others, with what it has taken of
// each. The output is cut at every place where something begins or ends.
func TestBrokenAnswersAreLoggedAsFarAsTheyWent(t *testing.T) {
	targets := []string{"/fixed", "HEAD /10k.html", "/nope", "/1k.html", "/100k.bin", "/old/x"}
	l, k := narrowLoop(t, targets)
	k.room = 1 << 20
	for range 4 {
		l.turn()
	}
	whole := k.logged(l)
	if len(whole) != len(targets) {
		t.Fatalf("%d answers are logged: %q", len(whole), whole)
	}
	type place struct{ begin, end int } // of the content
	var places []place
	stream, at := string(k.taken), 0
	for _, line := range whole {
		var status, bytes int
		fmt.Sscanf(line[strings.LastIndexByte(line[:strings.LastIndexByte(line, ' ')], ' '):], "%d %d", &status, &bytes)
		begin := at + strings.Index(stream[at:], "\r\n\r\n") + 4
		at = begin + bytes
		places = append(places, place{begin, at})
	}
	if at != len(stream) {
		t.Fatalf("%d bytes were sent, %d are logged with their heads", len(stream), at)
	}
	cuts := []int{0, 1}
	for _, p := range places {
		cuts = append(cuts, p.begin-1, p.begin, p.begin+1, (p.begin+p.end)/2, p.end-1, p.end)
	}
	for _, cut := range cuts {
		l, k := narrowLoop(t, targets)
		k.room = cut
		for range 4 {
			l.turn()
		}
		var ended, all []string
		for i, p := range places {
			what := whole[i][:strings.LastIndexByte(whole[i], ' ')+1]
			line := what + fmt.Sprint(max(min(cut, p.end)-p.begin, 0))
			if p.end <= cut {
				ended = append(ended, line)
			}
			all = append(all, line)
		}
		if got := k.logged(l); !slices.Equal(got, ended) {
			t.Errorf("after %d bytes %q are logged, not %q", cut, got, ended)
		}
		answered := l.stats.Requests - k.before
		if c := l.conns.byFD[k.client]; c != nil {
			l.enter(c, stateDead)
			l.reap()
		}
		if got := k.logged(l); !slices.Equal(got, all[:answered]) {
			t.Errorf("broken off after %d bytes, with %d answered: %q are logged, not %q", cut, answered, got, all[:answered])
		}
	}
}

// A line says what it is about, however long the answer waits and whatever is read
// meanwhile.
func TestLinesOutliveTheInput(t *testing.T) {
	var targets, want []string
	for i := range 60 {
		name, size := "/10k.html", 10<<10
		if i%7 == 0 {
			name, size = "/100k.bin", 100<<10
		}
		target := fmt.Sprintf("%s?%d", name, i)
		targets, want = append(targets, target), append(want, fmt.Sprintf("%s 200 %d", target, size))
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		l, k := narrowLoop(t, targets)
		var got []string
		for range 1000 {
			k.room = rng.IntN(60_000)
			l.turn()
			clear(l.scratch)
			got = k.logged(l)
			if len(got) == len(want) {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("seed %d: %q\nis logged, not\n%q", seed, got, want)
		}
	}
}

// A download is logged when it has ended, with as much as was sent: where it is
// broken off by the client, and where it is by the end of the server. What the log
// is then, and its format, does not matter to it.
func TestDownloadsAreLoggedAtTheirEnd(t *testing.T) {
	const size = 32 << 20 // more than the kernel takes for a client that does not read
	begin := func(t *testing.T) (s *server, big *client, lines func() string, publish func(format string)) {
		port, path := freePort(t), filepath.Join(t.TempDir(), "access.log")
		text := func(format string) string {
			return fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', root: www}]\nlog: {access: %q, format: %s}\ncontrol: off\n", port, path+"."+format, format)
		}
		s = start(t, text("combined"), map[string]string{"www/big.bin": strings.Repeat("B", size), "www/small.txt": "small"})
		lines = func() string {
			one, _ := os.ReadFile(path + ".combined")
			other, _ := os.ReadFile(path + ".json")
			return string(one) + string(other)
		}
		publish = func(format string) {
			if _, err := s.publish(text(format)); err != nil {
				t.Fatal(err)
			}
		}
		big = newClient(t, port)
		fmt.Fprint(big, "GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
		if !readFull(big, make([]byte, 64<<10)) {
			t.Fatal("no 64 KiB come")
		}
		newClient(t, port).get("/small.txt")
		until(t, "the line of another", func() bool { return strings.Contains(lines(), "/small.txt") })
		if strings.Contains(lines(), "big") {
			t.Fatalf("a download is logged before its end:\n%s", lines())
		}
		return s, big, lines, publish
	}
	sent := func(t *testing.T, lines func() string, form string) (n int) {
		t.Helper()
		var line string
		until(t, "the line", func() bool {
			_, line, _ = strings.Cut(lines(), "big.bin")
			return strings.HasSuffix(line, "\n")
		})
		if _, err := fmt.Sscanf(line, form, &n); err != nil || strings.Contains(line, "big") {
			t.Errorf("logged is %s (%v)", line, err)
		}
		return n
	}
	const combined, json = ` HTTP/1.1" 200 %d`, `","protocol":"HTTP/1.1","status":200,"bytes":%d,`
	t.Run("the client leaves", func(t *testing.T) {
		_, big, lines, _ := begin(t)
		big.Close()
		if n := sent(t, lines, combined); n < 64<<10-1000 || n >= size {
			t.Errorf("%d bytes are logged", n)
		}
	})
	t.Run("the server ends", func(t *testing.T) {
		s, _, lines, _ := begin(t)
		s.loop.Stop()
		if n := sent(t, lines, combined); n < 64<<10-1000 || n >= size {
			t.Errorf("%d bytes are logged", n)
		}
	})
	t.Run("the log changes", func(t *testing.T) {
		_, big, lines, publish := begin(t)
		publish("json")
		if n, err := io.CopyN(io.Discard, big, size-64<<10); err != nil { // all but what its head took
			t.Fatal(n, err)
		}
		if n := sent(t, lines, json); n != size {
			t.Errorf("%d bytes are logged", n)
		}
	})
}
