package schemas

import (
	"errors"
	"math"
	"sync"
	"time"
	"unicode/utf8"
)

// readSingleObject reads an event in Avro's single-object encoding. One reading
// serves version 1, the only one there is.
func (e *envelope) readSingleObject(value []byte) *Rejection {
	fingerprint, body, err := cutSingleObject(value)
	if err != nil {
		return undecodable(err)
	}
	if fingerprint != newest[nameMiniappEvent].Fingerprint && fingerprint != goavroPrint() {
		return schemaUnknown()
	}
	return e.readAvro(body)
}

// goavroPrint is the fingerprint that producers who use goavro put before an
// event: that of a form which kept the logical type. It names no other schema.
var goavroPrint = sync.OnceValue(func() uint64 {
	codec, err := newest[nameMiniappEvent].compile()
	if err != nil {
		return newest[nameMiniappEvent].Fingerprint // a test compiles every schema
	}
	return codec.Rabin
})

// readConfluent reads an event in Confluent's framing, under whatever schema
// its producer registered: ours, one with our fields among others, or JSON.
func (e *envelope) readConfluent(value []byte, registry SchemaResolver) *Rejection {
	id, body, err := cutConfluent(value)
	if err != nil {
		return undecodable(err)
	}
	if registry == nil {
		return schemaUnknown()
	}
	text, kind, err := registry.Resolve(id)
	if err != nil {
		return schemaUnknown()
	}
	switch kind {
	case SchemaJSON:
		if f, body := framingOf(body); f == framingJSON {
			return e.readJSON(body)
		} else if f == framingEmpty {
			return invalid("", errEmpty)
		}
		return undecodable(errNotJSON)
	case SchemaAvro, "":
		return e.readForeign(text, body)
	}
	return schemaUnknown()
}

func (e *envelope) readForeign(text string, body []byte) *Rejection {
	schema, err := foreign(text)
	if err != nil {
		return schemaUnknown()
	}
	if schema.fingerprint == newest[nameMiniappEvent].Fingerprint {
		return e.readAvro(body)
	}
	n, err := schema.decode(body)
	if errors.Is(err, errSchemaUnknown) {
		return schemaUnknown()
	}
	if err != nil {
		return undecodable(err)
	}
	return e.readNative(n)
}

func (e *envelope) readAvro(body []byte) *Rejection {
	r := avroReader{in: body}
	e.eventID = textField(r.chars())
	e.appID = textField(r.chars())
	e.sessionID = textField(r.chars())
	e.at, e.hasAt = r.long(), true
	e.api = textField(r.optionalChars())
	e.coordType = textField(r.optionalChars())
	payload := r.take(r.long())
	if err := r.end(); err != nil {
		return undecodable(err)
	}
	return e.readPayloadText(payload)
}

// readNative reads the fields of a foreign schema by name.
func (e *envelope) readNative(n native) *Rejection {
	utf := true
	text := func(name string) field {
		s := n.text(name)
		utf = utf && utf8.ValidString(s)
		return textField([]byte(s))
	}
	e.eventID, e.appID, e.sessionID = text("event_id"), text("app_id"), text("session_id")
	e.api, e.coordType = text("api"), text("coord_type")
	if !utf {
		return undecodable(errNotUTF8)
	}
	if s := n.text("occurred_at"); s != "" {
		e.occurredAt = textField([]byte(s))
	} else if at, ok := n.moment("occurred_at"); ok {
		e.at, e.hasAt = at, true
	}
	payload := n.bytes("payload")
	if payload == nil {
		payload = []byte(n.text("payload"))
	}
	return e.readPayloadText(payload)
}

// moment reads a time in ms, in any type that a producer may have given it. A
// logical type says its unit; a bare number is in milliseconds.
func (n native) moment(name string) (ms int64, ok bool) {
	switch t := n.member(name).(type) {
	case time.Time:
		return t.UnixMilli(), true
	case int64:
		return t, true
	case int32:
		return int64(t), true
	case float32:
		return int64(t), validMoment(float64(t))
	case float64:
		return int64(t), validMoment(t)
	}
	return 0, false
}

// validMoment reports whether a time in ms lies where an int64 reaches.
func validMoment(ms float64) bool { return math.Abs(ms) < 1<<62 }

func textField(text []byte) field { return field{text: text, there: len(text) > 0} }

func schemaUnknown() *Rejection {
	return &Rejection{Reason: ReasonSchemaUnknown, Err: errSchemaUnknown}
}
