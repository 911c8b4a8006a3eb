package routes

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"monopoll/routes/site"
)

// listed is one line of a directory listing.
type listed struct {
	Name     string `json:"name"`
	Type     string `json:"type"`               // "file" or "directory"
	Size     *int64 `json:"size,omitempty"`     // in bytes, of a file
	Modified string `json:"modified,omitempty"` // as Last-Modified has it
}

// list answers with the names of a directory: JSON for programs that ask for
// it, HTML for all others. It is made at each request, so it allocates; who
// turns listings on wants to look at files, not to serve a million of them.
func (a *rootAnswer) list(d *site.Dir) {
	res := a.res
	if res.unmatched(a.req) {
		return
	}
	entries := a.entries(d)
	res.Status, res.Send = 200, SendBody
	if wantsJSON(a.req.Accept) {
		res.Own = append(res.Own, "Content-Type: application/json\r\n"+fieldsListing...)
		res.made()
		res.Body = listJSON(entries)
		return
	}
	res.Own = append(res.Own, "Content-Type: text/html; charset=utf-8\r\n"+fieldsListing...)
	res.made()
	res.Body = listHTML(&res.path, len(res.path.segs) > a.mount, entries)
}

const fieldsListing = "X-Content-Type-Options: nosniff\r\nVary: Accept\r\n"

// entries gives what a listing shows, directories first. What is forbidden is
// not shown, nor what no request can name (see Path.Resolve).
func (a *rootAnswer) entries(d *site.Dir) []listed {
	list := make([]listed, 0, d.Len())
	for e := range d.Names() {
		switch {
		case !utf8.ValidString(e.Name):
		case e.Dir != nil && !e.Dir.Forbidden():
			list = append(list, listed{Name: e.Name, Type: "directory"})
		case e.File != nil && !e.File.Forbidden():
			size := e.File.Size()
			list = append(list, listed{e.Name, "file", &size, lastModified(e.File)})
		}
	}
	slices.SortStableFunc(list, func(x, y listed) int {
		return cmp.Or(cmp.Compare(x.Type, y.Type), compareNatural(x.Name, y.Name), cmp.Compare(x.Name, y.Name))
	})
	return list
}

// compareNatural orders names as people do: without regard to case, and
// numbers by their value, so that page10 comes after page9.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		x, y := leadingDigits(a), leadingDigits(b)
		if x != "" && y != "" {
			n, m := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if c := cmp.Or(cmp.Compare(len(n), len(m)), cmp.Compare(n, m)); c != 0 {
				return c
			}
			a, b = a[len(x):], b[len(y):]
			continue
		}
		if c := cmp.Compare(toLower(a[0]), toLower(b[0])); c != 0 {
			return c
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingDigits(s string) string {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i]
}

func listJSON(entries []listed) []byte {
	body, err := json.Marshal(entries)
	if err != nil {
		return []byte("[]\n") // strings and numbers: it cannot fail
	}
	return append(body, '\n')
}

const listingHead = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.25rem; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent) }
td:first-child { overflow-wrap: anywhere }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
</style>
<main>
<h1>{title}</h1>
<table>
<thead><tr><th scope="col">Name<th scope="col" class="n">Size<th scope="col" class="n">Last modified</thead>
<tbody>
`

// listHTML writes a listing as a page: links relative to it, so that it works
// wherever a proxy puts it. up says that there is a directory above.
func listHTML(p *Path, up bool, entries []listed) []byte {
	var title strings.Builder
	title.WriteString("Index of /")
	for i := range p.segs {
		title.Write(p.seg(i))
		title.WriteByte('/')
	}
	out := []byte(strings.ReplaceAll(listingHead, "{title}", htmlText.Replace(title.String())))
	if up {
		out = append(out, "<tr><td><a href=\"../\">../</a><td class=\"n\"><td class=\"n\">\n"...)
	}
	for _, e := range entries {
		after := ""
		if e.Type == "directory" {
			after = "/"
		}
		// "./" keeps a name with a colon from being read as a scheme
		out = append(out, "<tr><td><a href=\"./"...)
		out = append(out, htmlText.Replace(string(appendEncoded(nil, e.Name, inSegment)))...)
		out = append(out, after+"\">"+htmlText.Replace(strings.ToValidUTF8(e.Name, "\uFFFD"))+after+"</a><td class=\"n\">"...)
		if e.Size != nil {
			out = append(out, bytesText(*e.Size)...)
		}
		out = append(out, "<td class=\"n\">"+e.Modified+"\n"...)
	}
	out = append(out, "</tbody>\n</table>\n<p>"...)
	out = strconv.AppendInt(out, int64(len(entries)), 10)
	if len(entries) == 1 {
		return append(out, " entry</p>\n</main>\n</html>\n"...)
	}
	return append(out, " entries</p>\n</main>\n</html>\n"...)
}
