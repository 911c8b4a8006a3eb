package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// validator is as much of JSON Schema 2020-12 as Schema uses. A keyword that it
// does not know fails the test, so that none is written in vain.
type validator struct{ t *testing.T }

func (v validator) valid(s map[string]any, x any) bool {
	ok := true
	for keyword, arg := range s {
		switch keyword {
		case "$schema", "title", "description", "default":
		case "type":
			ok = ok && slices.ContainsFunc(list(arg), func(t any) bool { return hasType(x, t.(string)) })
		case "const":
			ok = ok && reflect.DeepEqual(x, arg)
		case "enum":
			ok = ok && slices.ContainsFunc(list(arg), func(e any) bool { return reflect.DeepEqual(x, e) })
		case "anyOf", "oneOf":
			n := 0
			for _, sub := range list(arg) {
				if v.valid(sub.(map[string]any), x) {
					n++
				}
			}
			ok = ok && (n == 1 || n > 1 && keyword == "anyOf")
		case "not":
			ok = ok && !v.valid(arg.(map[string]any), x)
		case "pattern", "minLength":
			ok = ok && validText(keyword, arg, x)
		case "minimum", "maximum":
			n, number := x.(float64)
			ok = ok && (!number || keyword == "minimum" && n >= arg.(float64) || keyword == "maximum" && n <= arg.(float64))
		case "items", "minItems":
			ok = ok && v.validList(keyword, arg, x)
		case "additionalProperties", "properties", "required", "propertyNames", "minProperties", "maxProperties":
			ok = ok && v.validObject(keyword, arg, s, x)
		default:
			v.t.Fatalf("the schema has the keyword %q", keyword)
		}
	}
	return ok
}

func validText(keyword string, arg, x any) bool {
	text, is := x.(string)
	switch {
	case !is:
		return true
	case keyword == "pattern":
		return regexp.MustCompile(arg.(string)).MatchString(text)
	}
	return float64(utf8.RuneCountInString(text)) >= arg.(float64)
}

func (v validator) validList(keyword string, arg, x any) bool {
	items, is := x.([]any)
	switch {
	case !is:
		return true
	case keyword == "minItems":
		return float64(len(items)) >= arg.(float64)
	}
	return !slices.ContainsFunc(items, func(item any) bool { return !v.valid(arg.(map[string]any), item) })
}

func (v validator) validObject(keyword string, arg any, s map[string]any, x any) bool {
	object, is := x.(map[string]any)
	if !is {
		return true
	}
	known, _ := s["properties"].(map[string]any)
	switch keyword {
	case "minProperties":
		return float64(len(object)) >= arg.(float64)
	case "maxProperties":
		return float64(len(object)) <= arg.(float64)
	case "required":
		return !slices.ContainsFunc(list(arg), func(name any) bool { _, has := object[name.(string)]; return !has })
	}
	for name, member := range object {
		sub, named := known[name].(map[string]any)
		rest, schema := arg.(map[string]any)
		switch {
		case keyword == "properties" && named && !v.valid(sub, member),
			keyword == "propertyNames" && !v.valid(rest, name),
			keyword == "additionalProperties" && !named && (!schema || !v.valid(rest, member)):
			return false
		}
	}
	return true
}

func list(x any) []any {
	if many, is := x.([]any); is {
		return many
	}
	return []any{x}
}

func hasType(x any, name string) bool {
	switch x := x.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case float64:
		return name == "number" || name == "integer" && x == math.Trunc(x)
	case string:
		return name == "string"
	case []any:
		return name == "array"
	}
	return name == "object"
}

// plain makes of a YAML node what an editor's validator would see.
func plain(n *yaml.Node) any {
	d := &decoder{}
	n = deref(n)
	switch {
	case n.Kind == yaml.MappingNode:
		object := make(map[string]any)
		for _, p := range d.pairs(place{node: n}) {
			object[p.name] = plain(p.value.node)
		}
		return object
	case n.Kind == yaml.SequenceNode:
		items := []any{}
		for _, item := range n.Content {
			items = append(items, plain(item))
		}
		return items
	case n.Tag == "!!null":
		return nil
	case n.Tag == "!!bool":
		return n.Value[0] == 't' || n.Value[0] == 'T'
	case n.Tag == "!!int":
		i, _ := strconv.ParseInt(n.Value, 0, 64)
		return float64(i)
	case n.Tag == "!!float":
		f, _ := strconv.ParseFloat(n.Value, 64)
		return f
	}
	return n.Value
}

// beyondSchema are the broken configs whose mistake no schema can see.
var beyondSchema = map[string]string{
	"duplicate-key":         "the validator sees one of them",
	"missing-root":          "the disk",
	"root-is-file":          "the disk",
	"respond-file":          "the disk",
	"log-folder":            "the disk, and the users of the machine",
	"same-address":          "two places at a time",
	"same-address-spelling": "two places at a time",
	"same-address-wildcard": "two places at a time",
	"control-clash":         "two places at a time",
	"redirect-captures":     "two places at a time: pattern and target",
	"header-owned":          "a list of names would have to stand in every schema of headers",
	"header-answer":         "it depends on the action beside it",
	"name-newline":          "control characters in a text",
	"json":                  "numbers and keys that only YAML has",
	"json-numbers":          "numbers that only YAML has",
	"bad-merge":             "validators see what is left after the merge",
	"merge-twice":           "validators see what is left after the merge",
	"wildcards":             "two places at a time",
	"too-long":              "lengths in bytes",
	"two-documents":         "each of them is right",
}

// TestSchema shows that the schema and the decoder agree: on every good config,
// and on every broken one whose mistake a schema can see.
func TestSchema(t *testing.T) {
	var s map[string]any
	must(t, json.Unmarshal(Schema(), &s))
	v := validator{t}
	for name, text := range cases(t, "good") {
		root, wrong := readNodes(newSource(name, bytes.TrimPrefix(text, bom)))
		if wrong != nil {
			t.Fatal(wrong)
		}
		if !v.valid(s, plain(root)) {
			t.Errorf("good/%s: the schema does not take it", name)
		}
	}
	for name, text := range cases(t, "broken") {
		root, wrong := readNodes(newSource(name, bytes.TrimPrefix(text, bom)))
		d := &decoder{}
		if wrong != nil || !d.checkExtent(root) {
			continue // YAML itself: no validator gets to see it
		}
		_, beyond := beyondSchema[name]
		if got := v.valid(s, plain(root)); got != beyond {
			t.Errorf("broken/%s: the schema takes it: %t; want %t", name, got, beyond)
		}
	}
}

// TestSchemaNamesEveryKey shows that every key is explained, and that the
// defaults the schema shows are those that the decoder fills in.
func TestSchemaNamesEveryKey(t *testing.T) {
	var s struct {
		Properties map[string]struct {
			Description string
			Default     any
			Properties  map[string]struct {
				Description string
				Default     any
			}
		}
	}
	must(t, json.Unmarshal(Schema(), &s))
	for _, name := range file.names() {
		if s.Properties[name].Description == "" {
			t.Errorf("%s has no description", name)
		}
	}
	dir := newFolder(t)
	text := "listeners: [{listen: 1, echo: true}]\n"
	for _, group := range []string{"limits", "timeouts", "log"} {
		text += group + ":\n"
		for name, key := range s.Properties[group].Properties {
			if key.Description == "" || key.Default == nil {
				t.Errorf("%s.%s lacks description or default", group, name)
			}
			text += fmt.Sprintf("  %s: %v\n", name, key.Default)
		}
	}
	cfg, err := Parse("config.yaml", dir, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if d := Defaults(); cfg.Limits != d.Limits || cfg.Timeouts != d.Timeouts || cfg.Log != d.Log {
		t.Errorf("the schema's defaults mean %+v %+v %+v", cfg.Limits, cfg.Timeouts, cfg.Log)
	}
}
