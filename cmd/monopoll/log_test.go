package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"monopoll/routes/config"
)

// Names of files are anybody's who may write into a root: none of them makes a
// line of the log, or moves the cursor of a terminal.
func TestNamesForgeNoLines(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	const forged = "ff\nFAKE 00:00:00 error: owned"
	dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + `', routes: {/: {root: www}, /t/: {root: "t\nFAKE\x1b[1m"}}}]` + "\nlog: {access: off}",
		"www/a": "a", "t\nFAKE\x1b[1m/a": "a"})
	must(t, syscall.Mkfifo(filepath.Join(dir, "www", forged), 0o644))
	must(t, os.Symlink("/etc/\nFAKE/\x1b[2m", filepath.Join(dir, "www/out")))
	s := run(t, dir)
	s.says(`path: ` + dir + `/www/ff\nFAKE 00:00:00 error: owned`)
	replace(t, filepath.Join(dir, "www/live2\n\x1b[31mx"), "live")
	s.says(`(live2\n\x1b[31mx)`)
	must(t, os.Rename(filepath.Join(dir, "t\nFAKE\x1b[1m"), filepath.Join(dir, "aside")))
	s.says(`t\nFAKE\x1b[1m`)
	replace(t, filepath.Join(dir, "www/live3\n\x1b[31mx"), "live")
	out, errs, _ := monopoll(t, dir, "reload")
	status, _, _ := monopoll(t, dir, "status")
	check, mistakes, _ := monopoll(t, dir, "check")
	s.stop()
	for what, text := range map[string]string{"the log": s.err.String(), "reload": out + errs, "status": status, "check": check + mistakes} {
		if strings.Contains(text, "\x1b") || strings.Contains(text, "\nFAKE") {
			t.Errorf("%s:\n%q", what, text)
		}
	}
}

// Lines of our own stay lines: those of a message, of mistakes, of errors that
// were joined, and of a stack.
func TestLogKeepsOurLines(t *testing.T) {
	var said strings.Builder
	log, err := newLogOn(&said, "text", false)
	must(t, err)
	mistake := config.Mistake{Path: "c.yaml", Line: 1, Column: 2, Text: "wrong", Source: "a:\tb"}
	for want, do := range map[string]func(){
		"one\n  two\tthree\n":         func() { log.Info("one\n  two\tthree") },
		"one\n" + `two\x1b[1m` + "\n": func() { log.Info("one\ntwo\x1b[1m") },
		"m; error: " + mistake.Error() + "\n" + `open a\nb` + "\n": func() {
			log.Info("m", "error", errors.Join(mistake, errors.New("open a\nb")))
		},
		"m; error: " + config.Mistakes{mistake, mistake}.Error() + "\n": func() { log.Info("m", "error", config.Mistakes{mistake, mistake}) },
		"m; error: " + `a\n: b` + "\n":                                  func() { log.Info("m", "error", fmt.Errorf("%w: %w", errors.New("a\n"), errors.New("b"))) },
		"m; stack: a\n\tb\n":                                            func() { log.Info("m", "stack", "a\n\tb") },
		"m; n: 1; b: " + `x\ty` + "\n":                                  func() { log.With("n", 1).Info("m", slog.String("b", "x\ty")) },
	} {
		said.Reset()
		do()
		if got := said.String()[len("00:00:00 "):]; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
