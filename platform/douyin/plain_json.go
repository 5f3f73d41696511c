package douyin

// plainJSON reports whether data is a JSON object of the plainest kind and
// nothing else: objects, texts in ASCII without escapes, whole numbers. That is
// what the platform encrypts, so that the decoder, which takes three times as
// long, is seldom asked. False says nothing: data may be JSON of another kind.
func plainJSON(data []byte) bool {
	rest, ok := plainObject(data, plainDepth)
	return ok && len(pastSpace(rest)) == 0
}

// plainDepth is how deep objects may lie in one another.
const plainDepth = 4

// plainObject answers what stands behind the object that data begins with.
func plainObject(data []byte, depth int) (rest []byte, ok bool) {
	if rest, ok = past(data, '{'); !ok || depth == 0 {
		return nil, false
	}
	if empty, ok := past(rest, '}'); ok {
		return empty, true
	}
	for {
		if rest, ok = plainText(pastSpace(rest)); !ok {
			return nil, false
		}
		if rest, ok = past(rest, ':'); !ok {
			return nil, false
		}
		if rest, ok = plainValue(pastSpace(rest), depth); !ok {
			return nil, false
		}
		if end, ok := past(rest, '}'); ok {
			return end, true
		}
		if rest, ok = past(rest, ','); !ok {
			return nil, false
		}
	}
}

func plainValue(data []byte, depth int) (rest []byte, ok bool) {
	switch {
	case len(data) == 0:
		return nil, false
	case data[0] == '"':
		return plainText(data)
	case data[0] == '{':
		return plainObject(data, depth-1)
	}
	n := 0
	for n < len(data) && '0' <= data[n] && data[n] <= '9' {
		n++
	}
	return data[n:], n == 1 || n > 1 && data[0] != '0'
}

func plainText(data []byte) (rest []byte, ok bool) {
	if len(data) == 0 || data[0] != '"' {
		return nil, false
	}
	for i, b := range data[1:] {
		switch {
		case b == '"':
			return data[i+2:], true
		case b == '\\' || b < ' ' || b > '~':
			return nil, false
		}
	}
	return nil, false
}

// past answers what stands behind a byte that comes next, but for space.
func past(data []byte, want byte) (rest []byte, ok bool) {
	if data = pastSpace(data); len(data) == 0 || data[0] != want {
		return data, false
	}
	return data[1:], true
}

func pastSpace(data []byte) []byte {
	for len(data) > 0 && (data[0] == ' ' || data[0] == '\n' || data[0] == '\r' || data[0] == '\t') {
		data = data[1:]
	}
	return data
}
