package douyin

import (
	"bytes"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// walker reads a plaintext's JSON front to back, without building anything but
// the texts that are asked for. Its first error sticks, and ends every loop.
type walker struct {
	dec  *jsontext.Decoder
	buf  bytes.Buffer
	name []byte // of the current member, until its value is read
	err  error
}

var walkers = sync.Pool{New: func() any {
	w := new(walker)
	w.dec = jsontext.NewDecoder(&w.buf)
	return w
}}

// newWalker begins to read data; release must follow.
func newWalker(data []byte) *walker {
	w := walkers.Get().(*walker)
	w.buf, w.err = *bytes.NewBuffer(data), nil
	w.dec.Reset(&w.buf, jsontext.AllowDuplicateNames(true))
	return w
}

// release gives the walker back, without a trace of what it read.
func (w *walker) release() {
	w.buf, w.name = bytes.Buffer{}, nil
	w.dec.Reset(&w.buf)
	walkers.Put(w)
}

// open enters the object that has to come next.
func (w *walker) open() {
	if w.err == nil && w.dec.PeekKind() != '{' {
		w.err = ErrPlaintext
	}
	w.token()
}

// next goes to the next member, whose value must then be read or skipped; past
// the last one it leaves the object and answers false.
func (w *walker) next() bool {
	if w.err != nil {
		return false
	}
	if w.dec.PeekKind() != '"' {
		w.token() // the object's end, or an error
		return false
	}
	w.name = unquote(w.value())
	return w.err == nil
}

// end answers the first error; that there is more to read is one.
func (w *walker) end() error {
	if w.err == nil {
		if _, err := w.dec.ReadToken(); err != io.EOF { //nolint:errorlint // as documented: io.EOF itself
			w.err = ErrPlaintext
		}
	}
	return w.err
}

func (w *walker) token() {
	if w.err == nil {
		_, w.err = w.dec.ReadToken()
	}
}

func (w *walker) value() jsontext.Value {
	if w.err != nil {
		return nil
	}
	var v jsontext.Value
	v, w.err = w.dec.ReadValue()
	return v
}

func (w *walker) skip() {
	if w.err == nil {
		w.err = w.dec.SkipValue()
	}
}

// text reads a string; a value of another type is an empty one.
func (w *walker) text() string {
	if v := w.value(); v.Kind() == '"' {
		return string(unquote(v))
	}
	return ""
}

// digits reads a string, or a number digit for digit.
func (w *walker) digits() string {
	v := w.value()
	switch v.Kind() {
	case '"':
		return string(unquote(v))
	case '0':
		return string(v)
	}
	return ""
}

// integer reads a number, or a string of one.
func (w *walker) integer() (n number) {
	n.read(w.value())
	return n
}

// unquote answers a string's text, which aliases v where nothing is escaped.
func unquote(v jsontext.Value) []byte {
	if len(v) >= 2 && bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, v) // of what the decoder has checked
	return text
}
