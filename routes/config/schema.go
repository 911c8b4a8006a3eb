package config

import (
	"bytes"
	"encoding/json"
)

// schema is the part of JSON Schema 2020-12 that the grammar needs.
type schema struct {
	Schema               string    `json:"$schema,omitempty"`
	Title                string    `json:"title,omitempty"`
	Description          string    `json:"description,omitempty"`
	Type                 any       `json:"type,omitempty"` // a string or several
	Const                any       `json:"const,omitempty"`
	Enum                 any       `json:"enum,omitempty"` // a slice
	Default              any       `json:"default,omitempty"`
	Pattern              string    `json:"pattern,omitempty"`
	MinLength            int       `json:"minLength,omitempty"`
	Minimum              *int64    `json:"minimum,omitempty"`
	Maximum              *int64    `json:"maximum,omitempty"`
	MinItems             int       `json:"minItems,omitempty"`
	Items                *schema   `json:"items,omitempty"`
	MinProperties        int       `json:"minProperties,omitempty"`
	MaxProperties        int       `json:"maxProperties,omitempty"`
	PropertyNames        *schema   `json:"propertyNames,omitempty"`
	Properties           members   `json:"properties,omitempty"`
	Required             []string  `json:"required,omitempty"`
	AdditionalProperties any       `json:"additionalProperties,omitempty"` // a *schema or false
	AnyOf                []*schema `json:"anyOf,omitempty"`
	OneOf                []*schema `json:"oneOf,omitempty"`
	Not                  *schema   `json:"not,omitempty"`
}

// members are properties in the order of the grammar, which is the order that
// editors offer them in.
type members []named

type named struct {
	name   string
	schema *schema
}

// MarshalJSON writes the members as an object.
func (ms members) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range ms {
		if i > 0 {
			b.WriteByte(',')
		}
		writeText(&b, m.name)
		b.WriteByte(':')
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(m.schema); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// anyScalar is the type of text that may be written without quotes, even where
// YAML sees a number or a boolean in it.
var anyScalar = []string{"string", "number", "boolean"}

// The words for true and false, in any case: JSON Schema has no flag for that.
const (
	onPattern  = "^([Tt][Rr][Uu][Ee]|[Oo][Nn]|[Yy][Ee][Ss])$"
	offPattern = "^([Ff][Aa][Ll][Ss][Ee]|[Oo][Ff][Ff]|[Nn][Oo])$"
)

var boolSchema = &schema{Type: []string{"boolean", "string"}, Pattern: onPattern + "|" + offPattern}

// object describes the mapping, with what else holds for it.
func (m mapping[S]) object(also *schema) *schema {
	s := *also
	s.Type, s.AdditionalProperties = "object", false
	for _, k := range m.keys {
		doc := *k.schema
		doc.Description, doc.Default = k.doc, k.def
		s.Properties = append(s.Properties, named{k.name, &doc})
	}
	return &s
}

// oneRequired says that exactly one of names stands in a mapping.
func oneRequired(names []string) *schema {
	s := &schema{}
	for _, name := range names {
		s.OneOf = append(s.OneOf, &schema{Required: []string{name}})
	}
	return s
}

// Schema gives the JSON Schema (2020-12) of a config file, made of the same
// tables that Load goes by, so that an editor says what Load would. Beyond it is
// what a schema cannot see: files, addresses taken twice, patterns, captured
// names, keys that stand twice, the bounds of numbers in quotes and of sizes and
// durations with a unit, lengths in bytes, numbers that YAML reads by a prefix
// (0x10), what is no IPv6 address or none to listen on, ranges of ports that run
// backwards, and the syntax of headers and of Cache-Control.
func Schema() []byte {
	s := file.object(&schema{Required: []string{"listeners"}})
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "The config of monopoll"
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		panic("config: the grammar's tables hold a value that JSON has not: " + err.Error())
	}
	return b.Bytes()
}
