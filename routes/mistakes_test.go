package routes

import (
	"errors"
	"strings"
	"testing"

	"monopoll/routes/config"
)

// Mistakes of patterns are told together with those that config finds, by config
// itself, whatever else of their routes is wrong; and each once.
func TestPatternMistakesBesideOthers(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "site/index.html", "x")
	text := `
listners:
  - listen: 8080
    routes:
      "/a{b}": {respond: x}
      /c/{x}: {root: nowhere}
      /{y}/d: {respond: 99}
      "": {respond: x}
      POST /files/x/y/: {sites: site}
  - listen: 8081
    routes: {"/{id}": {respond: d}, "/{name}": {respond: e}}
limits: {conections: 5}
`
	_, err := config.Parse("config.yaml", dir, []byte(text))
	var ms config.Mistakes
	if !errors.As(err, &ms) {
		t.Fatalf("%v", err)
	}
	want := []string{
		`2:1: listners: unknown key "listners"; did you mean "listeners"?`,
		`5:7: listeners[0].routes["/a{b}"]: in "a{b}" a wildcard is not a whole segment; write /{name}/`,
		`6:7: listeners[0].routes["/c/{x}"]: this pattern overlaps with "/{y}/d" in line 7, and neither is more specific: both match /c/d; make one of them more specific`,
		`6:22: listners[0].routes["/c/{x}"].root: the root does not exist: ` + dir + `/nowhere`,
		`7:25: listners[0].routes["/{y}/d"].respond: "99" is no status; a status is a whole number from 200 to 599; to answer with it as text put it into quotes`,
		`8:7: listners[0].routes[""]: the pattern is empty; "/" matches every path`,
		`9:7: listeners[0].routes["POST /files/x/y/"].sites: files are read by GET and HEAD only, so this route never answers; leave POST out of the pattern`,
		`11:37: listeners[1].routes["/{name}"]: this pattern stands in line 11 already: "/{id}" matches the same requests; remove one`,
		`12:10: limits.conections: unknown key "conections"; did you mean "connections"?`,
	}
	for i, m := range ms {
		if got := strings.TrimPrefix(m.Headline(), "config.yaml:"); i >= len(want) || got != want[i] {
			t.Errorf("mistake %d:\n got %s\nwant %s", i, got, want[min(i, len(want)-1)])
		}
	}
	if len(ms) != len(want) {
		t.Errorf("%d mistakes; want %d", len(ms), len(want))
	}
}
