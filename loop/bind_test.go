package loop

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"monopoll/loop/sys"
	"monopoll/routes"
	"monopoll/routes/config"
)

// refuses says whether nobody listens on a port of this machine.
func refuses(t *testing.T, port int) bool {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err == nil {
		c.Close()
	} else if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatal(err)
	}
	return err != nil
}

// A port that accepts is a server that answers, however long a root takes to be
// read; and whether a port can be had is known before.
func TestNobodyListensWithoutATable(t *testing.T) {
	s := start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: first}]", freePort(t)), nil)
	port := freePort(t)
	next, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- next.Run() }()
	t.Cleanup(func() { next.Stop(); <-ended })
	cfg, err := config.Parse("config.yaml", s.dir, fmt.Appendf(nil,
		"listeners: [{listen: '127.0.0.1:%d', respond: hello}]\nlog: {access: 'off'}\ncontrol: 'off'\n", port))
	if err == nil {
		err = next.Bind(cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !refuses(t, port) {
		t.Error("a client was let in before there was a table")
	}
	table, err := routes.Build(cfg, nil, s.loader)
	if err == nil {
		_, err = next.Publish(table)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, body := newClient(t, port).get("/"); body != "hello" {
		t.Errorf("after Publish: %q", body)
	}
	taken, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.end()
	if err := taken.Bind(cfg); !errors.Is(err, sys.EADDRINUSE) {
		t.Errorf("a port in use is not known before there is a table: %v", err)
	}
}

// A reload that is refused has let in nobody who would be sent away again.
func TestRefusedReloadListensNowhere(t *testing.T) {
	s := start(t, fmt.Sprintf("listeners: [{listen: '127.0.0.1:%d', respond: first}]", freePort(t)), nil)
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var listened []string
	s.loop.listen = func(one *socket) error {
		listened = append(listened, one.key)
		return listen(one)
	}
	free := freePort(t)
	_, err = s.publish(fmt.Sprintf("listeners: [{listen: ['127.0.0.1:%d', '%s'], respond: second}]", free, other.Addr()))
	if err == nil || !strings.Contains(err.Error(), other.Addr().String()) || !strings.Contains(err.Error(), "another program") {
		t.Errorf("the address that is in use is not named: %v", err)
	}
	if len(listened) > 0 {
		t.Errorf("%v listened for a reload that was refused", listened)
	}
	if !refuses(t, free) {
		t.Error("the free address of a refused reload is left listening")
	}
}

// Each address that cannot be had is told with its place in the config; that there
// are no descriptors left is told once.
func TestAddressesThatCannotBeHad(t *testing.T) {
	text := "listeners:\n  - listen: [\"127.0.0.1:1001\", \"127.0.0.1:1002\"]\n    respond: a\n  - {listen: \"127.0.0.1:1003-1009\", respond: b}\n"
	cfg, err := config.Parse("config.yaml", t.TempDir(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for errno, want := range map[error][]string{
		sys.EADDRINUSE: {":2:14: ", ":2:32: ", ":4:14: "},
		sys.EMFILE:     {":2:14: "},
	} {
		l, err := New(Options{})
		if err != nil {
			t.Fatal(err)
		}
		l.bind = func(a config.Address) (*socket, error) { return nil, listenError(a, errno) }
		err = l.Bind(cfg)
		l.end()
		if !errors.Is(err, errno) {
			t.Fatal(err)
		}
		for _, place := range want {
			if !strings.Contains(err.Error(), "config.yaml"+place+"cannot listen on 127.0.0.1:100") {
				t.Errorf("%v: nothing about %s in\n%v", errno, place, err)
			}
		}
		if errno == sys.EMFILE && strings.Count(err.Error(), "cannot listen") != 1 {
			t.Errorf("said more than once:\n%v", err)
		}
	}
}

// A server that ends while sockets are made leaves none of their files behind: not
// those that were made before, however long the next takes, nor that one.
func TestEndWhileBinding(t *testing.T) {
	dir := t.TempDir()
	cfg, err := config.Parse("config.yaml", dir, []byte("listeners: [{listen: ['unix:a', 'unix:b', 'unix:c'], respond: hi}]"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- l.Run() }()
	files := func() (names []string) {
		all, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range all {
			names = append(names, one.Name())
		}
		return names
	}
	usual := l.bind
	l.bind = func(a config.Address) (*socket, error) {
		if strings.HasSuffix(a.Unix, "/b") {
			if got := files(); !slices.Equal(got, []string{"a"}) {
				t.Errorf("before the end there are %q", got)
			}
			l.Stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if got := files(); len(got) > 0 {
				t.Errorf("while b is made there are %q", got)
			}
		}
		return usual(a)
	}
	if err := l.Bind(cfg); !errors.Is(err, ErrStopped) {
		t.Errorf("Bind: %v", err)
	}
	if got := files(); len(got) > 0 {
		t.Errorf("at the end there are %q", got)
	}
}

// Where one cannot be had, those that were made are given back.
func TestBindKeepsAllOrNone(t *testing.T) {
	dir := t.TempDir()
	cfg, err := config.Parse("config.yaml", dir, []byte("listeners: [{listen: ['unix:a', 'unix:b', 'unix:c'], respond: hi}]"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.end()
	if err := l.Bind(cfg); err == nil || !strings.Contains(err.Error(), "/b: a file that is not a socket") {
		t.Errorf("Bind: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left are %v, %v", left, err)
	}
}
