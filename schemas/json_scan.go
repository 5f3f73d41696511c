package schemas

import "bytes"

// quoted takes a text, quotes included.
func (r *jsonReader) quoted() jsonValue {
	start := r.pos
	for i := start + 1; ; i++ {
		n := bytes.IndexByte(r.data[i:], '"')
		if n < 0 {
			r.fail(errCutShort)
			r.pos = len(r.data)
			return nil
		}
		i += n
		if r.data[i-1] != '\\' || !escaped(r.data[start+1:i]) {
			r.pos = i + 1
			return jsonValue(r.data[start:r.pos])
		}
	}
}

// escaped reports whether what follows text is escaped: an odd number of
// backslashes ends it.
func escaped(text []byte) bool {
	n := len(text)
	for n > 0 && text[n-1] == '\\' {
		n--
	}
	return (len(text)-n)%2 == 1
}

// scalar takes a number, true, false or null.
func (r *jsonReader) scalar() jsonValue {
	start := r.pos
	for ; r.pos < len(r.data); r.pos++ {
		switch r.data[r.pos] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return jsonValue(r.data[start:r.pos])
		}
	}
	return jsonValue(r.data[start:])
}

// nested takes an object or array.
func (r *jsonReader) nested() jsonValue {
	start, depth := r.pos, 0
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case '"':
			if r.quoted(); r.err != nil {
				return nil
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		r.pos++
		if depth == 0 {
			return jsonValue(r.data[start:r.pos])
		}
	}
	r.fail(errCutShort)
	return nil
}
