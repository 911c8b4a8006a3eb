package config

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	// maxHeaderValue is the length of one value in bytes: longer ones are
	// refused by common clients and proxies (8 KiB for a whole head in nginx).
	maxHeaderValue = 4 << 10
	// maxHeaders is how many fields one `headers:` may add.
	maxHeaders = 64
)

// ownFields are written by the server alone, with the reason. Any of them by
// hand would frame a message falsely or contradict the connection (RFC 9112 §6,
// RFC 9110 §7.6.1, §8).
var ownFields = map[string]string{
	"content-length":    "it follows from the content",
	"transfer-encoding": "it follows from the content",
	"connection":        "it belongs to the connection",
	"keep-alive":        "it belongs to the connection",
	"proxy-connection":  "it belongs to the connection",
	"upgrade":           "it belongs to the connection",
	"te":                "it belongs to the connection",
	"trailer":           "no answer has trailers",
	"date":              "it is the time of the answer",
	"server":            "it is \"monopoll\"",
	"etag":              "it follows from the content",
	"last-modified":     "it follows from the content",
	"content-range":     "it follows from the request",
	"accept-ranges":     "it follows from the content",
}

// answerFields follow from what is answered. A fixed response may name them; a
// root or a redirect writes them itself.
var answerFields = map[string]string{
	"content-type":     "it follows from each file's name",
	"content-encoding": "it follows from what the client accepts",
	"content-location": "it belongs to one answer",
	"location":         "it belongs to one answer; write redirect:",
	"allow":            "it follows from the routes",
}

// headersValue is the value of a `headers:`.
var headersValue = value[[]Header]{
	schema: &schema{
		Type:                 "object",
		PropertyNames:        &schema{Pattern: tokenPattern},
		AdditionalProperties: fieldValues.schema,
		MaxProperties:        maxHeaders,
	},
	read: (*decoder).headers,
}

func (d *decoder) headers(at place) ([]Header, bool) {
	if at.node.Kind != yaml.MappingNode {
		d.want(at, "a mapping of field names to values, such as {X-Frame-Options: DENY}")
		return nil, false
	}
	before := len(d.mistakes)
	seen := make(map[string]string)
	var list []Header
	for _, p := range d.pairs(at) {
		if wrong := checkFieldName(p.name); wrong != "" {
			d.fail(p.key, "%s", wrong)
			continue
		}
		lower := strings.ToLower(p.name)
		if first, twice := seen[lower]; twice {
			d.fail(p.key, "%s is the same field as %s above; for several values write a list", p.name, first)
			continue
		}
		seen[lower] = p.name
		values, _ := fieldValues.read(d, p.value)
		for _, v := range values {
			list = append(list, Header{p.name, v})
		}
	}
	if len(list) > maxHeaders {
		d.fail(at, "%d fields; %d is the most", len(list), maxHeaders)
	}
	return list, len(d.mistakes) == before
}

var fieldValues = wordOrList("value", textOf(`a text, or "" for an empty value`, &schema{Type: anyScalar}, checkFieldValue))

const tokenPattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"

// isToken says whether s is a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// maxFieldName is the length of a field's name in bytes.
const maxFieldName = 256

// checkFieldName says what is wrong with a field's name (RFC 9110 §5.1).
func checkFieldName(name string) string {
	if !isToken(name) {
		return fmt.Sprintf("%q is no field name: it takes letters, digits and !#$%%&'*+-.^_`|~ (RFC 9110 §5.1)", short(name))
	}
	if len(name) > maxFieldName {
		return fmt.Sprintf("the field name has %d bytes; %d is the most", len(name), maxFieldName)
	}
	if why, own := ownFields[strings.ToLower(name)]; own {
		return fmt.Sprintf("%s is written by the server: %s; remove it here", name, why)
	}
	return ""
}

// checkFieldValue says what is wrong with a field's value (RFC 9110 §5.5).
func checkFieldValue(v string) string {
	for i := range len(v) {
		switch c := v[i]; {
		case c == '\r' || c == '\n':
			return "a header's value cannot hold a line break (RFC 9110 §5.5); fold long text with \">-\", or write a list for several values"
		case c < ' ' && c != '\t' || c == 0x7f:
			return fmt.Sprintf("a header's value cannot hold the control character 0x%02X (RFC 9110 §5.5)", c)
		}
	}
	if strings.Trim(v, " \t") != v {
		return "a header's value cannot begin or end with white space (RFC 9110 §5.5)"
	}
	if len(v) > maxHeaderValue {
		return fmt.Sprintf("the value has %d bytes; %d is the most", len(v), maxHeaderValue)
	}
	return ""
}
