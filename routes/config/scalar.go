package config

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gopkg.in/yaml.v3"
)

// scalar reads a value that is one word as it is written, whatever type YAML
// would give it: `name: 2024` and `X-Robots: no` mean what they say.
func (d *decoder) scalar(at place, what string) (string, bool) {
	if at.node.Kind != yaml.ScalarNode || isNull(at.node) {
		d.want(at, what)
		return "", false
	}
	return at.node.Value, true
}

// textOf makes a value of text that check finds nothing wrong with.
func textOf(what string, s *schema, check func(text string) string) value[string] {
	return value[string]{schema: s, read: func(d *decoder, at place) (string, bool) {
		text, ok := d.scalar(at, what)
		if !ok {
			return "", false
		}
		if wrong := check(text); wrong != "" {
			d.fail(at, "%s", wrong)
			return "", false
		}
		return text, true
	}}
}

// label is text for people and logs: one line, nothing that a terminal obeys.
var label = textOf("a short text", &schema{Type: anyScalar, Pattern: `\S`}, func(text string) string {
	switch {
	case strings.TrimSpace(text) == "":
		return "is empty; leave the key out, or give it a text"
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || isBreak(r) }):
		return "must be one line without control characters, since it goes to logs"
	case len(text) > maxLabel:
		return fmt.Sprintf("is longer than %d bytes", maxLabel)
	}
	return ""
})

// maxLabel is the length of a listener's name in bytes: it stands in log lines.
const maxLabel = 200

// booleans are the words of YAML 1.1, which people know from elsewhere; YAML
// 1.2, which the library follows, has only true and false.
var booleans = map[string]bool{
	"true": true, "on": true, "yes": true,
	"false": false, "off": false, "no": false,
}

// parseBool reads a boolean in any spelling, bare or quoted.
func parseBool(n *yaml.Node) (b, ok bool) {
	if n.Kind != yaml.ScalarNode {
		return false, false
	}
	b, ok = booleans[strings.ToLower(n.Value)]
	return b, ok
}

var boolean = value[bool]{
	schema: boolSchema,
	read: func(d *decoder, at place) (bool, bool) {
		b, ok := parseBool(at.node)
		if !ok {
			d.want(at, "true or false (on and off, yes and no are the same)")
		}
		return b, ok
	},
}

// oneOf makes a value of one of some words.
func oneOf[T any](words []string, values []T) value[T] {
	return value[T]{
		schema: &schema{Enum: words},
		read: func(d *decoder, at place) (T, bool) {
			for i, word := range words {
				if at.node.Kind == yaml.ScalarNode && at.node.Value == word {
					return values[i], true
				}
			}
			var none T
			hint := ""
			if near := nearest(at.node.Value, words); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			d.fail(at, "must be %s, not %s%s", either(words), describe(at.node), hint)
			return none, false
		},
	}
}

// either lists words as "a, b or c".
func either(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// decimal is how a whole number is written here. YAML's 0x1F, 017 and 1_000 are
// refused: 017 is fifteen in one YAML and seventeen in the next.
var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

// integer makes a value of whole numbers from least to most.
func integer(least, most int) value[int] {
	return value[int]{
		schema: &schema{Type: []string{"integer", "string"}, Pattern: decimal.String(), Minimum: ptr(int64(least)), Maximum: ptr(int64(most))},
		read: func(d *decoder, at place) (int, bool) {
			what := fmt.Sprintf("a whole number from %d to %d", least, most)
			text, ok := d.scalar(at, what)
			if !ok {
				return 0, false
			}
			if !decimal.MatchString(text) {
				d.fail(at, "must be %s, in decimal digits alone, not %s", what, describe(at.node))
				return 0, false
			}
			if n, err := strconv.Atoi(text); err == nil && n >= least && n <= most {
				return n, true
			}
			d.fail(at, "%s is out of range; it must be %s", short(text), what)
			return 0, false
		},
	}
}

// units of sizes. A bare K is nginx's, 1024 bytes; KB is the decimal unit.
var units = map[string]int64{
	"": 1, "b": 1,
	"k": 1 << 10, "kib": 1 << 10, "kb": 1e3,
	"m": 1 << 20, "mib": 1 << 20, "mb": 1e6,
	"g": 1 << 30, "gib": 1 << 30, "gb": 1e9,
	"t": 1 << 40, "tib": 1 << 40, "tb": 1e12,
}

const sizePattern = `^[0-9]+ ?([KkMmGgTt]([Ii]?[Bb])?|[Bb])?$`

var sizeParts = regexp.MustCompile(`^([0-9]+) ?([A-Za-z]*)$`)

// size makes a value of a number of bytes from least to most.
func size[T int | int64](least, most int64) value[T] {
	return value[T]{
		schema: &schema{Type: []string{"integer", "string"}, Pattern: sizePattern, Minimum: ptr(least), Maximum: ptr(most)},
		read: func(d *decoder, at place) (T, bool) {
			text, ok := d.scalar(at, "a size such as 16KiB")
			if !ok {
				return 0, false
			}
			parts := sizeParts.FindStringSubmatch(text)
			if parts == nil {
				d.fail(at, "must be a size such as 16KiB, 1MiB or a whole number of bytes, not %s", describe(at.node))
				return 0, false
			}
			unit, known := units[strings.ToLower(parts[2])]
			if !known {
				d.fail(at, "%q is no unit of size; write B, KiB, MiB, GiB or TiB", parts[2])
				return 0, false
			}
			n, err := strconv.ParseInt(parts[1], 10, 64)
			if err != nil || n > math.MaxInt64/unit || n*unit > most || n*unit < least {
				d.fail(at, "%s is out of range; it must be from %s to %s", short(text), bytesText(least), bytesText(most))
				return 0, false
			}
			return T(n * unit), true
		},
	}
}

// bytesText writes a size the way a config would.
func bytesText(n int64) string {
	for _, u := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if unit := units[strings.ToLower(u)]; n >= unit && n%unit == 0 {
			return fmt.Sprintf("%d%s", n/unit, u)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

const durationPattern = `^\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`

// duration makes a value of a time from least to most.
func duration(least, most time.Duration) value[time.Duration] {
	return value[time.Duration]{
		schema: &schema{Type: "string", Pattern: durationPattern},
		read: func(d *decoder, at place) (time.Duration, bool) {
			text, ok := d.scalar(at, "a duration such as 10s")
			if !ok {
				return 0, false
			}
			t, err := time.ParseDuration(text)
			if err != nil || decimal.MatchString(strings.TrimPrefix(text, "+")) {
				d.fail(at, "%q is not a duration%s", short(text), durationRemedy(text, least, most))
				return 0, false
			}
			if t < least || t > most {
				d.fail(at, "%s is out of range; it must be from %v to %s", short(text), least, hours(most))
				return 0, false
			}
			return t, true
		},
	}
}

var days = regexp.MustCompile(`^([0-9]{1,6}) ?d(ays?)?$`)

func durationRemedy(text string, least, most time.Duration) string {
	meant := strings.ReplaceAll(text, " ", "")
	if m := days.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		meant = fmt.Sprintf("%dh", 24*n)
	} else if decimal.MatchString(text) {
		meant += "s"
	}
	if t, err := time.ParseDuration(meant); err == nil && t >= least && t <= most {
		return fmt.Sprintf("; did you mean %s?", meant)
	} else if err == nil {
		return fmt.Sprintf("; write one from %v to %s, such as 500ms, 10s, 5m or 1h", least, hours(most))
	}
	return "; write a number and a unit, such as 500ms, 10s, 5m or 1h"
}

func hours(t time.Duration) string {
	return strings.TrimSuffix(strings.TrimSuffix(t.String(), "0s"), "0m")
}

// wordOrList makes a value that is one T, or a list of at least one.
func wordOrList[T any](what string, v value[T]) value[[]T] {
	return value[[]T]{
		schema: &schema{AnyOf: []*schema{v.schema, {Type: "array", Items: v.schema, MinItems: 1}}},
		read: func(d *decoder, at place) ([]T, bool) {
			if at.node.Kind != yaml.SequenceNode {
				one, ok := v.read(d, at)
				return []T{one}, ok
			}
			if len(at.node.Content) == 0 {
				d.fail(at, "the list is empty; name at least one %s", what)
				return nil, false
			}
			all := true
			var list []T
			for i := range at.node.Content {
				one, ok := v.read(d, at.item(i))
				all = all && ok
				list = append(list, one)
			}
			return list, all
		},
	}
}

func ptr[T any](v T) *T { return &v }
