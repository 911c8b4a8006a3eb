package main

import (
	"bufio"
	"io"
	"strings"
	"sync/atomic"
)

// keyboard reads the lines that are typed on a terminal. It is a goroutine of its
// own that waits in read(2), and not a descriptor of the loop: a terminal that is
// readable may be empty by the time it is read, because somebody else reads it too
// (`monopoll run 2>&1 | less`), and to make it non-blocking would make it so for
// the shell as well.
type keyboard struct {
	terminal io.Reader
	typed    func(line string)
	reading  atomic.Bool
}

// read begins to read, unless it is being done. It ends by itself where the
// terminal cannot be read: it was closed, or we are in the background, where with
// SIGTTIN ignored every read fails with EIO (termios(3)).
func (k *keyboard) read() {
	if k.reading.Swap(true) {
		return
	}
	go func() {
		defer k.reading.Store(false)
		for lines := bufio.NewScanner(k.terminal); lines.Scan(); {
			k.typed(strings.TrimSpace(lines.Text()))
		}
	}()
}
