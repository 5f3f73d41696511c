package schemas

// Encode answers p in Avro's single-object encoding, to be sealed.
func (p *ParkedEvent) Encode() ([]byte, error) { return parkedEvents.encode(nil, p) }

// DecodeParkedEvent reads what Encode wrote, of any version.
func DecodeParkedEvent(value []byte) (ParkedEvent, error) { return parkedEvents.decode(value) }

var parkedEvents = recordCodec[ParkedEvent]{
	name: nameParkedEvent,
	to: func(p *ParkedEvent) map[string]any {
		headers := make([]any, 0, len(p.Headers))
		for _, h := range p.Headers {
			headers = append(headers, map[string]any{"key": h.Key, "value": bytesOrNull(h.Value)})
		}
		return map[string]any{
			"source":     p.Source.native(),
			"key":        bytesOrNull(p.Key),
			"value":      bytesOrNull(p.Value),
			"timestamp":  nativeTime(p.Timestamp),
			"headers":    headers,
			"event_id":   p.EventID,
			"session_id": p.SessionID,
			"why":        p.Why,
			"parked_at":  nativeTime(p.ParkedAt),
			"attempts":   p.Attempts,
		}
	},
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
