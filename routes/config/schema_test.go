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
	"header-owned":          "a list of names would have to stand in every schema of headers",
	"header-answer":         "it depends on the action beside it",
	"user-number":           "a text that is a number out of range",
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

// TestSchemaOfValues shows that the schema and the decoder agree on single
// values, where a pattern or a bound decides.
func TestSchemaOfValues(t *testing.T) {
	var s map[string]any
	must(t, json.Unmarshal(Schema(), &s))
	v := validator{t}
	dir := newFolder(t)
	for _, c := range []struct {
		text string // a config with a gap, %s
		good []string
		bad  []string
	}{
		{"listeners: [{listen: 1, respond: %s}]",
			[]string{"200", "404", "599", "text", `"304"`, `""`}, []string{"304", "206", "416", "199", "600", "1.5", "true"}},
		{"listeners: [{listen: 1, respond: {status: %s}}]",
			[]string{"200", `"404"`, "503"}, []string{"304", "206", "416", `"304"`, `"99"`, `"600"`, `"abc"`, "199", `"0404"`}},
		{"listeners: [{listen: 1, redirect: {to: /x, status: %s}}]",
			[]string{"301", `"307"`}, []string{"300", `"300"`, "200", "x"}},
		{"listeners: [{listen: 1, routes: {\"/{a}/{bü...}\": {redirect: %s}}}]",
			[]string{"/", "/x", `"/x/{a}"`, `"/{a}"`, `"/{bü}"`, "/a%20b", "/x//y", "http://x", "HTTPS://x.example/", "http://x:80/y", "http://x:65535", `"http://[::1]:80/y"`, `"http://x./{a}/z"`, `"/x[1]"`, "/a:b"},
			[]string{`"/x?y"`, "/a b", "/é", "http://x:99999/", "http://x:0/", "http://x:080/", "//x", `'/\x'`, "x", "http://", `"http://x?y"`, `"/x#y"`, "http://a@b/", "http://é/", "/%zz", `"/{"`, "http://-x/", "http://a..b/", `"http://{a}/"`, "ftp://x/"}},
		{"listeners: [{listen: %s, respond: hi}]",
			[]string{"1", "65535", `"80"`, `"8000-8003"`, `":80"`, `"*:80"`, `"localhost:80"`, `"127.0.0.1:80"`, `"0.0.0.0:80-81"`, `"[::1]:80"`, `"[::]:80"`, `"unix:run/x"`},
			[]string{"0", "65536", `"0"`, `"foo:18301"`, `"foo.example:80"`, `"127.0.0.256:80"`, `"127.0.0.1"`, `"080"`, `":0"`, `"unix:@x"`, `"unix:"`, `"::1:80"`, `"65536"`, `"0-5"`, "80.5"}},
		{"listeners: [{listen: 1, root: {dir: site, index: %s}}]",
			[]string{"index.html", "[a, b]", "..a", ".a", "...", "5"}, []string{`".."`, `"."`, `""`, "a/b", "[a, ..]", "[]"}},
		{"listeners: [{listen: 1, root: {dir: site, fallback: %s}}]",
			[]string{"/index.html", "/a/b", "/..a", "/.a/b"}, []string{"//x", "/", "/a/", "x", "/../x", "/a/./b", "/a//b", `""`}},
		{"listeners: [{listen: 1, root: {dir: site, cache: {\"*.css\": %s}}}]",
			[]string{"5", "no-cache", "max-age=5"}, []string{`""`, "[]", "{}"}},
		{"listeners: [{listen: 1, sites: {dir: sites, domain: %s}}]",
			[]string{"404", "example.com", "a_b.c", "x.", "true"}, []string{`".."`, `"x:80"`, "-x", "x-", "a..b", `"*.x"`, "é", `"x y"`}},
		{"listeners: [{listen: 1, sites: {dir: sites, default: %s}}]",
			[]string{"blog"}, []string{`".."`, `"."`, "a/b", `""`}},
		{"listeners: [{listen: 1, name: %s, respond: hi}]",
			[]string{"x", "5", "true", `" x"`}, []string{`" "`, `""`, "[]"}},
		{"listeners: [{listen: 1, respond: hi}]\nlimits: {connections: %s}",
			[]string{"5", `"5"`}, []string{"0", "5.5", `"x"`, `"05"`, `"5x"`, "true"}},
		{"listeners: [{listen: 1, respond: hi}]\ntimeouts: {send: %s}",
			[]string{"5s", ".5s", "+5s", "1m30s", "1.5h", "5.s"}, []string{"5", `"5"`, `"+0"`, "-5s", "s", `""`, "5 s", ".s", "5d"}},
		{"listeners: [{listen: 1, respond: hi}]\nlog: {access: %s}",
			[]string{"off", "stdout", "5", "logs/x"}, []string{`""`, "[]"}},
		{"listeners: [{listen: 1, respond: hi}]\ncontrol: %s",
			[]string{"off", "run/x", "5"}, []string{`""`, "{}"}},
	} {
		for i, text := range slices.Concat(c.good, c.bad) {
			text = fmt.Sprintf(c.text, text)
			root, wrong := readNodes(newSource("x", []byte(text)))
			if wrong != nil {
				t.Fatal(wrong)
			}
			good := i < len(c.good)
			if _, err := Parse("config.yaml", dir, []byte(text)); (err == nil) != good {
				t.Errorf("%s\n%v", text, err)
			}
			if v.valid(s, plain(root)) != good {
				t.Errorf("%s\nthe schema takes it: %t", text, !good)
			}
		}
	}
}
