package schemas

// decodeObject hands every member of the payload of a decoded event to member,
// which must take its value; the name may not be kept. The payload was
// validated with the event; what is no object is an undecodable *Rejection.
func decodeObject(payload []byte, member func(r *jsonReader, name []byte)) *Rejection {
	r := readJSON(payload)
	return r.walk(member)
}

// decodeForeignObject is decodeObject for bytes that nobody has validated. Where
// they are no JSON, member sees as much as can be read before the fault.
func decodeForeignObject(value []byte, member func(r *jsonReader, name []byte)) *Rejection {
	r := readJSON(value)
	fault := validateJSON(value)
	r.foreign = fault != nil
	rejection := r.walk(member)
	if fault != nil {
		return undecodable(fault)
	}
	return rejection
}

func (r *jsonReader) walk(member func(r *jsonReader, name []byte)) *Rejection {
	for ok := r.open(); ok && r.next(); {
		member(r, r.name)
	}
	if err := r.end(); err != nil {
		return undecodable(err)
	}
	return nil
}
