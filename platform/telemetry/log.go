package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// Format is how log lines are written.
type Format string

const (
	// FormatText is slog's key=value lines.
	FormatText Format = "text"
	// FormatJSON is one JSON object a line.
	FormatJSON Format = "json"
)

// NewLogger makes a logger that writes to w. Anything but FormatJSON is text.
func NewLogger(w io.Writer, level slog.Level, format Format) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == FormatJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// ParseLevel reads debug, info, warn or error, in any case.
func ParseLevel(s string) (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s)); err != nil {
		return 0, fmt.Errorf("%q is no log level: debug, info, warn or error", s)
	}
	return level, nil
}
