package sites

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"monopoll/routes/config"
)

var sites = []string{"home", "blog", "docs"}

// pages calls visit with the text of every page of every site.
func pages(t *testing.T, visit func(t *testing.T, site, name, text string)) {
	for _, site := range sites {
		names, err := filepath.Glob(filepath.Join(site, "*.html"))
		if err != nil || len(names) < 2 {
			t.Fatalf("%s has %d pages: %v", site, len(names), err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(name, func(t *testing.T) { visit(t, site, filepath.Base(name), string(text)) })
		}
	}
}

var (
	reference = regexp.MustCompile(`\b(?:href|src)="([^"]*)"`)
	resource  = regexp.MustCompile(`(?:<link[^>]*\bhref|\bsrc)="([^"]*)"|url\("?([^")]*)`)
	ident     = regexp.MustCompile(`\bid="([^"]*)"`)
)

// TestLinks: every link inside a site leads to a page, and to a place in it,
// that is there.
func TestLinks(t *testing.T) {
	pages(t, func(t *testing.T, site, name, text string) {
		for _, m := range reference.FindAllStringSubmatch(text, -1) {
			link := html.UnescapeString(m[1])
			if strings.Contains(link, "://") {
				continue
			}
			path, fragment, _ := strings.Cut(link, "#")
			target, err := file(site, path, name)
			if err != nil {
				t.Errorf("%s: %v", link, err)
				continue
			}
			if fragment != "" && !slices.Contains(idents(t, target), fragment) {
				t.Errorf("%s: %s has no id %q", link, target, fragment)
			}
		}
	})
}

// file finds what a link leads to, as the server would with clean addresses.
func file(site, path, self string) (string, error) {
	if path == "" {
		return filepath.Join(site, self), nil
	}
	if !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("a relative link breaks in a 404.html, which is shown anywhere; begin with a slash")
	}
	if strings.HasSuffix(path, "/") {
		path += "index.html"
	}
	for _, suffix := range []string{"", ".html"} {
		name := filepath.Join(site, path+suffix)
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			return name, nil
		}
	}
	return "", fmt.Errorf("there is no such page in sites/%s", site)
}

func idents(t *testing.T, name string) (ids []string) {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ident.FindAllStringSubmatch(string(text), -1) {
		ids = append(ids, m[1])
	}
	return ids
}

// TestNothingFromOutside: a page loads what is in its own site and nothing else,
// has no style or script in it, and says what it is.
func TestNothingFromOutside(t *testing.T) {
	pages(t, func(t *testing.T, _, _, text string) {
		for _, m := range resource.FindAllStringSubmatch(text, -1) {
			if from := m[1] + m[2]; !strings.HasPrefix(from, "/") || strings.HasPrefix(from, "//") {
				t.Errorf("loads %q", from)
			}
		}
		for _, want := range []string{`<html lang="en">`, `<meta charset="utf-8">`, `name="viewport"`, "<title>", "<main ", "<h1>"} {
			if strings.Count(text, want) != 1 {
				t.Errorf("%s stands %d times in it", want, strings.Count(text, want))
			}
		}
		for _, not := range []string{" style=", "<style", "<script>"} {
			if strings.Contains(text, not) {
				t.Errorf("has %s: a strict Content-Security-Policy would refuse it", not)
			}
		}
		if ids := ident.FindAllString(text, -1); len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) {
			t.Error("an id stands twice")
		}
	})
}

// TestSharedLook: base.css, scroll.js and the font are the same in every site, as base.css
// says of itself.
func TestSharedLook(t *testing.T) {
	for _, name := range []string{"base.css", "scroll.js", "board.woff2"} {
		first, err := os.ReadFile(filepath.Join(sites[0], name))
		if err != nil {
			t.Fatal(err)
		}
		for _, site := range sites[1:] {
			if other, err := os.ReadFile(filepath.Join(site, name)); err != nil || string(other) != string(first) {
				t.Errorf("%s/%s is not that of %s: %v", site, name, sites[0], err)
			}
		}
	}
}

// TestChapters: every page of the manual has the same list of chapters, and
// every page is in it.
func TestChapters(t *testing.T) {
	list := regexp.MustCompile(`(?s)<nav class="side".*?</nav>`)
	var first string
	pages(t, func(t *testing.T, site, name, text string) {
		if site != "docs" {
			return
		}
		nav := strings.ReplaceAll(list.FindString(text), ` aria-current="page"`, "")
		if first == "" {
			first = nav
		}
		if nav != first || nav == "" {
			t.Error("another list of chapters than on the other pages")
		}
		path := "/" + strings.TrimSuffix(strings.TrimSuffix(name, ".html"), "index")
		if name != "404.html" && !strings.Contains(nav, `href="`+path+`"`) {
			t.Errorf("%s is not in the list", path)
		}
	})
}

// TestConfigs: every whole config in the manual, marked by data-config, can be
// loaded as it stands there, given the folders that it names.
func TestConfigs(t *testing.T) {
	whole := regexp.MustCompile(`(?s)<pre data-config><code>(.*?)</code></pre>`)
	folders := regexp.MustCompile(`\b(?:root|dir|sites): "?([\w./-]+)`)
	files := regexp.MustCompile(`\bfile: "?([\w./-]+)`)
	count := 0
	pages(t, func(t *testing.T, _, _, text string) {
		for _, m := range whole.FindAllStringSubmatch(text, -1) {
			count++
			dir := t.TempDir()
			yaml := strings.ReplaceAll(html.UnescapeString(m[1]), "/srv/", dir+"/srv/")
			write := func(name, text string) {
				if !filepath.IsAbs(name) {
					name = filepath.Join(dir, name)
				}
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			write("run/keep", "")
			write("sites/home/index.html", "")
			for _, f := range folders.FindAllStringSubmatch(yaml, -1) {
				write(f[1]+"/index.html", "")
			}
			for _, f := range files.FindAllStringSubmatch(yaml, -1) {
				write(f[1], "{}")
			}
			path := filepath.Join(dir, "config.yaml")
			write(path, yaml)
			if _, err := config.Load(path); err != nil {
				t.Errorf("the manual's own example does not load: %v", err)
			}
		}
	})
	if count < 10 {
		t.Errorf("only %d examples were found", count)
	}
}

// TestExample: config.example.yaml loads, and has the four listeners that the
// landing page shows.
func TestExample(t *testing.T) {
	c, err := config.Load("../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.ReadFile("home/index.html")
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Kind{config.KindRoot, config.KindSites, config.KindRespond, config.KindEcho}
	if len(c.Listeners) != len(want) {
		t.Fatalf("%d listeners", len(c.Listeners))
	}
	for i, l := range c.Listeners {
		if l.Action.Kind != want[i] || len(l.Addresses) != 1 || l.Addresses[0].Port != 8080+i {
			t.Errorf("listener %d: kind %d on %v", i, l.Action.Kind, l.Addresses)
		}
		if row := fmt.Sprintf(`class="port">%d<`, l.Addresses[0].Port); !strings.Contains(string(home), row) {
			t.Errorf("the landing page has no row for port %d", l.Addresses[0].Port)
		}
	}
}
