package config

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Limits of a config file. They stop a file that would cost more than any
// config is worth; each is some hundred times what a large one needs.
const (
	// maxText is the length of the file in bytes: 10,000 routes take about 1 MiB.
	maxText = 4 << 20
	// maxDepth is how deeply values may be nested; the grammar needs 8, the
	// rest is for json.
	maxDepth = 64
	// maxValues is how many values the file may stand for after its aliases are
	// replaced by what they repeat: nine lines of aliases can stand for 9⁹.
	maxValues = 1_000_000
)

// knownTags are the types a config may name or imply. Others (!!binary, !!set,
// an application's own) have no meaning here.
var knownTags = map[string]bool{
	"!!str": true, "!!int": true, "!!float": true, "!!bool": true, "!!null": true,
	"!!map": true, "!!seq": true, "!!timestamp": true, "!!merge": true,
}

// survey walks the document once before anything is made of it, so that
// whatever reads it later may follow every alias: there is no cycle, and
// neither depth nor size can surprise.
type survey struct {
	done map[*yaml.Node]extent // anchors measured, or under way
	fail func(n *yaml.Node, text string)
}

// extent is how large a node is with its aliases replaced; values is 0 while
// the node is being measured.
type extent struct{ values, depth int }

func (s *survey) measure(n *yaml.Node, level int) extent {
	if level > maxDepth {
		s.fail(n, fmt.Sprintf("nested more than %d levels deep", maxDepth))
		return extent{1, 1}
	}
	if n.Kind == yaml.AliasNode {
		e, seen := s.done[n.Alias]
		if seen && e.values == 0 {
			s.fail(n, fmt.Sprintf("*%s is an alias of a value that contains it", n.Value))
			return extent{1, 1}
		}
		if level+e.depth > maxDepth {
			s.fail(n, fmt.Sprintf("nested more than %d levels deep by this alias", maxDepth))
		}
		return e
	}
	if !knownTags[n.Tag] && n.Tag != "" {
		s.fail(n, fmt.Sprintf("the tag %s has no meaning in a config", n.Tag))
	}
	if n.Anchor != "" {
		s.done[n] = extent{}
	}
	e := extent{values: 1}
	for _, child := range n.Content {
		c := s.measure(child, level+1)
		e.values = min(e.values+c.values, maxValues+1)
		e.depth = max(e.depth, c.depth)
	}
	e.depth++
	if n.Anchor != "" {
		s.done[n] = e
	}
	return e
}

// checkExtent says whether the tree under n may be walked freely.
func (d *decoder) checkExtent(n *yaml.Node) bool {
	before := len(d.mistakes)
	s := survey{done: make(map[*yaml.Node]extent), fail: func(n *yaml.Node, text string) {
		d.fail(place{node: n}, "%s", text)
	}}
	if e := s.measure(n, 1); e.values > maxValues {
		d.fail(place{node: n}, "with its aliases replaced the file has more than %d values", maxValues)
	}
	return len(d.mistakes) == before
}
