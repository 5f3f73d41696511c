package schemas

import "errors"

// What can be wrong with foreign bytes. The texts say nothing of the input, so
// that a Rejection is safe in logs and headers.
var (
	errTooDeep        = errors.New("nested too deep")
	errTrailing       = errors.New("bytes after the value")
	errNotObject      = errors.New("not an object")
	errCutShort       = errors.New("cut short")
	errDuplicate      = errors.New("a name stands twice in one object")
	errNotJSON        = errors.New("not JSON")
	errNotUTF8        = errors.New("a text is not UTF-8")
	errWrongType      = errors.New("of the wrong type")
	errMissing        = errors.New("missing")
	errEmpty          = errors.New("empty")
	errTooLong        = errors.New("too long")
	errOutOfRange     = errors.New("out of range")
	errUnknownValue   = errors.New("not one of the known values")
	errNotNumber      = errors.New("not a finite number")
	errUnparsableTime = errors.New("neither milliseconds nor RFC 3339")
	errUnknownFraming = errors.New("none of the three framings")
	errSchemaUnknown  = errors.New("schema unknown")
	errSchema         = errors.New("not of its schema")
	errVarint         = errors.New("a number is too long")
	errOtherKey       = errors.New("not the record's key")
	errNotConfigured  = errors.New("not configured")
	errCallFailed     = errors.New("the call failed")
)
