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

var (
	errTooDeep      = errors.New("nested too deep")
	errTrailing     = errors.New("bytes after the value")
	errNotObject    = errors.New("not an object")
	errCutShort     = errors.New("cut short")
	errDuplicate    = errors.New("a name stands twice in one object")
	errNotJSON      = errors.New("not JSON")
	errWrongType    = errors.New("of the wrong type")
	errMissing      = errors.New("missing")
	errEmpty        = errors.New("empty")
	errTooLong      = errors.New("too long")
	errOutOfRange   = errors.New("out of range")
	errUnknownValue = errors.New("not one of the known values")
	errNotNumber    = errors.New("not a finite number")
)

// jsonReader walks foreign JSON once, front to back, without building anything.
// Its first syntax error sticks and ends every loop over members. Values that
// it answers alias the input.
type jsonReader struct {
	dec  *jsontext.Decoder
	buf  bytes.Buffer
	name []byte // of the current member, unquoted
	err  error
}

var jsonReaders = sync.Pool{New: func() any {
	r := new(jsonReader)
	r.dec = jsontext.NewDecoder(&r.buf)
	return r
}}

// readJSON begins to read data; release must follow.
func readJSON(data []byte) *jsonReader {
	r := jsonReaders.Get().(*jsonReader)
	r.buf = *bytes.NewBuffer(data)
	r.dec.Reset(&r.buf)
	r.err = nil
	return r
}

func (r *jsonReader) release() {
	r.buf = bytes.Buffer{}
	r.dec.Reset(&r.buf)
	r.name = nil
	jsonReaders.Put(r)
}

// open enters the object that comes next.
func (r *jsonReader) open() bool {
	if r.err != nil {
		return false
	}
	if r.dec.PeekKind() != '{' {
		if _, err := r.dec.ReadValue(); err != nil {
			r.fail(err)
		} else {
			r.err = errNotObject
		}
		return false
	}
	_, err := r.dec.ReadToken()
	return r.fail(err)
}

// next moves to the next member of the open object, whose value must be taken
// by value, skip or open; at the object's end it leaves the object and answers
// false.
func (r *jsonReader) next() bool {
	if r.err != nil {
		return false
	}
	if r.dec.PeekKind() == '}' {
		_, err := r.dec.ReadToken()
		r.fail(err)
		return false
	}
	quoted, err := r.dec.ReadValue()
	if !r.fail(err) {
		return false
	}
	r.name = unquote(quoted)
	return true
}

// value takes the value that comes next, as it stands.
func (r *jsonReader) value() jsontext.Value {
	v, err := r.dec.ReadValue()
	r.fail(err)
	return v
}

func (r *jsonReader) skip() { r.fail(r.dec.SkipValue()) }

// atObject reports whether an object comes next.
func (r *jsonReader) atObject() bool { return r.err == nil && r.dec.PeekKind() == '{' }

// end checks that nothing but space is left.
func (r *jsonReader) end() error {
	if r.err != nil {
		return r.err
	}
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		r.err = errTrailing
	}
	return r.err
}

func (r *jsonReader) offset() int { return int(r.dec.InputOffset()) }

func (r *jsonReader) fail(err error) bool {
	if err != nil && r.err == nil {
		r.err = syntaxFault(err)
	}
	return err == nil
}

// syntaxFault says what is wrong without the text of the input: jsontext's own
// errors quote names and characters of it.
func syntaxFault(err error) error {
	switch {
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
