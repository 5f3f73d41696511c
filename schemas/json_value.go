package schemas

import (
	"bytes"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonValue is one JSON value as it stands; nil where there is none.
type jsonValue []byte

// kind is the value's first byte, '0' for every number, 0 for none.
func (v jsonValue) kind() byte {
	switch c := firstByte(v); c {
	case '-', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return '0'
	default:
		return c
	}
}

func firstByte(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// unquote answers the text of a JSON string, nil where its escapes are none.
// It aliases it where nothing is escaped.
func unquote(quoted []byte) []byte {
	if len(quoted) < 2 {
		return nil
	}
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	text, err := jsontext.AppendUnquote(make([]byte, 0, len(inner)), quoted)
	if err != nil {
		return nil
	}
	return text
}

// field is a value that should be text or a number: either may come as the
// other. The zero value is absent, as null is.
type field struct {
	text  []byte
	there bool
	wrong bool // neither text nor number
}

func fieldOf(v jsonValue) field {
	switch v.kind() {
	case '"':
		return field{text: unquote(v), there: true}
	case '0':
		return field{text: v, there: true}
	case 'n':
		return field{}
	}
	return field{there: true, wrong: true}
}

// within answers what is wrong with a required text of 1 to limit bytes.
func (f field) within(limit int) error {
	switch {
	case !f.there:
		return errMissing
	case f.wrong:
		return errWrongType
	case len(f.text) == 0:
		return errEmpty
	case len(f.text) > limit:
		return errTooLong
	}
	return nil
}

// number answers a finite number, from a number or its text.
func (f field) number() (float64, bool) {
	if !isDecimal(f.text) {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(f.text), 64)
	return n, err == nil && !math.IsInf(n, 0)
}

// isDecimal keeps out what ParseFloat takes beyond decimal numbers: names of
// no number, hexadecimal notation, underscores.
func isDecimal(text []byte) bool {
	for _, c := range text {
		if c > '9' && c != 'e' && c != 'E' || c < '+' || c == ',' || c == '/' {
			return false
		}
	}
	return len(text) > 0
}

// optionalNumber answers nil where the field is no number: the platform's
// optional fields vary by device.
func (f field) optionalNumber() *float64 {
	if n, ok := f.number(); ok {
		return &n
	}
	return nil
}

func (f field) bool() bool { return string(f.text) == "true" || string(f.text) == "1" }
