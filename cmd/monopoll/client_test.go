package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// client is a connection to the server, with HTTP by hand: a test wants to
// know which connection it is, and what exactly came.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

// dial connects; an address with a slash is a unix socket.
func dial(address string) (net.Conn, error) {
	network := "tcp"
	if strings.Contains(address, "/") {
		network = "unix"
	}
	d := net.Dialer{Timeout: patience}
	c, err := d.Dial(network, address)
	if err == nil {
		c.SetDeadline(time.Now().Add(patience))
	}
	return c, err
}

func connect(t testing.TB, address string) *client {
	t.Helper()
	c, err := dial(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return newClient(t, c)
}

func newClient(t testing.TB, c net.Conn) *client { return &client{c, t, bufio.NewReader(c)} }

// ask sends a GET without waiting for the answer.
func (c *client) ask(path string) {
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path)
}

// answer reads one answer whole.
func (c *client) answer() (*http.Response, string, error) { return readAnswer(c.r) }

func readAnswer(r *bufio.Reader) (*http.Response, string, error) {
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		return nil, "", err
	}
	if res.ContentLength < 0 {
		body, err := io.ReadAll(res.Body)
		return res, string(body), err
	}
	body := make([]byte, res.ContentLength)
	n, err := io.ReadFull(res.Body, body)
	return res, string(body[:n]), err
}

// get asks and reads.
func (c *client) get(path string) (*http.Response, string) {
	c.t.Helper()
	c.ask(path)
	res, body, err := c.answer()
	if err != nil {
		c.t.Fatalf("GET %s: %v", path, err)
	}
	return res, body
}

// fetch gets a page on a connection of its own; "" if that is not possible.
func fetch(address, path string) string {
	c, err := dial(address)
	if err != nil {
		return ""
	}
	defer c.Close()
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n", path)
	_, body, _ := readAnswer(bufio.NewReader(c))
	return body
}

// fieldOf gives a field of the answer to a HEAD that takes br.
func fieldOf(address, path, name string) string {
	req, err := http.NewRequest("HEAD", "http://"+address+path, nil)
	if err != nil {
		return ""
	}
	req.Header.Set("Accept-Encoding", "br")
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	res.Body.Close()
	return res.Header.Get(name)
}

// listens says whether somebody takes connections at an address.
func listens(address string) bool {
	c, err := dial(address)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// serves waits until an address answers a path with a body.
func (s *server) serves(address, path, body string) {
	s.t.Helper()
	s.until(fmt.Sprintf("%q at %s%s", body, address, path), func() bool { return fetch(address, path) == body })
}
