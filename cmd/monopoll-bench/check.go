package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// checkTime is how long one answer may take before it is measured.
const checkTime = 10 * time.Second

// check looks at what a server answers to each request of a work before it is
// measured: a wrong answer costs less than a right one. It gives the requests
// as they are to be sent.
func (w *work) check(ctx context.Context, f *files, port int) ([]ask, error) {
	c := &checker{ctx, &http.Client{
		Timeout:       checkTime,
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, port}
	defer c.client.CloseIdleConnections()
	var validators string
	if w.validators {
		var err error
		if validators, err = c.validators(w.path); err != nil {
			return nil, err
		}
	}
	asks := w.asks(f, validators)
	for i := range asks {
		if err := c.check(&asks[i], w, f); err != nil {
			return nil, err
		}
	}
	return asks, nil
}

type checker struct {
	ctx    context.Context
	client *http.Client
	port   int
}

func (c *checker) get(path, fields string) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(c.ctx, "GET", fmt.Sprintf("http://127.0.0.1:%d%s", c.port, path), nil)
	if err != nil {
		return nil, nil, err
	}
	for line := range strings.Lines(fields) {
		if name, value, ok := strings.Cut(line, ": "); ok {
			req.Header.Set(name, strings.TrimSpace(value))
		}
	}
	res, err := c.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}

// validators asks for what the server says of its version, and makes of it
// what a browser sends to ask for another (RFC 9110 §13.1).
func (c *checker) validators(path string) (fields string, err error) {
	res, _, err := c.get(path, "")
	if err != nil {
		return "", err
	}
	if tag := res.Header.Get("ETag"); tag != "" {
		fields += "If-None-Match: " + tag + "\r\n"
	}
	if date := res.Header.Get("Last-Modified"); date != "" {
		fields += "If-Modified-Since: " + date + "\r\n"
	}
	if fields == "" {
		return "", fmt.Errorf("%s has neither ETag nor Last-Modified", path)
	}
	return fields, nil
}

func (c *checker) check(a *ask, w *work, f *files) error {
	res, body, err := c.get(a.Path, a.Fields)
	if err != nil {
		return err
	}
	if res.StatusCode != a.Status {
		return fmt.Errorf("GET %s is answered with %s, not %d", a.Path, res.Status, a.Status)
	}
	if a.Status != http.StatusOK {
		return nil
	}
	want := []byte(fixedBody)
	if !w.fixed {
		if want, err = os.ReadFile(filepath.Join(f.root, a.Path)); err != nil {
			return err
		}
	}
	if !bytes.Equal(body, want) {
		return fmt.Errorf("GET %s is answered with %d bytes that are not those of the file", a.Path, len(body))
	}
	return nil
}
