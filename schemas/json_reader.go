package schemas

import (
	"unicode/utf8"
	"unsafe"
)

// jsonReader walks JSON that validateJSON has passed, front to back, without
// building anything. On other bytes it neither panics nor runs away: it reads
// as far as the structure holds, which is how the id of an event that is no
// JSON is found. Its first fault sticks and ends every loop over members.
// Values that it answers alias the input.
type jsonReader struct {
	data    []byte
	pos     int
	opened  bool   // just behind a '{'
	name    []byte // of the current member, unquoted; may not be kept
	foreign bool   // not validated: texts must be checked
	err     error
}

func readJSON(data []byte) jsonReader { return jsonReader{data: data} }

// peek answers the first byte behind space, 0 at the end.
func (r *jsonReader) peek() byte {
	for ; r.pos < len(r.data); r.pos++ {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (r *jsonReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// expect takes one byte of punctuation.
func (r *jsonReader) expect(c byte) bool {
	if r.err != nil {
		return false
	}
	switch r.peek() {
	case c:
		r.pos++
		return true
	case 0:
		r.fail(errCutShort)
	default:
		r.fail(errNotJSON)
	}
	return false
}

// open enters the object that comes next.
func (r *jsonReader) open() bool {
	if r.err != nil {
		return false
	}
	if r.peek() != '{' {
		if r.value(); r.err == nil {
			r.err = errNotObject
		}
		return false
	}
	r.pos++
	r.opened = true
	return true
}

// next moves to the next member of the open object, whose value must be taken
// by value, skip or open; at the object's end it leaves the object and answers
// false.
func (r *jsonReader) next() bool {
	if r.err != nil {
		return false
	}
	if r.peek() == '}' {
		r.pos++
		r.opened = false
		return false
	}
	if !r.opened && !r.expect(',') {
		return false
	}
	r.opened = false
	if r.peek() != '"' {
		r.expect('"')
		return false
	}
	quoted := r.quoted()
	if !r.expect(':') {
		return false
	}
	r.name = unquote(quoted)
	return true
}

// value takes the value that comes next, as it stands.
func (r *jsonReader) value() jsonValue {
	if r.err != nil {
		return nil
	}
	switch c := r.peek(); c {
	case '"':
		return r.quoted()
	case '{', '[':
		return r.nested()
	case 't', 'f', 'n', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return r.scalar()
	case 0:
		r.fail(errCutShort)
	default:
		if r.foreign && c != '}' && c != ']' && c != ',' && c != ':' {
			return r.scalar() // NaN, perhaps: the id may stand behind it
		}
		r.fail(errNotJSON)
	}
	return nil
}

func (r *jsonReader) skip() { r.value() }

// atObject reports whether an object comes next.
func (r *jsonReader) atObject() bool { return r.err == nil && r.peek() == '{' }

// end checks that nothing but space is left.
func (r *jsonReader) end() error {
	if r.err == nil && r.peek() != 0 {
		r.err = errTrailing
	}
	return r.err
}

// field takes the next value as text or number.
func (r *jsonReader) field() field {
	v := r.value()
	if r.err != nil {
		return field{}
	}
	f := fieldOf(v)
	if r.foreign && !utf8.Valid(f.text) {
		return field{there: true, wrong: true}
	}
	return f
}

// str takes the next value as text; what is neither text nor number counts as
// absent.
func (r *jsonReader) str() string { return string(r.field().text) }

// view is str without a copy: the text aliases the input.
func (r *jsonReader) view() string {
	text := r.field().text
	return unsafe.String(unsafe.SliceData(text), len(text))
}

// flag takes the next value as a boolean, or its text or number.
func (r *jsonReader) flag() bool {
	v := r.value()
	if v.kind() == 't' {
		return true
	}
	return r.err == nil && fieldOf(v).bool()
}

// members walks a nested object; anything else is skipped.
func (r *jsonReader) members(member func(name []byte)) {
	if !r.atObject() {
		r.skip()
		return
	}
	for ok := r.open(); ok && r.next(); {
		member(r.name)
	}
}
