package loop_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// reply is an answer as it was read: by the letter, unlike net/http, which is
// lenient with servers.
type reply struct {
	status int
	reason string
	fields []replyField
	body   string
}

type replyField struct{ name, value string } // the name as sent

// get gives all values of a field, whose name is in lower case.
func (r *reply) get(name string) (values []string) {
	for _, f := range r.fields {
		if strings.ToLower(f.name) == name {
			values = append(values, f.value)
		}
	}
	return values
}

func (r *reply) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s\n", r.status, r.reason)
	for _, f := range r.fields {
		fmt.Fprintf(&b, "%s: %s\n", f.name, f.value)
	}
	if len(r.body) > 300 {
		return b.String() + fmt.Sprintf("\n%q and more, %d bytes\n", r.body[:300], len(r.body))
	}
	return b.String() + fmt.Sprintf("\n%q\n", r.body)
}

var (
	formStatusLine = regexp.MustCompile(`^HTTP/1\.1 ([1-5][0-9][0-9]) ([ -~]*)\r\n$`)
	formReplyField = regexp.MustCompile("^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([!-~](?:[ -~\t]*[!-~])?)?\r\n$")
)

// readReply reads one answer, to HEAD if head says so.
func readReply(r *bufio.Reader, head bool) (*reply, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		if line != "" {
			err = fmt.Errorf("%w after %q", err, line)
		}
		return nil, err
	}
	m := formStatusLine.FindStringSubmatch(line)
	if m == nil {
		return nil, fmt.Errorf("%q is no status line", line)
	}
	re := &reply{reason: m[2]}
	re.status, _ = strconv.Atoi(m[1])
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("%w in a head, after %q", err, line)
		}
		if line == "\r\n" {
			break
		}
		m := formReplyField.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("%q is no field line", line)
		}
		re.fields = append(re.fields, replyField{m[1], m[2]})
	}
	return re, re.readBody(r, head)
}

// readBody reads the content, whose length has to be announced (RFC 9112 §6.3).
func (re *reply) readBody(r *bufio.Reader, head bool) error {
	if re.status < 200 || re.status == 204 || re.status == 304 {
		return nil
	}
	lengths := re.get("content-length")
	if len(lengths) != 1 {
		return fmt.Errorf("%d Content-Length fields in\n%s", len(lengths), re)
	}
	n, err := strconv.ParseUint(lengths[0], 10, 31)
	if err != nil {
		return err
	}
	if head {
		return nil
	}
	body := make([]byte, n)
	got, err := io.ReadFull(r, body)
	re.body = string(body[:got])
	if err != nil {
		return fmt.Errorf("%w after %d of %d bytes of content", err, got, n)
	}
	return nil
}

// once are fields that stand at most once.
var once = []string{
	"date", "server", "content-length", "content-type", "content-range", "content-encoding", "content-location",
	"etag", "last-modified", "location", "allow", "cache-control", "connection", "accept-ranges", "vary",
}

// invariants says what no answer may be, whatever it answers: "" if it is fine.
func (re *reply) invariants() string {
	if re.status < 200 {
		if len(re.fields) > 0 {
			return "an interim answer has fields"
		}
		return ""
	}
	for _, name := range once {
		if n := len(re.get(name)); n > 1 {
			return fmt.Sprintf("%s stands %d times", name, n)
		}
	}
	if problem := re.dates(); problem != "" {
		return problem
	}
	has := func(name string) bool { return len(re.get(name)) > 0 }
	switch {
	case len(re.get("server")) != 1 || re.get("server")[0] != "monopoll":
		return "Server is not monopoll"
	case has("transfer-encoding"):
		return "there is a Transfer-Encoding (every length is known)"
	case (re.status == 204 || re.status == 304) && has("content-length"):
		return "Content-Length where there is no content (RFC 9110 §8.6)"
	case re.status == 304 && has("content-type"):
		return "Content-Type in a 304 (RFC 9110 §15.4.5)"
	case re.status == 405 && !has("allow"):
		return "405 without Allow (RFC 9110 §15.5.6)"
	case re.status == 416 && (!has("content-range") || !strings.HasPrefix(re.get("content-range")[0], "bytes */")):
		return "416 without Content-Range (RFC 9110 §15.5.17)"
	case re.status != 206 && re.status != 416 && has("content-range"):
		return "Content-Range where there is no range"
	case re.status/100 == 3 && re.status != 304 && !has("location"):
		return "a redirect without Location"
	}
	return ""
}

// dates looks at Date and Last-Modified (RFC 9110 §6.6.1, §8.8.2.1).
func (re *reply) dates() string {
	parse := func(name string) (at time.Time, problem string) {
		values := re.get(name)
		if len(values) != 1 {
			return at, fmt.Sprintf("%s stands %d times", name, len(values))
		}
		at, err := time.Parse(http.TimeFormat, values[0])
		if err != nil {
			return at, err.Error()
		}
		return at, ""
	}
	date, problem := parse("date")
	if problem != "" || len(re.get("last-modified")) == 0 {
		return problem
	}
	modified, problem := parse("last-modified")
	if problem == "" && modified.After(date) {
		return "Last-Modified is later than Date"
	}
	return problem
}
