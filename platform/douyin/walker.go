package douyin

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// isJSON reports whether data is one JSON value and nothing else. Nothing is
// kept of it.
func isJSON(data []byte) bool { return plainJSON(data) || jsontext.Value(data).IsValid(sameNames) }

// sameNames passes a name that stands twice in an object: not what is asked.
var sameNames = jsontext.AllowDuplicateNames(true)

// walker reads a plaintext's JSON front to back. The plaintext is checked as a
// whole and copied as a whole, once; texts are cut from the copy, so that what
// was decrypted can be wiped.
type walker struct {
	text string
	pos  int
	name string // of the current member
}

// newWalker begins to read data; ErrPlaintext where that is no JSON object.
func newWalker(data []byte) (walker, error) {
	if !isJSON(data) {
		return walker{}, ErrPlaintext
	}
	w := walker{text: string(data)}
	if w.peek() != '{' {
		return walker{}, ErrPlaintext
	}
	w.open()
	return w, nil
}

// peek answers the first byte behind space and punctuation, 0 at the end.
func (w *walker) peek() byte {
	for ; w.pos < len(w.text); w.pos++ {
		switch b := w.text[w.pos]; b {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return b
		}
	}
	return 0
}

// open enters the object that comes next.
func (w *walker) open() { w.pos++ }

// next goes to the next member, whose value must then be read or skipped; past
// the last one it leaves the object and answers false.
func (w *walker) next() bool {
	if w.peek() != '"' {
		w.pos++ // the object's end
		return false
	}
	w.name = unquote(w.value())
	return true
}

// value takes the value that comes next, as it stands.
func (w *walker) value() string {
	first, start := w.peek(), w.pos
	switch first {
	case '"':
		w.quoted()
	case '{', '[':
		w.nested()
	default:
		n := strings.IndexAny(w.text[start:], ",:]} \t\r\n")
		if n < 0 {
			n = len(w.text) - start
		}
		w.pos += n
	}
	return w.text[start:w.pos]
}

func (w *walker) quoted() {
	for w.pos++; w.pos < len(w.text); w.pos++ {
		switch w.text[w.pos] {
		case '\\':
			w.pos++
		case '"':
			w.pos++
			return
		}
	}
}

func (w *walker) nested() {
	for depth := 0; w.pos < len(w.text); {
		switch w.text[w.pos] {
		case '"':
			w.quoted()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		w.pos++
		if depth == 0 {
			return
		}
	}
}

func (w *walker) skip() { w.value() }

// string reads a string; a value of another type is an empty one.
func (w *walker) string() string {
	if v := w.value(); v[0] == '"' {
		return unquote(v)
	}
	return ""
}

// digits reads a string, or a number digit for digit.
func (w *walker) digits() string {
	v := w.value()
	switch b := v[0]; {
	case b == '"':
		return unquote(v)
	case b == '-' || '0' <= b && b <= '9':
		return v
	}
	return ""
}

// integer reads a number, or a string of one.
func (w *walker) integer() (n number) {
	n.parse(strings.TrimSpace(strings.Trim(w.value(), `"`)))
	return n
}

// unquote answers the text of a string that isJSON has passed, cut from it
// where nothing is escaped.
func unquote(v string) string {
	if strings.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, v)
	return string(text)
}
