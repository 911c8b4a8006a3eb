package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"monopoll/cmd/monopoll/starter"
)

// checked gives what `monopoll check` prints on standard output, and its exit code.
func checked(t *testing.T, path string) (string, int) {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	before := os.Stdout
	os.Stdout = out
	code := Main([]string{"check", "-c", path})
	os.Stdout = before
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), code
}

// TestCheckWarns: the warnings of the config and those of the table come in the
// order of the file, once each, and leave the exit code at 0.
func TestCheckWarns(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	if err := os.Mkdir(filepath.Join(dir, "site"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := `listeners:
  - listen: 8080
    routes:
      /: {root: site}
      /a: {redirect: /b}
      /b: {redirect: /a}
      /c: {respond: 401}
`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got, code := checked(t, path)
	var lines []string
	for line := range strings.SplitSeq(got, "\n") {
		if strings.HasPrefix(line, "warning: ") {
			lines = append(lines, strings.TrimPrefix(line, "warning: "+path+":"))
		}
	}
	want := []string{
		`4:17: listeners[0].routes["/"]: site has no index.html, and listing is off, so the address / gets 404; add a page, or set listing: true`,
		`5:22: listeners[0].routes["/a"]: a redirect loop: /a → /b → /a`,
		`6:22: listeners[0].routes["/b"]: a redirect loop: /b → /a → /b`,
		`7:21: listeners[0].routes["/c"]: a response with status 401 comes with WWW-Authenticate (RFC 9110 §15.5.2); add it to headers`,
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") || !strings.HasSuffix(got, path+" is fine\n") || code != exitFine {
		t.Errorf("exit code %d\n%s", code, got)
	}
}

// TestOursAreFine: what comes with monopoll has no mistake and no warning.
func TestOursAreFine(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, starter.Files); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"../../config.example.yaml", filepath.Join(dir, "config.yaml")} {
		if got, code := checked(t, path); got != path+" is fine\n" || code != exitFine {
			t.Errorf("exit code %d\n%s", code, got)
		}
	}
}

// TestModeline: editors complete the keys of what comes with monopoll by the
// schema that `monopoll schema` prints, under the name that the manual gives it.
func TestModeline(t *testing.T) {
	for _, path := range []string{"../../config.example.yaml", "starter/config.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# yaml-language-server: $schema=./config.schema.json\n") {
			t.Errorf("%s does not begin with the modeline", path)
		}
	}
	manual, err := os.ReadFile("../../sites/docs/config.html")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(manual), "monopoll schema &gt; config.schema.json") {
		t.Error("the manual does not say how the schema gets its name")
	}
}

// Mistakes of patterns and all others are told together, whoever asks.
func TestAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + "', respond: one}]"})
	s := run(t, dir)
	replace(t, filepath.Join(dir, "config.yaml"), "listeners:\n- listen: '"+a+"'\n  routes: {\"/a{b}\": {respond: x}, \"/c/{d}\": {respond: x}, \"/c/{e}\": {respond: x}}\nlimits: {conections: 5}")
	for _, args := range []string{"check", "run", "reload", "explain GET http://" + a + "/"} {
		_, errs, code := monopoll(t, dir, strings.Fields(args)...)
		for _, want := range []string{"a wildcard is not a whole segment", "stands in line 3 already", `did you mean "connections"?`} {
			if code == exitFine || !strings.Contains(errs, want) {
				t.Errorf("%s: code %d, without %q:\n%s", args, code, want, errs)
			}
		}
	}
	s.stop()
}

// The longest path of a socket that check takes is one that can be bound, of a
// listener as of the control socket; a longer one check refuses.
func TestLongestSocketPath(t *testing.T) {
	t.Parallel()
	top, err := os.MkdirTemp("", "s") // t.TempDir has a longer path
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(top) })
	padded := func(length int, name string) string {
		return filepath.Join(top, strings.Repeat("x", length-len(top)-len(name)-2), name)
	}
	config := filepath.Join(top, "config.yaml")
	write := func(listen, control string) {
		must(t, os.WriteFile(config, []byte("listeners: [{listen: 'unix:"+listen+"', respond: hi}]\ncontrol: "+control+"\n"), 0o644))
	}
	const most = 106
	must(t, os.MkdirAll(filepath.Dir(padded(most, "a")), 0o755))
	must(t, os.MkdirAll(filepath.Dir(padded(most+1, "a")), 0o755))
	write(padded(most, "a"), padded(most, "b"))
	s := run(t, top)
	if out, errs, code := monopoll(t, top, "status"); code != exitFine || !strings.Contains(out, padded(most, "a")) {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
	s.stop()
	for _, paths := range [][2]string{{padded(most+1, "a"), "off"}, {padded(most, "a"), padded(most+1, "b")}} {
		write(paths[0], paths[1])
		if _, errs, code := monopoll(t, top, "check"); code != exitFailed || !strings.Contains(errs, "the socket's path has 107 bytes; 106 is the most") {
			t.Errorf("code %d:\n%s", code, errs)
		}
	}
}
