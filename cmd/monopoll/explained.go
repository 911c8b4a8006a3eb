package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"monopoll/loop/http1"
	"monopoll/routes"
	"monopoll/routes/config"
	"monopoll/routes/site"
)

// Explained is what `monopoll explain --json` prints. Fields may be added, and
// are never renamed or removed. One that does not apply is empty or 0; only
// listener may be null.
// Files are named as seen from the config's folder.
type Explained struct {
	Method    string              `json:"method"`    // as it was asked for
	URL       string              `json:"url"`       // as it was asked for
	Listener  *ExplainedListener  `json:"listener"`  // that gets the request; null: nothing listens there
	Listening []ExplainedListener `json:"listening"` // others on the same port; all there are where listener is null
	Status    int                 `json:"status"`    // of the answer; 0 from a listener of raw echo
	Why       string              `json:"why"`       // what decided, for a person: its words may change
	Pattern   string              `json:"pattern"`   // that answers
	Line      int                 `json:"line"`      // of the pattern in the config
	Action    string              `json:"action"`    // root, sites, respond, redirect, echo
	Matches   []ExplainedMatch    `json:"matches"`   // all patterns that match, the most specific first
	File      string              `json:"file"`      // that is sent, in whole or in part, or was asked about
	Coding    string              `json:"coding"`    // in which it is sent: br, zstd, gzip
	Page      string              `json:"page"`      // the site's own page for an error, which is sent
	Near      []string            `json:"near"`      // what may have been meant instead of a name that is not there
	Headers   []ExplainedField    `json:"headers"`   // fields of the answer, in order
	Head      string              `json:"head"`      // of the answer, from its status line to the empty line, byte for byte
}

// ExplainedListener is a listener of an Explained.
type ExplainedListener struct {
	Name      string   `json:"name"`
	Line      int      `json:"line"`      // in the config
	Addresses []string `json:"addresses"` // as URLs; those of unix sockets as in the config
}

// ExplainedMatch is a pattern that matches: relation is "answers", "less
// specific" or "other method".
type ExplainedMatch struct {
	Pattern  string `json:"pattern"`
	Line     int    `json:"line"`
	Relation string `json:"relation"`
}

// ExplainedField is a field of the answer.
type ExplainedField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// newExplained begins with lists that are empty and not null, as programs like them.
func newExplained(method, url string) *Explained {
	return &Explained{
		Method: method, URL: url,
		Listening: []ExplainedListener{}, Matches: []ExplainedMatch{}, Near: []string{}, Headers: []ExplainedField{},
	}
}

// ask has the request read and answered as the loop does it.
func (e *Explained) ask(t *routes.Table, l *routes.Listener, ld *site.Loader, request []byte) {
	var (
		clock http1.Clock
		mark  http1.Mark
		msg   http1.Message
		res   routes.Response
		req   = routes.Request{Now: time.Now().Unix()}
		head  []byte
	)
	clock.Set(req.Now)
	_, refused := http1.Parse(request, &mark, &http1.Limits{Head: t.Config.Limits.Head}, &req, &msg)
	if refused != nil {
		e.Status, e.Why = refused.Status, fmt.Sprintf("%d: %s", refused.Status, refused.Reason)
		head = http1.AppendRefusal(nil, &clock, refused, http1.HeadOnly)
	} else {
		req.Body = []byte{}
		x := t.Settled(l, &req, ld).Explain(l, &req, &res)
		e.Status, e.Why, e.Near = res.Status, x.Why, append(e.Near, x.Near...)
		e.Action, e.File, e.Coding, e.Page = x.Action, x.File, x.Coding, x.Page
		for _, m := range x.Matches {
			e.Matches = append(e.Matches, ExplainedMatch{m.Pattern, m.Line, string(m.Relation)})
			if m.Relation == routes.Answers {
				e.Pattern, e.Line = m.Pattern, m.Line
			}
		}
		head, _ = http1.AppendAnswer(nil, &clock, &res, msg.How(req.Method)|http1.HeadOnly, 0)
	}
	e.Head = string(head)
	for line := range strings.SplitSeq(strings.TrimSpace(e.Head), "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			e.Headers = append(e.Headers, ExplainedField{name, value})
		}
	}
}

func (e *Explained) write(to io.Writer, asJSON bool, path string) error {
	if asJSON {
		out := json.NewEncoder(to)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(e)
	}
	return e.print(to, path)
}

func (e *Explained) print(to io.Writer, path string) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, strings.Map(printable, fmt.Sprintf(format, args...)))
	}
	if e.Listener != nil {
		row("listener", "%s in %s:%d", e.Listener, path, e.Listener.Line)
	}
	for _, l := range e.Listening {
		if e.Listener != nil {
			row("", "%s has the port, too", l)
		} else {
			row("listens", "%s in %s:%d", l, path, l.Line)
		}
	}
	if e.Pattern != "" {
		row("pattern", "%s in line %d (%s)", e.Pattern, e.Line, e.Action)
	}
	for _, m := range e.Matches {
		switch routes.Relation(m.Relation) {
		case routes.LessSpecific:
			row("", "%s in line %d is less specific", m.Pattern, m.Line)
		case routes.OtherMethod:
			row("", "%s in line %d is for another method", m.Pattern, m.Line)
		}
	}
	switch {
	case e.Coding != "":
		row("file", "%s, coded as %s", e.File, e.Coding)
	case e.File != "":
		row("file", "%s", e.File)
	case e.Page != "":
		row("page", "%s", e.Page)
	}
	row("why", "%s", e.Why)
	err := w.Flush()
	if e.Head != "" && err == nil {
		_, err = fmt.Fprintf(to, "\n%s\n", strings.ReplaceAll(strings.TrimSpace(e.Head), "\r\n", "\n"))
	}
	return err
}

// String gives the name and the addresses, once where they are the same.
func (l ExplainedListener) String() string {
	where := strings.Join(l.Addresses, " ")
	if l.Name == where {
		return where
	}
	return l.Name + " at " + where
}

// printable replaces what a terminal would obey: names of files may have it.
func printable(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
		return unicode.ReplacementChar
	}
	return r
}

func describeListener(t *routes.Table, l *routes.Listener) ExplainedListener {
	out := ExplainedListener{Name: l.Name, Line: t.Config.Listeners[slices.Index(t.Listeners, l)].Line}
	for _, a := range l.Addresses {
		out.Addresses = append(out.Addresses, config.URL(a))
	}
	return out
}
