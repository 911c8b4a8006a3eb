package config

import (
	"bytes"
	"encoding/json"
	"regexp"

	"gopkg.in/yaml.v3"
)

// jsonValue makes JSON (RFC 8259) of YAML: keys in the order of the file,
// numbers as they are written, dates as text.
var jsonValue = value[[]byte]{
	schema: &schema{},
	read: func(d *decoder, at place) ([]byte, bool) {
		before := len(d.mistakes)
		var b bytes.Buffer
		d.writeJSON(&b, at)
		b.WriteByte('\n')
		return b.Bytes(), len(d.mistakes) == before
	},
}

func (d *decoder) writeJSON(b *bytes.Buffer, at place) {
	switch at.node.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		for i, p := range d.pairs(at) {
			if i > 0 {
				b.WriteByte(',')
			}
			if !isText(p.key.node) {
				d.fail(p.key, "a key of JSON is text; put %s into quotes", p.key.node.Value)
			}
			writeText(b, p.name)
			b.WriteByte(':')
			d.writeJSON(b, p.value)
		}
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i := range at.node.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			d.writeJSON(b, at.item(i))
		}
		b.WriteByte(']')
	default:
		d.writeScalar(b, at)
	}
}

func (d *decoder) writeScalar(b *bytes.Buffer, at place) {
	text := at.node.Value
	switch at.node.Tag {
	case "!!null":
		b.WriteString("null")
	case "!!bool":
		if v, ok := parseBool(at.node); ok && v {
			b.WriteString("true")
		} else if ok {
			b.WriteString("false")
		} else {
			d.fail(at, "%s is no boolean", describe(at.node))
		}
	case "!!int", "!!float":
		number, ok := jsonNumber(text)
		switch {
		case !ok && oddNumber.MatchString(text):
			d.fail(at, "%s is not the same number to all who read it; put it into quotes to send it as it is, or write decimal digits without a leading zero", short(text))
		case !ok:
			d.fail(at, "JSON has no number %s; put it into quotes", short(text))
		}
		b.WriteString(number)
	default:
		if at.node.Style == 0 && exactNumber.MatchString(text) {
			d.fail(at, "%s is beyond the numbers that most programs can read; put it into quotes", short(text)) // YAML makes it text
		}
		writeText(b, text)
	}
}

func writeText(b *bytes.Buffer, text string) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false) // what goes out is application/json, never a page
	_ = enc.Encode(text)     // a string cannot fail, nor can the buffer
	b.Truncate(b.Len() - 1)  // the newline
}

var (
	// exactNumber is a number as RFC 8259 §6 writes it.
	exactNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
	// looseNumber is one as YAML writes it, with sign, whole part, fraction and
	// exponent apart.
	looseNumber = regexp.MustCompile(`^([-+]?)(0|[1-9][0-9]*)?(?:\.([0-9]*))?([eE][-+]?[0-9]+)?$`)
	// oddNumber is one that YAML reads by its prefix or takes digits out of: 017 is
	// fifteen in one YAML and seventeen in the next, and was meant as neither where
	// it is a postal code; 0o17, 0b11 and 1_000 are text in another; and 0x1F, which
	// is thirty-one in all of them, is none in JSON.
	oddNumber = regexp.MustCompile(`^[-+]?[0-9]`)
)

// jsonNumber writes a number of YAML without changing its value: text stays as
// it is where JSON can read it, so that no digit is lost to a float.
func jsonNumber(text string) (string, bool) {
	if exactNumber.MatchString(text) {
		return text, true
	}
	m := looseNumber.FindStringSubmatch(text)
	if m == nil || m[2]+m[3] == "" {
		return "", false
	}
	number := m[2] // +5, .5 and 5.
	if number == "" {
		number = "0"
	}
	if m[1] == "-" {
		number = "-" + number
	}
	if m[3] != "" {
		number += "." + m[3]
	}
	return number + m[4], true
}
