package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
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
// have several lines, and its attributes. Groups are for programs; what they
// say, the message has said.
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
	b.WriteString(r.Message)
	show := func(a slog.Attr) bool {
		if a.Value.Kind() != slog.KindGroup {
			fmt.Fprintf(&b, "; %s: %v", a.Key, a.Value)
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
