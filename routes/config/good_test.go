package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGood writes down what every file in testdata/good means and compares with
// the .want beside it; `go test -update` writes these.
func TestGood(t *testing.T) {
	dir := newFolder(t)
	for name, text := range cases(t, "good") {
		t.Run(name, func(t *testing.T) {
			cfg, err := Parse(filepath.Join(dir, "config.yaml"), dir, text)
			if err != nil {
				t.Fatal(err)
			}
			checkInvariants(t, cfg)
			got := strings.ReplaceAll(outline(cfg), dir, "$DIR")
			file := filepath.Join("testdata", "good", name+".want")
			if *update {
				must(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			must(t, err)
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// outline writes a config in lines, for people to check and tests to compare.
// What has its default is left out.
func outline(c *Config) string {
	var b strings.Builder
	for _, l := range c.Listeners {
		fmt.Fprintf(&b, "%d:%d listener %q", l.Line, l.Column, l.Name)
		for _, a := range l.Addresses {
			fmt.Fprintf(&b, " %s", a)
		}
		b.WriteByte('\n')
		writeHeaders(&b, "  ", l.Headers)
		writeAction(&b, "  ", &l.Action)
		for _, r := range l.Routes {
			fmt.Fprintf(&b, "  %d:%d %s\n", r.Line, r.Column, r.Pattern)
			writeHeaders(&b, "    ", r.Headers)
			writeAction(&b, "    ", &r.Action)
		}
	}
	if d := Defaults(); c.Limits != d.Limits {
		fmt.Fprintf(&b, "limits %+v\n", c.Limits)
	}
	if d := Defaults(); c.Timeouts != d.Timeouts {
		fmt.Fprintf(&b, "timeouts %+v\n", c.Timeouts)
	}
	if d := Defaults(); c.Log != d.Log {
		fmt.Fprintf(&b, "log %+v\n", c.Log)
	}
	fmt.Fprintf(&b, "control %q user %q sandbox %t\n", c.Control, c.User, c.Sandbox)
	return b.String()
}

func writeHeaders(b *strings.Builder, indent string, headers []Header) {
	for _, h := range headers {
		fmt.Fprintf(b, "%s%s: %s\n", indent, h.Name, h.Value)
	}
}

func writeAction(b *strings.Builder, indent string, a *Action) {
	if a.Kind == 0 {
		return
	}
	fmt.Fprintf(b, "%s%d:%d ", indent, a.Line, a.Column)
	switch a.Kind {
	case KindRoot:
		fmt.Fprintf(b, "root%s\n", rootOutline(a.Root))
	case KindSites:
		fmt.Fprintf(b, "sites%s domain=%q default=%q\n", rootOutline(&a.Sites.Root), a.Sites.Domain, a.Sites.Default)
	case KindRespond:
		fmt.Fprintf(b, "respond %d type=%q file=%q %q\n", a.Respond.Status, a.Respond.Type, a.Respond.File, a.Respond.Body)
		writeHeaders(b, indent+"  ", a.Respond.Headers)
	case KindRedirect:
		fmt.Fprintf(b, "redirect %d %s\n", a.Redirect.Status, a.Redirect.To)
	case KindEcho:
		fmt.Fprintf(b, "echo\n")
	}
}

func rootOutline(r *Root) string {
	s := fmt.Sprintf(" %s index=%s", r.Dir, strings.Join(r.Index, ","))
	for _, option := range []struct {
		set  bool
		text string
	}{
		{r.Listing, "listing"}, {r.Hidden, "hidden"},
		{!r.Precompressed, "no-precompressed"}, {!r.Compress, "no-compress"},
		{r.Fallback != "", "fallback=" + r.Fallback},
		{r.TrailingSlash == SlashOff, "slash=off"},
		{r.TrailingSlash == SlashRedirect, "slash=redirect"},
	} {
		if option.set {
			s += " " + option.text
		}
	}
	for _, rule := range r.Cache {
		s += fmt.Sprintf(" cache(%s)=%q", rule.Glob, rule.Value)
	}
	return s
}

// checkInvariants asserts what a Config promises, whatever text it came from.
func checkInvariants(t testing.TB, c *Config) {
	t.Helper()
	if len(c.Listeners) == 0 {
		t.Error("no listeners")
	}
	addresses := make(map[string]bool)
	for _, l := range c.Listeners {
		if l.Name == "" || len(l.Addresses) == 0 {
			t.Errorf("a listener without name or address: %+v", l)
		}
		if (l.Action.Kind == 0) == (len(l.Routes) == 0) {
			t.Errorf("listener %q has both an action and routes, or neither", l.Name)
		}
		for _, a := range l.Addresses {
			if addresses[a.String()] {
				t.Errorf("two listeners on %s", a)
			}
			addresses[a.String()] = true
			if a.Unix == "" && (a.Port < 1 || a.Port > 65535) || len(a.Unix) > maxUnixPath || a.Unix != "" && !filepath.IsAbs(a.Unix) {
				t.Errorf("address %+v", a)
			}
		}
		checkHeaderInvariants(t, l.Headers)
		for _, r := range l.Routes {
			checkHeaderInvariants(t, r.Headers)
		}
	}
	for place, a := range c.Actions() {
		if a.Line == 0 {
			t.Errorf("%s has no line", c.Where(place))
		}
		checkActionInvariants(t, a)
	}
	if c.Control != "" && (!filepath.IsAbs(c.Control) || len(c.Control) > maxUnixPath) {
		t.Errorf("control %q", c.Control)
	}
}

func checkHeaderInvariants(t testing.TB, headers []Header) {
	t.Helper()
	for _, h := range headers {
		if !isToken(h.Name) || strings.ContainsAny(h.Value, "\r\n\x00") || ownFields[strings.ToLower(h.Name)] != "" {
			t.Errorf("header %q: %q", h.Name, h.Value)
		}
	}
}

func checkActionInvariants(t testing.TB, a *Action) {
	t.Helper()
	set := 0
	for kind, is := range map[Kind]bool{KindRoot: a.Root != nil, KindSites: a.Sites != nil, KindRespond: a.Respond != nil, KindRedirect: a.Redirect != nil} {
		if is {
			set++
		}
		if is != (a.Kind == kind) {
			t.Errorf("an action of kind %d has the member of kind %d: %t", a.Kind, kind, is)
		}
	}
	if a.Kind == 0 || set > 1 {
		t.Errorf("an action of kind %d with %d members", a.Kind, set)
	}
	if r := a.root(); r != nil && (!filepath.IsAbs(r.Dir) || filepath.Clean(r.Dir) != r.Dir) {
		t.Errorf("root %q", r.Dir)
	}
	if r := a.Redirect; r != nil && (strings.HasPrefix(r.To, "//") || strings.ContainsAny(r.To, "\\\r\n\x00 ") || r.Status < 301 || r.Status > 308) {
		t.Errorf("redirect %+v", r)
	}
	if r := a.Respond; r != nil {
		checkHeaderInvariants(t, r.Headers)
		if r.Status < 200 || r.Status > 599 || bodiless(r.Status) && len(r.Body) > 0 || r.Type != "" && len(r.Body) == 0 {
			t.Errorf("respond %+v", r)
		}
	}
}
