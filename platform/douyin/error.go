package douyin

import (
	"errors"
	"strconv"
	"strings"
)

// Error is every error of a Client. Its text is safe in logs: it holds nothing
// of the request.
type Error struct {
	Endpoint Endpoint
	Status   int   // of HTTP; 0: no answer came
	No       int64 // the platform's error number, if Present
	Present  bool  // the answer held an error number
	Kind     Kind
	Message  string // the platform's, at most 200 bytes, the request's values taken out
	LogID    string // what platform support asks for; empty: none
	Err      error  // what failed underneath; nil when the platform answered
}

// Error is one line: endpoint, kind, and what is known of the answer.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("call " + string(e.Endpoint) + ": " + e.Kind.String())
	if e.Status != 0 && e.Status != 200 {
		b.WriteString(" status=" + strconv.Itoa(e.Status))
	}
	if e.Present {
		b.WriteString(" err_no=" + strconv.FormatInt(e.No, 10))
	}
	if e.Message != "" {
		b.WriteString(" message=" + strconv.Quote(e.Message))
	}
	if e.LogID != "" {
		b.WriteString(" log_id=" + e.LogID)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap answers what failed underneath.
func (e *Error) Unwrap() error { return e.Err }

// Sent reports whether bytes of the request may have been written to the
// platform. False is certain.
func (e *Error) Sent() bool { return e.Kind != KindNotSent }

// Unlisted reports whether the platform answered with a number that no table
// has: it is there and has decided, but what it decided is not known.
func (e *Error) Unlisted() bool {
	if !e.Present || e.No == 0 || e.Status >= 500 {
		return false
	}
	_, listed := listedKind(e.Endpoint, e.No)
	return !listed
}

// KindOf answers the kind of the first *Error in err's chain. An error that
// is none is KindUnknown, the careful reading.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindUnknown
}
