package schemas

// Encode answers p in Avro's single-object encoding, to be sealed.
func (p *ParkedEvent) Encode() ([]byte, error) { return parkedEvents.encode(nil, p) }

// DecodeParkedEvent reads what Encode wrote, of any version.
func DecodeParkedEvent(value []byte) (ParkedEvent, error) { return parkedEvents.decode(value) }

var parkedEvents = recordCodec[ParkedEvent]{
	name:  nameParkedEvent,
	write: appendParkedEvent,
	read:  (*avroReader).parkedEvent,
	from: func(n native) ParkedEvent {
		p := ParkedEvent{
			Source:    n.source("source"),
			Key:       n.bytes("key"),
			Value:     n.bytes("value"),
			Timestamp: n.millis("timestamp"),
			EventID:   n.text("event_id"),
			SessionID: n.text("session_id"),
			Why:       n.text("why"),
			ParkedAt:  n.millis("parked_at"),
			Attempts:  n.int("attempts"),
		}
		for _, h := range n.records("headers") {
			p.Headers = append(p.Headers, Header{Key: h.text("key"), Value: h.bytes("value")})
		}
		return p
	},
}

func appendParkedEvent(dst []byte, p *ParkedEvent) []byte {
	dst = appendSource(dst, &p.Source)
	dst = appendOptionalBytes(dst, p.Key)
	dst = appendOptionalBytes(dst, p.Value)
	dst = appendLong(dst, p.Timestamp)
	if len(p.Headers) > 0 {
		dst = appendLong(dst, int64(len(p.Headers)))
		for i := range p.Headers {
			dst = appendText(dst, p.Headers[i].Key)
			dst = appendOptionalBytes(dst, p.Headers[i].Value)
		}
	}
	dst = append(dst, 0)
	dst = appendText(dst, p.EventID)
	dst = appendText(dst, p.SessionID)
	dst = appendText(dst, p.Why)
	dst = appendLong(dst, p.ParkedAt)
	return appendLong(dst, int64(p.Attempts))
}

func (r *avroReader) parkedEvent(p *ParkedEvent) {
	p.Source = r.source()
	p.Key = r.optionalBytes()
	p.Value = r.optionalBytes()
	p.Timestamp = r.long()
	r.items(func() {
		p.Headers = append(p.Headers, Header{Key: r.str(), Value: r.optionalBytes()})
	})
	p.EventID = r.str()
	p.SessionID = r.str()
	p.Why = r.str()
	p.ParkedAt = r.long()
	p.Attempts = r.int()
}
