package douyin

import "log/slog"

const redacted = "<redacted>"

// Code is a login code of tt.login: works once, lives minutes. It prints as
// <redacted>.
type Code string

// SessionKey is the base64 text of 16 bytes that decrypts a session's data. It
// must never leave the server; it prints as <redacted>.
type SessionKey string

// Secret is an AppSecret. It prints as <redacted>.
type Secret string

// Token is an access token or client token. It prints as <redacted>.
type Token string

func (Code) String() string             { return redacted }
func (Code) GoString() string           { return redacted }
func (Code) LogValue() slog.Value       { return slog.StringValue(redacted) }
func (SessionKey) String() string       { return redacted }
func (SessionKey) GoString() string     { return redacted }
func (SessionKey) LogValue() slog.Value { return slog.StringValue(redacted) }
func (Secret) String() string           { return redacted }
func (Secret) GoString() string         { return redacted }
func (Secret) LogValue() slog.Value     { return slog.StringValue(redacted) }
func (Token) String() string            { return redacted }
func (Token) GoString() string          { return redacted }
func (Token) LogValue() slog.Value      { return slog.StringValue(redacted) }

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
