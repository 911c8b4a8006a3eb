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
