package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// pty is a terminal without a screen: what is written to the keyboard, the
// program reads, if it may.
type pty struct {
	keyboard *os.File // and screen
	terminal *os.File // what the program has as standard input
}

// openPTY makes a pseudo-terminal; see pts(4).
func openPTY(t *testing.T) *pty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	must(t, err)
	t.Cleanup(func() { master.Close() })
	unlock, number := int32(0), uint32(0)
	ioctl := func(request uintptr, argument unsafe.Pointer) {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(argument)); errno != 0 {
			t.Fatal("ioctl: ", errno)
		}
	}
	ioctl(syscall.TIOCSPTLCK, unsafe.Pointer(&unlock))
	ioctl(syscall.TIOCGPTN, unsafe.Pointer(&number))
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	must(t, err)
	t.Cleanup(func() { slave.Close() })
	return &pty{master, slave}
}

func (p *pty) types(t *testing.T, keys string) {
	t.Helper()
	if _, err := p.keyboard.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// runOnTerminal starts monopoll run with a terminal as its standard input.
func runOnTerminal(t *testing.T) (p *pty, s *server, address string) {
	t.Helper()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + "', respond: one}]"})
	p = openPTY(t)
	cmd := command(dir, "run")
	cmd.Stdin = p.terminal
	return p, launch(t, cmd), a
}

// On a terminal, r and Enter reloads, q and Enter ends it; anything else, and
// the end of the terminal, does nothing.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	p, s, a := runOnTerminal(t)
	replace(t, s.cmd.Dir+"/config.yaml", "nonsense")
	const mistake = "config.yaml:1:1: "
	s.says(mistake)
	p.types(t, "what?\n\nquit\nr\n")
	s.until("the mistake a second time", func() bool { return strings.Count(s.err.String(), mistake) == 2 })
	s.serves(a, "/", "one")
	p.types(t, "q\n")
	s.exits(exitFine)
}

// A pager reads the keys of the same terminal (`monopoll run 2>&1 | less`). When it
// has taken what made the terminal readable, clients are served all the same.
func TestKeyboardIsShared(t *testing.T) {
	t.Parallel()
	p, s, a := runOnTerminal(t)
	pager, left := int(p.terminal.Fd()), make(chan struct{})
	go func() {
		defer close(left)
		for key := make([]byte, 16); ; {
			if n, err := syscall.Read(pager, key); n <= 0 || err != nil {
				return // the keyboard is gone
			}
		}
	}()
	for range 200 {
		p.types(t, "x\n")
		s.serves(a, "/", "one")
	}
	p.keyboard.Close()
	<-left
	s.stop()
}

// A terminal that is closed (a window, a remote shell) leaves it running.
func TestTerminalIsClosed(t *testing.T) {
	t.Parallel()
	p, s, a := runOnTerminal(t)
	p.terminal.Close()
	p.keyboard.Close()
	s.serves(a, "/", "one")
	s.stop()
}

// In the background (`monopoll &`) the terminal's keys are the shell's. A
// program that reads them all the same is stopped by the kernel, with every
// connection it has.
func TestKeyboardInBackground(t *testing.T) {
	t.Parallel()
	a := freeAddress(t)
	dir := folder(t, map[string]string{"config.yaml": "listeners: [{listen: '" + a + "', respond: one}]"})
	p := openPTY(t)
	cmd := command(dir)
	var err error
	if cmd.Path, err = exec.LookPath("sh"); err != nil {
		t.Fatal(err)
	}
	self, _ := os.Executable()
	// The shell leads the terminal's session. With job control (-m) what it
	// starts with & is in the background; fg brings it back and sends SIGCONT.
	cmd.Args = []string{"sh", "-c", `set -m; "$0" run & echo started; while ! [ -e forward ]; do sleep 0.02; done; fg`, self}
	cmd.Stdin = p.terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	s := launch(t, cmd)
	p.types(t, "q\nr\n")
	for range 20 {
		s.serves(a, "/", "one")
	}
	must(t, os.WriteFile(dir+"/forward", nil, 0o644))
	s.until("q to be understood", func() bool {
		p.types(t, "q\n")
		select {
		case <-s.done:
			return true
		default:
			return false
		}
	})
	s.exits(exitFine)
}
