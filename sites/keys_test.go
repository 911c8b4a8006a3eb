package sites

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"monopoll/routes/config"
)

// keys walks a JSON Schema and calls visit with every property that it names
// and its default, as text; below additionalProperties and items, too.
func keys(schema any, visit func(name, def string)) {
	switch s := schema.(type) {
	case []any:
		for _, one := range s {
			keys(one, visit)
		}
	case map[string]any:
		if props, ok := s["properties"].(map[string]any); ok {
			for name, prop := range props {
				def := ""
				if d, has := prop.(map[string]any)["default"]; has {
					def = strings.Trim(fmt.Sprint(d), "[]")
				}
				visit(name, def)
				keys(prop, visit)
			}
		}
		for _, below := range []string{"items", "additionalProperties", "anyOf", "oneOf"} {
			keys(s[below], visit)
		}
	}
}

// TestEveryKey: each key of the grammar has its place in the manual with its
// default, and stands in the example.
func TestEveryKey(t *testing.T) {
	var schema any
	dec := json.NewDecoder(strings.NewReader(string(config.Schema())))
	dec.UseNumber()
	if err := dec.Decode(&schema); err != nil {
		t.Fatal(err)
	}
	manual, err := os.ReadFile("docs/config.html")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	keys(schema, func(name, def string) {
		seen++
		group := regexp.MustCompile(`<h2 id="` + name + `">`).Match(manual)
		place := regexp.MustCompile(`<h3 id="[a-z_-]*\b`+name+`">.*\n.*?<p class="facts">(.*)</p>`).FindAllSubmatch(manual, -1)
		if !group && place == nil {
			t.Errorf("docs/config.html has no place for %q", name)
		}
		if !regexp.MustCompile(`(?m)(^|[ #{])` + name + `:`).Match(example) {
			t.Errorf("config.example.yaml does not show %q", name)
		}
		if group || def == "" {
			return
		}
		want := strings.NewReplacer("false", "(false|off)").Replace(regexp.QuoteMeta(def))
		told := false
		for _, p := range place {
			told = told || regexp.MustCompile(`default: `+want+`\b`).Match(p[1])
		}
		if !told {
			t.Errorf("docs/config.html does not say that the default of %q is %s", name, def)
		}
	})
	if seen < 40 {
		t.Errorf("the schema has %d keys only", seen)
	}
}
