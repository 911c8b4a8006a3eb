package config

import (
	"fmt"
	"strings"
	"testing"
)

// large is a config of 1,000 listeners and 10,000 routes.
func large() string {
	var b strings.Builder
	b.WriteString("listeners:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  - {listen: %d, respond: hello}\n", 10000+i)
	}
	b.WriteString("  - listen: 8080\n    routes:\n")
	for i := range 10000 {
		fmt.Fprintf(&b, "      /path/%d/{x}: {redirect: \"/new/{x}\"}\n", i)
	}
	return b.String()
}

// BenchmarkParse reads the large config; a reload waits for this.
func BenchmarkParse(b *testing.B) {
	dir := newFolder(b)
	text := []byte(large())
	for b.Loop() {
		if _, err := Parse("config.yaml", dir, text); err != nil {
			b.Fatal(err)
		}
	}
}
