package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Paths are below a folder, which is ".".
func TestLedTo(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"app/releases/1/public/note.txt": "", "app/secret": "", "plain/file.txt": "", "k8s/..2031/config.yaml": ""})
	dir, err := filepath.EvalSymlinks(dir)
	must(t, err)
	for name, target := range map[string]string{
		"app/current": "releases/1", "way": "app/current", "link.txt": "plain/file.txt", "gone": "nowhere",
		"k8s/..data": "..2031", "k8s/config.yaml": "..data/config.yaml", "slash": "/", "machine": "/proc"} {
		must(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	for path, want := range map[string]string{
		"plain":                       "",
		"plain/file.txt":              "plain",
		"app/current":                 "app/releases",
		"app/current/public":          "app/releases",
		"app/current/public/note.txt": "app/releases app/releases/1/public",
		"app/current/../2/public":     "app/releases", // it is not there yet
		"way/public/":                 "app/releases",
		"link.txt":                    ". plain",
		"gone":                        "",
		"gone/public":                 "",
		"k8s/config.yaml":             "k8s k8s/..2031",
		"slash":                       "", // nor is everything given
		"machine":                     "",
		"machine/sys":                 "",
	} {
		var got []string
		for _, d := range ledTo(dir + "/" + path) {
			if rest, in := strings.CutPrefix(d, dir); in {
				d = strings.TrimPrefix(rest, "/")
				if d == "" {
					d = "."
				}
			}
			got = append(got, d)
		}
		slices.Sort(got)
		if got := strings.Join(slices.Compact(got), " "); got != want {
			t.Errorf("%s leads to %q, want %q", path, got, want)
		}
	}
}
