package schemas

// decodeObject hands every member of a payload to member, which must take its
// value. A fault of the JSON is an undecodable *Rejection.
func decodeObject(payload []byte, member func(r *jsonReader, name string)) *Rejection {
	r := readJSON(payload)
	defer r.release()
	for ok := r.open(); ok && r.next(); {
		member(r, string(r.name))
	}
	switch err := r.end(); {
	case err != nil:
		return undecodable(err)
	case tooDeep(payload):
		return undecodable(errTooDeep)
	}
	return nil
}

// str takes the next value as text; what is neither text nor number counts as
// absent.
func (r *jsonReader) str() string { return string(r.field().text) }

// flag takes the next value as a boolean, or its text or number.
func (r *jsonReader) flag() bool {
	v := r.value()
	if r.err != nil {
		return false
	}
	switch v.Kind() {
	case 't':
		return true
	case '"', '0':
		return fieldOf(v).bool()
	}
	return false
}

// members walks a nested object; anything else is skipped.
func (r *jsonReader) members(member func(name string)) {
	if !r.atObject() {
		r.skip()
		return
	}
	for ok := r.open(); ok && r.next(); {
		member(string(r.name))
	}
}
