package schemas

// EventFields are an event's fields as its producer writes them.
type EventFields struct {
	EventID    string
	AppID      string
	SessionID  string
	OccurredAt int64  // ms
	API        string // empty: absent
	CoordType  string // empty: absent
	Payload    string // the callback's JSON object
}

// Encode answers the event in Avro's single-object encoding, as a producer may
// publish it.
func (f *EventFields) Encode() []byte { return f.append(nil) }

func (f *EventFields) append(dst []byte) []byte {
	dst = appendSingleObject(dst, newest[nameMiniappEvent].Fingerprint)
	dst = appendText(dst, f.EventID)
	dst = appendText(dst, f.AppID)
	dst = appendText(dst, f.SessionID)
	dst = appendLong(dst, f.OccurredAt)
	dst = appendOptionalText(dst, f.API)
	dst = appendOptionalText(dst, f.CoordType)
	return appendText(dst, f.Payload)
}
