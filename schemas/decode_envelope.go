package schemas

import (
	"bytes"
	"errors"
)

var errUnknownFraming = errors.New("none of the three framings")

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
	r := readJSON(value)
	defer r.release()
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
			e.readPayload(r, value)
		default:
			r.skip()
		}
	}
	if err := r.end(); err != nil {
		return undecodable(err)
	}
	if tooDeep(value) {
		return undecodable(errTooDeep)
	}
	if e.payload == nil && e.payloadFault == nil {
		e.payloadFault = errMissing
	}
	return nil
}

// field takes the next value as text or number.
func (r *jsonReader) field() field {
	v := r.value()
	if r.err != nil {
		return field{}
	}
	return fieldOf(v)
}

// readPayload takes the payload that comes next in value, byte for byte.
func (e *envelope) readPayload(r *jsonReader, value []byte) {
	if !r.atObject() {
		v := r.value()
		if e.payloadFault = errWrongType; v.Kind() == 'n' {
			e.payloadFault = errMissing
		}
		return
	}
	start := r.offset() + bytes.IndexByte(value[r.offset():], '{')
	e.signs.readPayload(r)
	if r.err == nil {
		e.payload = value[start:r.offset():r.offset()]
	}
}

// readPayloadText takes a payload that came as the text of a JSON object.
func (e *envelope) readPayloadText(text []byte) *Rejection {
	if trimmed := bytes.Trim(text, " \t\r\n"); len(trimmed) == 0 || string(trimmed) == "null" {
		e.payloadFault = errMissing
		return nil
	}
	r := readJSON(text)
	defer r.release()
	e.signs.readPayload(r)
	switch err := r.end(); {
	case errors.Is(err, errNotObject):
		e.payloadFault = errWrongType
	case err != nil:
		return undecodable(err)
	case tooDeep(text):
		return undecodable(errTooDeep)
	}
	e.payload = text
	return nil
}
