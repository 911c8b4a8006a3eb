package routes

import (
	"encoding/xml"
	"io"
	"strconv"
	"strings"
	"testing"
)

// TestErrorPages: every status has a page; it loads nothing, and says nothing
// of versions or files.
func TestErrorPages(t *testing.T) {
	var res Response
	for status := 400; status < 600; status++ {
		res.Reset()
		res.Refuse(status, []byte("text/html"))
		page := render(&res)
		if page.status != status || page.field("Content-Type") != "text/html; charset=utf-8" || page.field("Cache-Control") != "no-store" {
			t.Errorf("%v", page)
		}
		title := strconv.Itoa(status) + " "
		if !strings.Contains(page.content, "<title>"+title) || !strings.Contains(page.content, "<h1>"+title) {
			t.Errorf("%d has no title: %s", status, page.content)
		}
		for _, word := range []string{"monopoll", "http:", "https:", "src=", "<script", "{title}", "{sentence}", "/work", "routes"} {
			if strings.Contains(strings.ToLower(page.content), word) {
				t.Errorf("%d says %q", status, word)
			}
		}
		balanced(t, page.content)

		res.Refuse(status, []byte("*/*"))
		text := render(&res)
		if text.field("Content-Type") != "text/plain; charset=utf-8" || !strings.HasPrefix(text.content, title) || !strings.HasSuffix(text.content, "\n") {
			t.Errorf("%v", text)
		}
		if strings.Count(string(res.Own), "Content-Type: ") != 1 {
			t.Errorf("%d: a second Refuse does not replace the first: %q", status, res.Own)
		}
	}
}

// balanced reads a page with the tolerance for HTML that encoding/xml has.
func balanced(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("%v in %s", err, page)
		}
	}
}
