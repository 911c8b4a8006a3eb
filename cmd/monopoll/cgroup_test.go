package main

import (
	"path/filepath"
	"testing"
)

// The limit of a control group holds for those below it; "max" is none.
func TestMemoryLimit(t *testing.T) {
	for _, c := range []struct {
		name, self string
		files      map[string]string
		want       int64
	}{
		{"a container, which sees itself at the top", "0::/\n", map[string]string{"memory.max": "67108864\n"}, 64 << 20},
		{"a service", "0::/system.slice/monopoll.service\n", map[string]string{
			"system.slice/memory.max": "max\n", "system.slice/monopoll.service/memory.max": "1073741824\n"}, 1 << 30},
		{"the one above has less", "0::/a/b\n", map[string]string{"a/memory.max": "1000\n", "a/b/memory.max": "2000\n"}, 1000},
		{"beside groups of version 1", "4:memory:/x\n0::/y\n", map[string]string{"y/memory.max": "5000\n"}, 5000},
		{"no limit", "0::/a\n", map[string]string{"a/memory.max": "max\n"}, 0},
		{"no control group", "", nil, 0},
		{"no such file", "0::/a\n", nil, 0},
		{"something else in it", "0::/a\n", map[string]string{"a/memory.max": "many\n"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"self": c.self}
			for name, text := range c.files {
				files["mount/"+name] = text
			}
			dir := folder(t, files)
			if got := memoryLimit(filepath.Join(dir, "mount"), filepath.Join(dir, "self")); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}
