package schemas

import "bytes"

// read takes a value apart, whatever its framing.
func (e *envelope) read(value []byte, registry SchemaResolver) *Rejection {
	framing, body := framingOf(value)
	switch framing {
	case framingEmpty:
		return invalid("", errEmpty)
	case framingJSON:
		return e.readJSON(body)
	case framingSingleObject:
		return e.readSingleObject(body)
	case framingConfluent:
		return e.readConfluent(body, registry)
	}
	return undecodable(errUnknownFraming)
}

func (e *envelope) readJSON(value []byte) *Rejection {
	fault := validateJSON(value)
	r := readJSON(value)
	r.foreign = fault != nil
	for ok := r.open(); ok && r.next(); {
		switch string(r.name) {
		case "event_id":
			e.eventID = r.field()
		case "app_id":
			e.appID = r.field()
		case "session_id":
			e.sessionID = r.field()
		case "occurred_at":
			e.occurredAt = r.field()
		case "api":
			e.api = r.field()
		case "coord_type":
			e.coordType = r.field()
		case "payload":
			e.readPayload(&r)
		default:
			r.skip()
		}
	}
	if fault != nil {
		return undecodable(fault)
	}
	if r.err != nil {
		return undecodable(r.err)
	}
	if e.payload == nil && e.payloadFault == nil {
		e.payloadFault = errMissing
	}
	return nil
}

// readPayload takes the payload that comes next, byte for byte.
func (e *envelope) readPayload(r *jsonReader) {
	if !r.atObject() {
		if e.payloadFault = errWrongType; r.value().kind() == 'n' {
			e.payloadFault = errMissing
		}
		return
	}
	start := r.pos
	e.signs.readPayload(r)
	if r.err == nil {
		e.payload = r.data[start:r.pos:r.pos]
	}
}

// readPayloadText takes a payload that came as the text of a JSON object.
func (e *envelope) readPayloadText(text []byte) *Rejection {
	if trimmed := bytes.Trim(text, " \t\r\n"); len(trimmed) == 0 || string(trimmed) == "null" {
		e.payloadFault = errMissing
		return nil
	}
	if err := validateJSON(text); err != nil {
		return undecodable(err)
	}
	r := readJSON(text)
	if e.signs.readPayload(&r); r.err != nil {
		e.payloadFault = errWrongType
		return nil
	}
	e.payload = text
	return nil
}
