package loop

import (
	"bytes"
	"testing"
)

// FuzzControl gives the control socket's protocol any bytes in any pieces. It
// carries out at most one command, which is the first line that came, whole,
// bounded and without its end; it keeps a bounded part of what it does not
// understand; and what it is told to answer is what it sends.
func FuzzControl(f *testing.F) {
	for _, text := range []string{"status\n", "reload\nstop\n", "stop", "\n", "", "reload /a/path\n", "\x00\xff\r\n", "GET / HTTP/1.1\r\n\r\n"} {
		f.Add([]byte(text), uint8(3))
	}
	f.Add(bytes.Repeat([]byte("x"), longestCommand), uint8(200))
	f.Add(append(bytes.Repeat([]byte("x"), longestCommand), '\n'), uint8(0))
	f.Add(append(bytes.Repeat([]byte("x"), longestCommand+1), '\n'), uint8(0))
	f.Fuzz(func(t *testing.T, text []byte, cut uint8) {
		var commands []string
		l := &Loop{controller: func(command string, _ func([]byte)) { commands = append(commands, command) }}
		p, out := &control{loop: l, conn: new(conn)}, new(output)
		var in []byte
		closed := false
		for rest := text; len(rest) > 0 && !closed; {
			n := min(int(cut)+1, len(rest))
			in, rest = append(in, rest[:n]...), rest[n:]
			n, w := p.step(in, out)
			if n < 0 || n > len(in) {
				t.Fatalf("it took %d of %d bytes", n, len(in))
			}
			in = in[n:]
			if closed = w.closes(); closed && len(commands) > 0 {
				t.Fatal("it closes before it has answered")
			}
			if len(in) > longestCommand+int(cut)+1 && len(commands) == 0 {
				t.Fatalf("it keeps %d bytes", len(in))
			}
			if len(out.own) > 0 {
				t.Fatalf("it says %q unasked", out.own)
			}
		}
		line, _, whole := bytes.Cut(text, []byte{'\n'})
		switch {
		case len(commands) > 1:
			t.Fatalf("commands %q", commands)
		case len(commands) == 1 && (!whole || commands[0] != string(line) || len(line) > longestCommand):
			t.Fatalf("the command %q, from %q", commands[0], text)
		case len(commands) == 0 && whole && len(line) <= longestCommand:
			t.Fatalf("no command, from %q", text)
		case len(commands) == 0:
			return
		}
		p.answer = []byte("an answer")
		if _, w := p.step(in, out); w != wantClose || string(out.own) != "an answer" {
			t.Fatalf("it answers %q, and wants %d", out.own, w)
		}
	})
}
