package schemas

import (
	"errors"
	"fmt"
)

// Reason says why an event became a dead letter, a login failed or an order
// was refused. Its text is part of the outside contract: values are added,
// never renamed.
type Reason string

// The reasons of dead letters.
const (
	ReasonUndecodable        Reason = "undecodable"          // not JSON, not Avro, trailing bytes, invalid UTF-8
	ReasonSchemaUnknown      Reason = "schema_unknown"       // a frame whose schema nobody knows
	ReasonInvalid            Reason = "invalid"              // decodable, but a field is missing or out of range
	ReasonTooLarge           Reason = "too_large"            // larger than a dead letter or parked entry may be
	ReasonKeyMismatch        Reason = "key_mismatch"         // the record's key is not the session_id
	ReasonAppUnknown         Reason = "app_unknown"          // app_id is not a configured app
	ReasonClientFailure      Reason = "client_failure"       // errMsg says :fail
	ReasonCodeExpired        Reason = "code_expired"         // the login code is past its life by both timestamps
	ReasonCodeRefused        Reason = "code_refused"         // the platform refused the code
	ReasonCodeOutcomeUnknown Reason = "code_outcome_unknown" // the code was used up and nobody has its session
	ReasonLoginFailed        Reason = "login_failed"         // the login this event depends on failed
	ReasonSessionMissing     Reason = "session_missing"      // no login of that session came in time
	ReasonSessionAnonymous   Reason = "session_anonymous"    // a key is needed, the session has none
	ReasonDecryptFailed      Reason = "decrypt_failed"       // no key of the session opens it
	ReasonSignatureMismatch  Reason = "signature_mismatch"   // sha1(rawData + session_key) differs
	ReasonWatermarkMismatch  Reason = "watermark_mismatch"   // watermark.appid is another app
	ReasonWatermarkStale     Reason = "watermark_stale"      // watermark.timestamp is too old or in the future
	ReasonPlatformRefused    Reason = "platform_refused"     // the platform refused for another reason
)

// Rejection is the error of an event or order that can never succeed. It
// holds no payload: its text is safe in logs and headers.
type Rejection struct {
	Reason  Reason
	EventID string // of the event, or the order's notification_id; empty when it could not be read
	Field   string // the field at fault, or empty
	Err     error  // detail without user data, or nil
}

// Reject makes a Rejection of one field.
func Reject(reason Reason, field, format string, args ...any) *Rejection {
	return &Rejection{Reason: reason, Field: field, Err: fmt.Errorf(format, args...)}
}

func (r *Rejection) Error() string {
	s := string(r.Reason)
	if r.Field != "" {
		s += ": " + r.Field
	}
	if r.Err != nil {
		s += ": " + r.Err.Error()
	}
	return s
}

func (r *Rejection) Unwrap() error { return r.Err }

// ReasonOf tells the reason of a Rejection anywhere in err's chain, or "".
func ReasonOf(err error) Reason {
	var r *Rejection
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}
