package schemas

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// latest is the last time that a DateTime64(3) column of ClickHouse is sure to
// hold and that anybody can mean.
var latest = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

// maxAhead is how far past now an event may say that it occurred: a time from
// a clock gone wrong would stay the newest fact of its user.
const maxAhead = 24 * time.Hour

// parseTimestamp reads milliseconds since 1970, as a number or its text, or an
// RFC 3339 time.
func parseTimestamp(text []byte) (ms int64, err error) {
	if len(text) == 0 {
		return 0, errEmpty
	}
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return n, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, string(bytes.ToUpper(text))); err == nil { // RFC 3339 allows t and z
		return t.UnixMilli(), nil
	}
	n, ok := field{text: text}.number()
	if !ok {
		return 0, errUnparsableTime
	}
	if n != math.Trunc(n) || math.Abs(n) > 1<<53 {
		return 0, errOutOfRange
	}
	return int64(n), nil
}
