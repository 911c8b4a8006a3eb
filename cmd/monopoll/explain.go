package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

type explainOptions struct {
	config   string
	headers  []string
	listener string
	json     bool
}

func newExplain() *cobra.Command {
	var o explainOptions
	cmd := &cobra.Command{
		Use:   "explain METHOD URL",
		Short: "Say how a request would be answered, and why",
		Long: "explain reads the config and the files, without a running server, and says which listener, pattern\n" +
			"and file answer a request, with the whole head of the answer, and why. The request has the fields\n" +
			"of -H and Host, and no content. It exits with 0 whatever the answer is, and with 1 if nothing\n" +
			"listens at the port of the URL.",
		Example: "  monopoll explain GET http://localhost:8080/about\n" +
			"  monopoll explain GET http://localhost:8080/ -H 'If-None-Match: \"abc\"' -H 'Accept-Encoding: br' --json",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return o.run(os.Stdout, args[0], args[1]) },
	}
	configFlag(cmd, &o.config)
	cmd.Flags().StringArrayVarP(&o.headers, "header", "H", nil, "a field of the request, as 'Name: value'; may be given again")
	cmd.Flags().StringVar(&o.listener, "listener", "", "the listener by its name, whatever the port of the URL: for one on a unix socket")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON, for programs")
	return cmd
}

func (o *explainOptions) run(to io.Writer, method, url string) error {
	u, err := splitURL(url)
	if err != nil {
		return &failure{exitUsage, err}
	}
	request, err := requestText(method, u, o.headers)
	if err != nil {
		return &failure{exitUsage, err}
	}
	cfg, err := config.Load(o.config)
	if err != nil {
		return &failure{exitUsage, err}
	}
	loader := new(site.Loader)
	table, err := firstTable(cfg, loader)
	if err != nil {
		return &failure{exitUsage, err}
	}
	e := newExplained(method, url)
	l, err := o.choose(table, u, e)
	if err != nil {
		return &failure{exitUsage, err}
	}
	switch {
	case l == nil:
		e.Why = fmt.Sprintf("no listener has port %d for %s", u.port, u.host)
	case l.Echo:
		e.Why = "this listener sends every byte back (echo: true) and speaks no HTTP"
	default:
		e.ask(table, l, loader, request)
	}
	if err = e.write(to, o.json, cfg.Path); err == nil && l == nil {
		return &failure{exitFailed, nil}
	}
	return err
}

// choose finds the listener that gets the request, nil if there is none.
func (o *explainOptions) choose(t *routes.Table, u address, e *Explained) (*routes.Listener, error) {
	found := t.Listening(u.host, u.port)
	if o.listener != "" {
		found = slices.DeleteFunc(slices.Clone(t.Listeners), func(l *routes.Listener) bool { return l.Name != o.listener })
		if len(found) == 0 {
			return nil, fmt.Errorf("no listener has the name %q", o.listener)
		}
	}
	rest := t.Listeners
	var chosen *routes.Listener
	if len(found) > 0 {
		chosen, rest = found[0], found[1:]
		l := describeListener(t, chosen)
		e.Listener = &l
	}
	for _, l := range rest {
		e.Listening = append(e.Listening, describeListener(t, l))
	}
	return chosen, nil
}

// address is a URL as a client takes it apart.
type address struct {
	authority string // what Host will be
	host      string
	port      int
	target    string // what stands in the request line
}

// splitURL takes a URL apart and leaves its parts as they are: what is wrong
// with them the server is to say. The scheme may be left out.
func splitURL(url string) (u address, err error) {
	scheme, rest, found := strings.Cut(url, "://")
	switch {
	case !found && strings.HasPrefix(url, "/"):
		return u, fmt.Errorf("%q is a path; write the whole URL, as in http://localhost:8080%s", url, url)
	case !found:
		rest = url
	case strings.EqualFold(scheme, "https"):
		return u, errors.New("this server speaks plain HTTP, and TLS is for a proxy in front of it; write http:// and the port that the proxy asks")
	case !strings.EqualFold(scheme, "http"):
		return u, fmt.Errorf("%q is no URL of this server; it begins with http://", url)
	}
	rest, _, _ = strings.Cut(rest, "#")
	at := strings.IndexAny(rest+"/", "/?")
	u.authority, u.target = rest[:at], rest[at:]
	u.authority = u.authority[strings.LastIndexByte(u.authority, '@')+1:]
	if !strings.HasPrefix(u.target, "/") {
		u.target = "/" + u.target
	}
	u.host, u.port = u.authority, 80
	if !bracketed(u.authority) {
		return u, fmt.Errorf("%q is no host: an IPv6 address stands in brackets, as in http://[::1]:8080/", u.authority)
	}
	if colon := strings.LastIndexByte(u.host, ':'); colon >= 0 && !strings.HasSuffix(u.host, "]") {
		if u.port, err = strconv.Atoi(u.host[colon+1:]); err != nil || u.port < 1 || u.port > 65535 {
			return u, fmt.Errorf("%q has no port from 1 to 65535 after its colon", u.authority)
		}
		u.host = u.host[:colon]
	}
	return u, nil
}

// bracketed says that an authority with an IPv6 address has it in brackets, and
// nothing else (RFC 3986 §3.2.2): else its port cannot be told from it.
func bracketed(authority string) bool {
	address, found := strings.CutPrefix(authority, "[")
	if !found {
		return strings.Count(authority, ":") <= 1 && !strings.Contains(authority, "]")
	}
	_, after, closed := strings.Cut(address, "]")
	return closed && (after == "" || after[0] == ':')
}

// requestText gives the request as a client sends it.
func requestText(method string, u address, headers []string) ([]byte, error) {
	lines := []string{method + " " + u.target + " HTTP/1.1"}
	host := "Host: " + u.authority
	for _, h := range headers {
		name, _, found := strings.Cut(h, ":")
		if !found {
			return nil, fmt.Errorf("the header %q has no colon; write 'Name: value'", h)
		}
		if strings.EqualFold(name, "Host") {
			host = h
			continue
		}
		lines = append(lines, h)
	}
	lines = slices.Insert(lines, 1, host)
	for _, line := range lines {
		if strings.ContainsAny(line, "\r\n") {
			return nil, fmt.Errorf("%q has a line break; each argument is one line", line)
		}
	}
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n"), nil
}
