package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"monopoll/routes/config"
)

// newLogger makes the log of what the server says of itself, on standard error.
func newLogger(format string, debug bool) (*slog.Logger, error) {
	log, err := newLogOn(standardError, format, debug)
	if err == nil {
		standardError.reports(func(lines int) {
			log.Warn("standard error was not read; what was said meanwhile is lost", "lines", lines)
		})
	}
	return log, err
}

func newLogOn(to io.Writer, format string, debug bool) (*slog.Logger, error) {
	level := slog.LevelInfo
	if debug {
		level = slog.LevelDebug
	}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(to, &slog.HandlerOptions{Level: level})), nil
	case "text":
		return slog.New(&plainHandler{to: to, level: level}), nil
	}
	return nil, fmt.Errorf("--log-format is text or json, not %q", format)
}

// plainHandler writes records for a person: the time, the message, which may
// have several lines, and its attributes, in which names of files stand. Groups
// are for programs; what they say, the message has said.
type plainHandler struct {
	to    io.Writer
	level slog.Level
	attrs []slog.Attr
}

func (h *plainHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h *plainHandler) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	b.WriteString(r.Time.Format("15:04:05 "))
	if r.Level >= slog.LevelWarn {
		fmt.Fprintf(&b, "%s: ", map[bool]string{true: "error", false: "warning"}[r.Level >= slog.LevelError])
	}
	for i, line := range strings.Split(r.Message, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		if !config.Plain(line) {
			line = config.Visible(line)
		}
		b.WriteString(line)
	}
	show := func(a slog.Attr) bool {
		if a.Value.Kind() != slog.KindGroup {
			fmt.Fprintf(&b, "; %s: %s", a.Key, shown(a))
		}
		return true
	}
	for _, a := range h.attrs {
		show(a)
	}
	r.Attrs(show)
	b.WriteByte('\n')
	_, err := h.to.Write(b.Bytes())
	return err
}

func (h *plainHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.attrs = append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)
	return &with
}

func (h *plainHandler) WithGroup(string) slog.Handler { return h }

// shown gives a value on one line, unless the lines are our own: of a stack, of
// mistakes, and of errors that were joined.
func shown(a slog.Attr) string {
	if a.Key == "stack" {
		return a.Value.String()
	}
	if err, ok := a.Value.Any().(error); ok {
		return shownError(err)
	}
	return config.Visible(a.Value.String())
}

func shownError(err error) string {
	if m, ok := err.(config.Mistake); ok {
		return m.Error()
	}
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		var lines, safe []string
		for _, one := range list.Unwrap() {
			lines, safe = append(lines, one.Error()), append(safe, shownError(one))
		}
		if strings.Join(lines, "\n") == err.Error() {
			return strings.Join(safe, "\n")
		}
	}
	return config.Visible(err.Error())
}
