package secrets

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what a secret prints as, however it is printed.
const Redacted = "<redacted>"

// String is a secret of the configuration. It prints, logs and encodes as
// <redacted>; Reveal is the one way to its value. The zero value is the empty
// secret.
type String struct {
	// A pointer, so that a String in somebody's unexported field, where fmt
	// calls no methods, prints as an address.
	value *string
}

// NewString makes a secret of s.
func NewString(s string) String { return String{&s} }

// Reveal answers the value itself.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether there is no value.
func (s String) Empty() bool { return s.Reveal() == "" }

// String answers <redacted>, or nothing for the empty secret.
func (s String) String() string {
	if s.Empty() {
		return ""
	}
	return Redacted
}

// Format prints <redacted> whatever the verb.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements slog.LogValuer.
func (s String) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler with the redacted form.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the value in.
func (s *String) UnmarshalText(text []byte) error {
	*s = NewString(string(text))
	return nil
}
