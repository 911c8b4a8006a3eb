package config

import "testing"

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"":    "",
		"a b": "a b",
		"größe – 日本 \u00a0 👩\u200d💻": "größe – 日本 \u00a0 👩\u200d💻",
		`"quoted" \n`:         `"quoted" \n`,
		"live2\n\x1b[31mx":    `live2\n\x1b[31mx`,
		"a\r\t\x00\x7f\u0085": `a\r\t\x00\x7f\u0085`,
		"txt.\u202egpj\u2028": `txt.\u202egpj\u2028`,
		"\xff\ufffd\xc3":      `\xff` + "\ufffd" + `\xc3`,
	} {
		if got := Visible(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
