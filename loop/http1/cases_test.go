package http1

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A textCase is one case of a file under testdata/parse or testdata/chunked:
//
//	=== the name (the section it comes from)
//	what is sent, escaped; the line ends of the file are not sent
//	---
//	what comes out, one thing a line
//
// Lines that begin with "# " are comments. The escapes are \r \n \t \\ \" \xHH,
// and \{text*n} for n times text.
type textCase struct {
	place string // file:line
	name  string
	in    string
	out   []string
}

// readCases reads every file of a folder of cases.
func readCases(t testing.TB, folder string) (cases []textCase) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no case files in testdata/%s (%v)", folder, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, parseCases(t, file, string(text))...)
	}
	return cases
}

func parseCases(t testing.TB, file, text string) (cases []textCase) {
	t.Helper()
	var now *textCase
	output := false
	for i, line := range strings.Split(text, "\n") {
		place := file + ":" + strconv.Itoa(i+1)
		switch {
		case strings.HasPrefix(line, "# "), line == "" && (now == nil || output):
		case strings.HasPrefix(line, "=== "):
			cases = append(cases, textCase{place: place, name: line[len("=== "):]})
			now, output = &cases[len(cases)-1], false
		case now == nil:
			t.Fatalf("%s: text before the first ===", place)
		case line == "---":
			output = true
		case output:
			now.out = append(now.out, line)
		default:
			wire, err := unescape(line)
			if err != "" {
				t.Fatalf("%s: %s", place, err)
			}
			now.in += wire
		}
	}
	for _, c := range cases {
		if len(c.out) == 0 {
			t.Fatalf("%s: %q says nothing of what comes out", c.place, c.name)
		}
	}
	return cases
}

// unescape gives the bytes that a line of a case stands for.
func unescape(line string) (wire, problem string) {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		if line[i] != '\\' {
			b.WriteByte(line[i])
			continue
		}
		i++
		if i == len(line) {
			return "", "a backslash ends the line"
		}
		switch line[i] {
		case 'r':
			b.WriteByte('\r')
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case '\\', '"':
			b.WriteByte(line[i])
		case 'x':
			if i+2 >= len(line) {
				return "", "\\x needs two digits"
			}
			v, err := strconv.ParseUint(line[i+1:i+3], 16, 8)
			if err != nil {
				return "", "\\x needs two hexadecimal digits"
			}
			b.WriteByte(byte(v))
			i += 2
		case '{':
			end := strings.IndexByte(line[i:], '}')
			if end < 0 {
				return "", "\\{ without }"
			}
			inner := line[i+1 : i+end]
			star := strings.LastIndexByte(inner, '*')
			if star < 0 {
				return "", "\\{text*n} without *"
			}
			n, err := strconv.Atoi(inner[star+1:])
			if err != nil {
				return "", "\\{text*n} needs a number"
			}
			text, problem := unescape(inner[:star])
			if problem != "" {
				return "", problem
			}
			b.WriteString(strings.Repeat(text, n))
			i += end
		default:
			return "", "unknown escape \\" + line[i:i+1]
		}
	}
	return b.String(), ""
}
