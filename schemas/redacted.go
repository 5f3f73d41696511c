package schemas

import "log/slog"

// redacted stands for what must reach no log: types that hold codes, keys,
// tokens or personal data print as it, by every verb and through slog.
const redacted = "<redacted>"

// String names the event without its payload, which holds codes and
// ciphertext.
func (e Event) String() string {
	return "event " + e.EventID + " of app " + e.AppID + ", session " + e.SessionID
}

// GoString is String.
func (e Event) GoString() string { return e.String() }

// LogValue is String.
func (e Event) LogValue() slog.Value { return slog.StringValue(e.String()) }

// String prints nothing of it.
func (Login) String() string { return redacted }

// String prints nothing of it.
func (Encrypted) String() string { return redacted }

// String prints nothing of it.
func (RawAddress) String() string { return redacted }

// String prints nothing of it.
func (SessionFact) String() string { return redacted }

// String prints nothing of it.
func (SessionOutcome) String() string { return redacted }

// String prints nothing of it.
func (ParkedEvent) String() string { return redacted }

// String prints nothing of it.
func (NotificationState) String() string { return redacted }

// String prints nothing of it.
func (TokenRecord) String() string { return redacted }

// GoString prints nothing of it.
func (Login) GoString() string { return redacted }

// GoString prints nothing of it.
func (Encrypted) GoString() string { return redacted }

// GoString prints nothing of it.
func (RawAddress) GoString() string { return redacted }

// GoString prints nothing of it.
func (SessionFact) GoString() string { return redacted }

// GoString prints nothing of it.
func (SessionOutcome) GoString() string { return redacted }

// GoString prints nothing of it.
func (ParkedEvent) GoString() string { return redacted }

// GoString prints nothing of it.
func (NotificationState) GoString() string { return redacted }

// GoString prints nothing of it.
func (TokenRecord) GoString() string { return redacted }

// LogValue prints nothing of it.
func (Login) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue prints nothing of it.
func (Encrypted) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue prints nothing of it.
func (RawAddress) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue prints nothing of it.
func (SessionFact) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue prints nothing of it.
func (SessionOutcome) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue prints nothing of it.
func (ParkedEvent) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue prints nothing of it.
func (NotificationState) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue prints nothing of it.
func (TokenRecord) LogValue() slog.Value { return slog.StringValue(redacted) }
