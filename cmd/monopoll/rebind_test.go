package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A unix socket whose file was removed is bound anew when somebody asks for a
// reload, and so is the control socket, also one that could not be had before.
func TestReloadFindsLostSockets(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"config.yaml": "listeners: [{listen: 'unix:run/b.sock', respond: ok}]\nlog: {access: off}",
		"run/":        "", ".monopoll.sock": "in the way"})
	s := run(t, dir)
	s.says("there is no control socket")
	answers := func() bool {
		_, _, code := monopoll(t, dir, "status")
		return code == exitFine
	}
	control := filepath.Join(dir, ".monopoll.sock")
	for _, said := range []string{"the control socket that could not be had is there", "a unix socket that nobody could find is there again"} {
		must(t, os.Remove(control))
		s.signal(syscall.SIGHUP)
		s.until("the control socket", answers)
		s.says(said)
	}
	out, errs, code := monopoll(t, dir, "reload")
	if code != exitFine || !strings.Contains(out, "unchanged") || strings.Contains(out, "anew") {
		t.Errorf("nothing is lost: %d, %s%s", code, out, errs)
	}
	path := filepath.Join(dir, "run/b.sock")
	must(t, os.Remove(path))
	out, errs, code = monopoll(t, dir, "reload")
	if code != exitFine || !strings.Contains(out, "run/b.sock could not be found any more; it is bound anew") {
		t.Errorf("it says, with code %d: %s%s", code, out, errs)
	}
	if got := fetch(path, "/"); got != "ok" {
		t.Errorf("%q", got)
	}
	must(t, os.Remove(path))
	must(t, os.WriteFile(path, nil, 0o600))
	out, errs, code = monopoll(t, dir, "reload")
	if code != exitFailed || !strings.Contains(errs, "in the way") || !strings.Contains(errs, "run/b.sock") {
		t.Errorf("it says, with code %d: %s%s", code, out, errs)
	}
	s.stop()
	if _, err := os.Lstat(path); err != nil {
		t.Error("it removed a file that was not its own")
	}
}

// Configs that stand in one folder have one default for the control socket. The
// second server is told so, and not to look for another port or folder.
func TestControlSocketOfAnother(t *testing.T) {
	t.Parallel()
	config := func() string {
		return "listeners: [{listen: '" + freeAddress(t) + "', respond: ok}]\nlog: {access: off}"
	}
	dir := folder(t, map[string]string{"config.yaml": config(), "other.yaml": config()})
	first := run(t, dir)
	second := run(t, dir, "-c", "other.yaml")
	second.says("error: another server answers there; remedy: give this one a control socket of its own by control:")
	if said := second.err.String(); strings.Contains(said, "already in use") {
		t.Errorf("it says\n%s", said)
	}
	second.stop()
	first.stop()
}
