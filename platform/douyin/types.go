package douyin

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "<redacted>"

// Code is a login code of tt.login: works once, lives minutes. It prints as
// <redacted> under every verb of fmt, in JSON and in logs; its text is
// string(code). That holds for exported fields too, not for unexported ones,
// which fmt prints raw.
type Code string

// SessionKey is the base64 text of 16 bytes that decrypts a session's data. It
// must never leave the server; it prints as Code does.
type SessionKey string

// Secret is an AppSecret. It prints as Code does.
type Secret string

// Token is an access token or client token. It prints as Code does.
type Token string

// String is <redacted>.
func (Code) String() string { return redacted }

// GoString is <redacted>.
func (Code) GoString() string { return redacted }

// Format writes <redacted> for every verb.
func (Code) Format(s fmt.State, _ rune) { redact(s) }

// LogValue is <redacted>.
func (Code) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is <redacted>; so is what JSON makes of it.
func (Code) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// String is <redacted>.
func (SessionKey) String() string { return redacted }

// GoString is <redacted>.
func (SessionKey) GoString() string { return redacted }

// Format writes <redacted> for every verb.
func (SessionKey) Format(s fmt.State, _ rune) { redact(s) }

// LogValue is <redacted>.
func (SessionKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is <redacted>; so is what JSON makes of it.
func (SessionKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// String is <redacted>.
func (Secret) String() string { return redacted }

// GoString is <redacted>.
func (Secret) GoString() string { return redacted }

// Format writes <redacted> for every verb.
func (Secret) Format(s fmt.State, _ rune) { redact(s) }

// LogValue is <redacted>.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is <redacted>; so is what JSON makes of it.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// String is <redacted>.
func (Token) String() string { return redacted }

// GoString is <redacted>.
func (Token) GoString() string { return redacted }

// Format writes <redacted> for every verb.
func (Token) Format(s fmt.State, _ rune) { redact(s) }

// LogValue is <redacted>.
func (Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is <redacted>; so is what JSON makes of it.
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// redact serves every verb: fmt prints the value itself for one that does not
// suit a string (%d), whatever String says.
func redact(w io.Writer) { _, _ = io.WriteString(w, redacted) }

// App is one mini-app.
type App struct {
	ID     string
	Secret Secret
}

// Session is what a code was exchanged for. SessionKey, OpenID and UnionID are
// there only for a Code, AnonymousOpenID only for an anonymous one.
type Session struct {
	SessionKey      SessionKey
	OpenID          string
	UnionID         string
	AnonymousOpenID string
	LogID           string
}
