package loop_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"monopoll/loop"
	"monopoll/loop/sys"
	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// patience is how long a test waits for what has to come: long, since nothing
// is wrong with a machine that is busy.
const patience = 20 * time.Second

// A dialer makes a connection to a server.
type dialer func() (net.Conn, error)

// testServer is a loop that runs with a config of testdata/http over its own
// copy of the fixture.
type testServer struct {
	dir  string
	loop *loop.Loop
	tcp  string // its address
	unix string
}

func (s *testServer) dialTCP() (net.Conn, error)  { return net.Dial("tcp", s.tcp) }
func (s *testServer) dialUnix() (net.Conn, error) { return net.Dial("unix", s.unix) }

// newTestServer starts a loop on a kernel, nil for the real one.
func newTestServer(t *testing.T, name string, kernel sys.Kernel) *testServer {
	t.Helper()
	s := &testServer{dir: newFixture(t)}
	text, err := os.ReadFile(filepath.Join("testdata/http", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse(name+".yaml", s.dir, text)
	if err != nil {
		t.Fatal(err)
	}
	s.unix = cfg.Listeners[0].Addresses[0].Unix
	tcp := config.Address{Host: "127.0.0.1", Port: freePort(t)}
	s.tcp = net.JoinHostPort(tcp.Host, strconv.Itoa(tcp.Port))
	cfg.Listeners[0].Addresses = append(cfg.Listeners[0].Addresses, tcp)
	table, err := routes.Build(cfg, nil, &site.Loader{Budget: cfg.Limits.Memory, MaxFiles: cfg.Limits.Files})
	if err != nil {
		t.Fatal(err)
	}
	for i, tree := range table.Trees() {
		table = table.WithTree(i, hashed(t, tree))
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	if s.loop, err = loop.New(loop.Options{Log: log, Kernel: kernel}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.loop.Run() }()
	t.Cleanup(func() {
		s.loop.Stop()
		if err := <-ended; err != nil {
			t.Error("the loop:", err)
		}
	})
	if _, err := s.loop.Publish(table); err != nil {
		t.Fatal(err)
	}
	return s
}

// hashed gives the tree with the entity tags that the watcher would see to.
func hashed(t *testing.T, tree *site.Tree) *site.Tree {
	t.Helper()
	tags := map[*site.File]string{}
	for _, f := range tree.Unhashed() {
		tag, err := new(site.Loader).Hash(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		tags[f] = tag
	}
	return tree.Tagged(tags)
}

// freePort gives a port that nothing listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// drip is a kernel that hands over what arrives one byte at a time.
type drip struct{ sys.Kernel }

func (k drip) Read(fd int, p []byte) (int, sys.Errno) { return k.Kernel.Read(fd, p[:min(1, len(p))]) }

// trickle is a kernel whose sockets take little at a time, of each call another
// amount.
type trickle struct {
	sys.Kernel
	calls *int
}

func (k trickle) share(most int) int {
	*k.calls++
	return min(most, 1+*k.calls*7919%1500)
}

func (k trickle) Write(fd int, p []byte) (int, sys.Errno) {
	return k.Kernel.Write(fd, p[:k.share(len(p))])
}

func (k trickle) Writev(fd int, pieces [][]byte) (int, sys.Errno) {
	return k.Write(fd, pieces[0])
}

func (k trickle) Sendfile(fd, file int, offset int64, n int) (int, sys.Errno) {
	return k.Kernel.Sendfile(fd, file, offset, k.share(n))
}

// A mode is a way to have a conversation.
type mode struct {
	name   string
	kernel func() sys.Kernel // nil: the real one
	unix   bool
	behind bool // behind another request, in the same write
	half   bool // the client ends its side after its last byte
}

var modes = []mode{
	{name: "whole"},
	{name: "unix", unix: true},
	{name: "byte by byte", kernel: func() sys.Kernel { return drip{new(sys.Linux)} }},
	{name: "trickle", kernel: func() sys.Kernel { return trickle{new(sys.Linux), new(int)} }},
	{name: "behind", behind: true},
	{name: "half-closed", half: true},
}

// goodRequest is a request of which the answer is known.
const goodRequest = "GET /digits.txt HTTP/1.1\r\nHost: a.test\r\n\r\n"

func TestConformance(t *testing.T) {
	cases := readExchanges(t)
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			servers := map[string]*testServer{}
			for _, c := range cases {
				if c.only != "" && c.only != m.name || c.not == m.name {
					continue
				}
				s := servers[c.config]
				if s == nil {
					var kernel sys.Kernel
					if m.kernel != nil {
						kernel = m.kernel()
					}
					s = newTestServer(t, c.config, kernel)
					servers[c.config] = s
				}
				if err := s.converse(c, m); err != nil {
					t.Errorf("%s: %s (%s)\n%v", c.place, c.name, c.source, err)
				}
			}
		})
	}
}

// TestHeadIsLikeGet asks again by HEAD what the cases ask by GET: the status and
// all fields are the same (RFC 9110 §9.3.2), and there is no content.
func TestHeadIsLikeGet(t *testing.T) {
	s := newTestServer(t, "main", nil)
	compared := 0
	for _, c := range readExchanges(t) {
		if c.config != "main" || len(c.turns) != 1 || len(c.turns[0].answers) != 1 {
			continue
		}
		get := c.turns[0].send
		switch {
		case !strings.HasPrefix(get, "GET "):
			continue
		case strings.Contains(get, "Range: "):
			continue // means something for GET only (RFC 9110 §14.2)
		case strings.HasPrefix(get, "GET /echo"):
			continue // the content is the request
		case strings.Contains(c.place, "limits.txt"):
			continue // a longer name of the method makes the difference
		}
		compared++
		if err := s.compareHead(get); err != nil {
			t.Errorf("%s: %s (%s)\n%v", c.place, c.name, c.source, err)
		}
	}
	if compared < 200 {
		t.Errorf("only %d cases were compared", compared)
	}
}

func (s *testServer) compareHead(get string) error {
	var replies [2]*reply
	for i, request := range []string{get, "HEAD " + strings.TrimPrefix(get, "GET ")} {
		request, err := s.expand(request)
		if err != nil {
			return err
		}
		if replies[i], err = s.once(request, i == 1); err != nil {
			return err
		}
	}
	summary := func(re *reply) (lines []string) {
		lines = append(lines, strconv.Itoa(re.status)+" "+re.reason)
		for _, f := range re.fields {
			if f.name != "Date" {
				lines = append(lines, f.name+": "+f.value)
			}
		}
		return lines
	}
	if !slices.Equal(summary(replies[0]), summary(replies[1])) {
		return fmt.Errorf("GET\n%s\nHEAD\n%s", replies[0], replies[1])
	}
	return nil
}

// once has a request answered on a connection of its own, and wants nothing
// after the answer.
func (s *testServer) once(request string, head bool) (*reply, error) {
	conn, err := s.dialTCP()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	talk := &talk{server: s, conn: conn, in: bufio.NewReader(conn)}
	if err := talk.send(request, true); err != nil {
		return nil, err
	}
	re, err := readReply(talk.in, head)
	if err != nil {
		return nil, err
	}
	rest, err := io.ReadAll(talk.in)
	if err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("after the answer comes %.200q, %v", rest, err)
	}
	return re, nil
}

// converse has the conversation of a case and says what was wrong with it.
func (s *testServer) converse(c exchange, m mode) error {
	dial := dialer(s.dialTCP)
	if m.unix {
		dial = s.dialUnix
	}
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	talk := &talk{server: s, conn: conn, in: bufio.NewReader(conn)}
	prefix := ""
	if m.behind {
		prefix = goodRequest
	}
	for i, turn := range c.turns {
		send, err := s.expand(turn.send)
		if err != nil {
			return err
		}
		if err := talk.send(prefix+send, m.half && i == len(c.turns)-1); err != nil {
			return err
		}
		if prefix != "" {
			prefix = ""
			if err := talk.expectGood(); err != nil {
				return fmt.Errorf("the request before it: %w", err)
			}
		}
		for _, want := range turn.answers {
			if err := talk.expect(want); err != nil {
				return err
			}
		}
	}
	return talk.finish(c.end, m.half)
}

// talk is a conversation.
type talk struct {
	server *testServer
	conn   net.Conn
	in     *bufio.Reader
	last   *reply
}

// send sends, and ends our side if that was the last. Much is sent in the
// background: a server that refuses early, or waits for us to read, must not
// keep us from reading.
func (k *talk) send(bytes string, last bool) error {
	write := func() error {
		_, err := io.WriteString(k.conn, bytes)
		if err == nil && last {
			err = k.conn.(interface{ CloseWrite() error }).CloseWrite()
		}
		return err
	}
	if len(bytes) > 32<<10 {
		go write()
		return nil
	}
	return write()
}

// expectGood reads the answer to goodRequest.
func (k *talk) expectGood() error {
	re, err := readReply(k.in, false)
	if err != nil {
		return err
	}
	if re.status != 200 || re.body != "0123456789" {
		return fmt.Errorf("a plain request got\n%s", re)
	}
	return nil
}

func (k *talk) expect(want expected) error {
	re, err := readReply(k.in, want.head)
	if err != nil {
		return fmt.Errorf("%s: waiting for a %d: %w", want.place, want.status, err)
	}
	k.last = re
	if re.status != want.status {
		return fmt.Errorf("%s: want %d, got\n%s", want.place, want.status, re)
	}
	if problem := re.invariants(); problem != "" {
		return fmt.Errorf("%s: %s:\n%s", want.place, problem, re)
	}
	for _, w := range want.wants {
		if problem := k.server.check(w, re); problem != "" {
			return fmt.Errorf("%s: %s:\n%s", w.place, problem, re)
		}
	}
	return nil
}

// finish sees what becomes of the connection.
func (k *talk) finish(end ending, half bool) error {
	announced := k.last != nil && strings.Join(k.last.get("connection"), "") == "close"
	if announced != (end == endClose && k.last != nil) {
		return fmt.Errorf("the connection is to be %s, but the answer says\n%s", end, k.last)
	}
	if end == endOpen && !half {
		if err := k.send(goodRequest, false); err != nil {
			return fmt.Errorf("the next request: %w", err)
		}
		if err := k.expectGood(); err != nil {
			return fmt.Errorf("the next request: %w", err)
		}
		return nil
	}
	rest, err := io.ReadAll(k.in)
	if err != nil {
		return fmt.Errorf("the connection does not end as it should: %w", err)
	}
	if len(rest) > 0 {
		return fmt.Errorf("after the last answer comes %.200q", rest)
	}
	return nil
}

// check says what is wrong with an answer, "" if nothing is.
func (s *testServer) check(w expectation, re *reply) string {
	if w.pattern != nil {
		return w.match(re)
	}
	text, err := s.expand(w.text)
	if err != nil {
		return err.Error()
	}
	values := re.get(w.subject)
	is, there := strings.Join(values, ", "), len(values) > 0
	if w.subject == "body" {
		is, there = re.body, true
	}
	switch w.op {
	case "+", "-":
		if there != (w.op == "+") {
			return fmt.Sprintf("want %s%s", w.op, w.subject)
		}
	case "=":
		if is != text || !there {
			return fmt.Sprintf("want %s %q", w.subject, text)
		}
	case "length":
		if strconv.Itoa(len(is)) != text {
			return fmt.Sprintf("want %s bytes, got %d", text, len(is))
		}
	case "file":
		want, err := s.piece(text)
		if err != nil {
			return err.Error()
		}
		if is != want {
			return "the content is not that of " + text
		}
	}
	return ""
}

// match is check for a regular expression. A field that is absent matches none.
func (w expectation) match(re *reply) string {
	is := re.body
	if w.subject != "body" {
		values := re.get(w.subject)
		if is = strings.Join(values, ", "); len(values) == 0 && w.op == "~" {
			return "want " + w.subject
		}
	}
	if w.pattern.MatchString(is) != (w.op == "~") {
		return fmt.Sprintf("want %s %s %s", w.subject, w.op, w.pattern)
	}
	return ""
}

// piece gives "path" or "path from length" of the fixture.
func (s *testServer) piece(text string) (string, error) {
	words := strings.Fields(text)
	content, err := os.ReadFile(filepath.Join(s.dir, words[0]))
	if err != nil || len(words) == 1 {
		return string(content), err
	}
	from, err1 := strconv.Atoi(words[1])
	length, err2 := strconv.Atoi(words[2])
	if err := errors.Join(err1, err2); err != nil {
		return "", err
	}
	return string(content[from : from+length]), nil
}

var formBrace = regexp.MustCompile(`\{(etag|host-etag) ([^}]*)\}`)

// tags are what expand has asked servers for.
var tags sync.Map

// expand replaces {etag path coding} and {host-etag host path coding}, and undoes
// the escapes of what is sent or expected.
func (s *testServer) expand(text string) (string, error) {
	var failed error
	text = formBrace.ReplaceAllStringFunc(text, func(found string) string {
		m := formBrace.FindStringSubmatch(found)
		words := strings.Fields(m[2])
		if m[1] == "etag" {
			words = append([]string{"a.test"}, words...)
		}
		tag, err := s.tag(words)
		failed = errors.Join(failed, err)
		return strings.ReplaceAll(tag, `"`, `\"`)
	})
	if failed != nil {
		return "", failed
	}
	return unescape(text)
}

// tag asks for the entity tag of host, path and, if there is a third word, coding.
func (s *testServer) tag(words []string) (string, error) {
	key := strings.Join(words, " ")
	if known, ok := tags.Load(key); ok {
		return known.(string), nil
	}
	request := "GET " + words[1] + " HTTP/1.1\r\nHost: " + words[0] + "\r\n"
	if len(words) > 2 {
		request += "Accept-Encoding: " + words[2] + "\r\n"
	}
	re, err := s.once(request+"\r\n", false)
	if err != nil {
		return "", err
	}
	values := re.get("etag")
	if re.status != 200 || len(values) != 1 {
		return "", fmt.Errorf("%s has no entity tag:\n%s", key, re)
	}
	tags.Store(key, values[0])
	return values[0], nil
}
