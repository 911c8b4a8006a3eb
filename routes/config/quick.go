package config

import (
	"os"
	"strconv"

	"gopkg.in/yaml.v3"
)

// defaultListen is where the quick modes listen when nothing is said.
const defaultListen = "8080"

// Serve is the config of `monopoll serve DIR [-l ADDRESS…]`: one listener with a
// document root. The error is a Mistakes that names the arguments. As with the
// other quick modes port 0 is allowed, there is no control socket, and relative
// paths start from the current folder.
func Serve(dir string, addresses ...string) (*Config, error) {
	return quick(addresses, func(d *decoder, a *Action) {
		if root, ok := rootValue.read(d, argument("DIR", dir)); ok {
			a.Kind, a.Root = KindRoot, root
		}
	})
}

// RespondText is the config of `monopoll respond TEXT [-l ADDRESS…] [--status N]`:
// one listener with a fixed response.
func RespondText(text string, status int, addresses ...string) (*Config, error) {
	return quick(addresses, func(d *decoder, a *Action) {
		r := &Respond{Body: []byte(text)}
		if text != "" {
			r.Type = typeText
		}
		at := argument("--status", strconv.Itoa(status))
		r.Status, _ = statusValue.read(d, at)
		if text != "" && bodiless(r.Status) {
			d.fail(at, "a response with status %d has no content (RFC 9110 §15.3); give an empty TEXT, or choose another status", r.Status)
		}
		if len(text) > maxRespond {
			d.fail(argument("TEXT", ""), "the content has %d bytes; %d is the most", len(text), maxRespond)
		}
		a.Kind, a.Respond = KindRespond, r
	})
}

// EchoOn is the config of `monopoll echo [-l ADDRESS…]`: one raw TCP echo.
func EchoOn(addresses ...string) (*Config, error) {
	return quick(addresses, func(_ *decoder, a *Action) { a.Kind = KindEcho })
}

// argument is a place on the command line: it has a name and no line.
func argument(name, text string) place {
	return place{node: &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}, where: name}
}

// quick makes a config of one listener by the checks that a file goes through.
func quick(addresses []string, action func(*decoder, *Action)) (*Config, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, Mistakes{{Text: "the current folder cannot be found: " + err.Error(), Cause: err}}
	}
	if len(addresses) == 0 {
		addresses = []string{defaultListen}
	}
	cfg := Defaults()
	cfg.Dir = dir
	d := &decoder{dir: dir, quick: true}
	var l Listener
	for i, text := range addresses {
		at := argument("-l", text)
		got, ok := d.listen(at)
		if !ok {
			continue
		}
		l.Addresses = append(l.Addresses, got.addresses...)
		if i > 0 {
			l.Name += ", "
		}
		l.Name += got.text
	}
	clashes([]Listener{l}, func(a, first taken) {
		d.fail(argument("-l", ""), "%s overlaps %s, which is given already; name each address once", a, first)
	})
	action(d, &l.Action)
	if len(d.mistakes) > 0 {
		return nil, d.mistakes.Sort()
	}
	cfg.Listeners = []Listener{l}
	return cfg, nil
}
