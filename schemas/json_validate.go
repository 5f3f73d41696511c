package schemas

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth bounds how deep objects and arrays may nest in foreign JSON; what
// the tt.* calls answer nests three deep.
const maxDepth = 64

// validator holds a decoder for reuse.
type validator struct {
	dec *jsontext.Decoder
	buf bytes.Buffer
}

var validators = sync.Pool{New: func() any {
	v := new(validator)
	v.dec = jsontext.NewDecoder(&v.buf)
	return v
}}

// validateJSON checks that data is one JSON value and nothing else: by RFC
// 8259, in UTF-8, no name twice in an object, no deeper than maxDepth. Its
// errors say nothing of the input; jsontext's own quote names and characters.
func validateJSON(data []byte) error {
	if tooDeep(data) {
		return errTooDeep
	}
	v := validators.Get().(*validator)
	defer validators.Put(v)
	v.buf = *bytes.NewBuffer(data)
	v.dec.Reset(&v.buf)
	_, err := v.dec.ReadValue()
	if err == nil {
		if _, err = v.dec.ReadToken(); errors.Is(err, io.EOF) {
			err = nil
		} else {
			err = errTrailing
		}
	}
	return syntaxFault(err)
}

func syntaxFault(err error) error {
	switch {
	case err == nil, errors.Is(err, errTrailing):
		return err
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errDuplicate
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errCutShort
	}
	return errNotJSON
}

// tooDeep reports whether data nests deeper than maxDepth. Counting brackets
// settles nearly every input without looking at its structure.
func tooDeep(data []byte) bool {
	if bytes.Count(data, []byte{'{'})+bytes.Count(data, []byte{'['}) <= maxDepth {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
