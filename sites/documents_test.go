package sites

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"monopoll/routes/config"
)

// TestReadmeConfig: the config in the README can be loaded.
func TestReadmeConfig(t *testing.T) {
	readme := read(t, "../README.md")
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(readme)
	if block == nil {
		t.Fatal("there is none")
	}
	if n := strings.Count(block[1], "\n"); n > 20 {
		t.Errorf("it has %d lines, and 20 are promised", n)
	}
	if _, err := config.Parse("config.yaml", "..", []byte(block[1])); err != nil {
		t.Error(err)
	}
}

// TestDocumentsNameWhatIsThere: the tests, folders and files that the documents
// at the top name are there.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	tests := testNames(t)
	names := regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z0-9]*)`")
	paths := regexp.MustCompile("`((?:routes|loop|cmd|sites|\\.ci)/[a-z0-9_/.-]+)`")
	cases := regexp.MustCompile(`(conformance|parse): ([a-z, ]+)`)
	folders := map[string]string{"conformance": "../loop/testdata/http", "parse": "../loop/http1/testdata/parse"}
	count := 0
	for _, doc := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md"} {
		text := strings.ReplaceAll(read(t, "../"+doc), "conformance, parse: ", "conformance: ")
		for _, m := range names.FindAllStringSubmatch(text, -1) {
			count++
			if !tests[m[1]] {
				t.Errorf("%s: there is no test %s", doc, m[1])
			}
		}
		for _, m := range paths.FindAllStringSubmatch(text, -1) {
			count++
			if _, err := os.Stat(filepath.Join("..", m[1])); err != nil {
				t.Errorf("%s: %v", doc, err)
			}
		}
		if doc != "SECURITY.md" {
			continue
		}
		for _, m := range cases.FindAllStringSubmatch(text, -1) {
			for name := range strings.SplitSeq(strings.TrimSpace(m[2]), ", ") {
				count++
				if _, err := os.Stat(filepath.Join(folders[m[1]], name+".txt")); err != nil {
					t.Errorf("%s: %v", doc, err)
				}
			}
		}
	}
	if count < 60 {
		t.Errorf("only %d names were found", count)
	}
}

// testNames gives the names of all tests and fuzz tests of the module.
func testNames(t *testing.T) map[string]bool {
	found := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, m := range declared.FindAllStringSubmatch(read(t, path), -1) {
			found[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
