package starter

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"monopoll/routes/config"
)

// TestLoads: what init writes can be served as it is.
func TestLoads(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, Files); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(filepath.Join(dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if warnings := c.Warnings(); len(warnings) > 0 {
		t.Error(warnings)
	}
	if root := c.Listeners[0].Action.Root; root == nil || root.Dir != filepath.Join(dir, "site") {
		t.Errorf("the first listener serves %+v", c.Listeners[0].Action)
	}
	for _, name := range []string{"site/index.html", "site/404.html", "site/style.css", "site/favicon.svg"} {
		if info, err := fs.Stat(Files, name); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
