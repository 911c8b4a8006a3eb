package routes

import (
	"cmp"
	"strconv"
	"strings"
)

// errorPage is an error made visible, once for browsers and once for programs.
type errorPage struct{ html, text []byte }

// errorPages by status less 400; made once, since answering an error is what a
// flood makes a server do.
var errorPages = func() (pages [200]errorPage) {
	for i := range pages {
		status := 400 + i
		phrase, sentence := phrases[status], sentences[status]
		if sentence == "" {
			phrase, sentence = cmp.Or(phrase, "Error"), "The request could not be answered."
		}
		title := strconv.Itoa(status) + " " + phrase
		pages[i] = errorPage{
			html: []byte(strings.NewReplacer("{title}", htmlText.Replace(title), "{sentence}", htmlText.Replace(sentence)).Replace(errorHTML)),
			text: []byte(title + "\n" + sentence + "\n"),
		}
	}
	return pages
}()

// htmlText makes text fit to stand in HTML, also in a quoted attribute.
var htmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

// errorHTML loads nothing, so that it shows as it is in whatever state things are.
const errorHTML = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto 0; padding: 0 1.5rem }
h1 { font-size: 1.5rem; margin: 0 0 .5rem }
p { margin: 0; opacity: .75 }
</style>
<main>
<h1>{title}</h1>
<p>{sentence}</p>
</main>
</html>
`

// Fields of what is made on the spot. An error is stored nowhere: the page may
// be there a moment later.
const (
	fieldsHTML   = "Content-Type: text/html; charset=utf-8\r\n" + fieldNoSniff
	fieldsText   = "Content-Type: text/plain; charset=utf-8\r\n" + fieldNoSniff
	fieldNoSniff = "X-Content-Type-Options: nosniff\r\n"
	fieldNoStore = "Cache-Control: no-store\r\n"
	// fieldRetry goes with 503 (RFC 9110 §10.2.3): what is missing, a descriptor
	// or a disk's answer, comes back by itself, and within seconds. Whoever has
	// it in `headers:` knows better.
	fieldRetry = "Retry-After: 1\r\n"
)

// Refuse makes an answer of an error: a small page for clients that show HTML,
// plain text for all others. accept is the request's Accept. It is for the
// errors of this package and for those of whoever reads requests; status is
// from 400 to 599. It forgets what else the answer was to be, but for Pattern.
func (res *Response) Refuse(status int, accept []byte) {
	res.fail(status, accept)
	res.Own = append(res.Own, fieldNoStore...)
}

// page is Refuse for an error that the config asks for, which may say there that it
// is to be stored.
func (res *Response) page(status int, accept []byte) {
	res.fail(status, accept)
	if !res.fields.caches {
		res.Own = append(res.Own, fieldNoStore...)
		return
	}
	res.Own = append(res.Own, "Vary: Accept\r\n"...)
	res.Lines = res.fields.made
}

func (res *Response) fail(status int, accept []byte) {
	if res.fields == nil {
		res.fields = &noFields
	}
	res.File, res.Parts, res.Lines = nil, res.Parts[:0], res.fields.plain
	res.Status, res.Send, res.WantBody = status, SendBody, false
	page := &errorPages[status-400]
	if wantsHTML(accept) {
		res.Own = append(res.Own[:0], fieldsHTML...)
		res.Body = page.html
	} else {
		res.Own = append(res.Own[:0], fieldsText...)
		res.Body = page.text
	}
	if status == 503 && !res.fields.retry {
		res.Own = append(res.Own, fieldRetry...)
	}
}
