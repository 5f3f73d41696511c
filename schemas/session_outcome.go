package schemas

import (
	"encoding/base64"
	"fmt"
)

// SessionOutcome is the sealed part of one fact of doustream.sessions
// (session_outcome.avsc): what came of a login code. It holds a session key and
// prints as <redacted>.
type SessionOutcome struct {
	SessionKey      string // as the platform gave it; empty: the session is anonymous, or there is none
	OpenID          string // empty: absent
	UnionID         string // empty: absent
	AnonymousOpenID string // empty: absent
	Reason          Reason // why the code never becomes a session; empty: it has
	ErrNo           int64  // the platform's number then; 0: none
	LogID           string // empty: absent
}

// outcomeVersion is the newest version of session_outcome.avsc. It stands before
// the body, in one byte where single-object framing takes ten: millions of
// outcomes are kept in memory as they lie in the topic.
const outcomeVersion = 1

// Append appends o, to be sealed.
func (o *SessionOutcome) Append(dst []byte) []byte {
	return appendSessionOutcome(append(dst, outcomeVersion), o)
}

// DecodeSessionOutcome reads what Append wrote. It costs two allocations.
func DecodeSessionOutcome(value []byte) (o SessionOutcome, err error) {
	if len(value) == 0 || value[0] != outcomeVersion {
		return o, fmt.Errorf("decode %s: %w", nameSessionOutcome, errSchemaUnknown)
	}
	r := readAvro(value[1:])
	r.sessionOutcome(&o)
	if err := r.end(); err != nil {
		return SessionOutcome{}, fmt.Errorf("decode %s: %w", nameSessionOutcome, err)
	}
	return o, nil
}

var sessionOutcomes = recordCodec[SessionOutcome]{
	name:  nameSessionOutcome,
	write: appendSessionOutcome,
	read:  (*avroReader).sessionOutcome,
	from: func(n native) SessionOutcome {
		return SessionOutcome{
			SessionKey: joinKey(n.bytes("session_key"), n.text("session_key_text")),
			OpenID:     n.text("open_id"), UnionID: n.text("union_id"), AnonymousOpenID: n.text("anonymous_open_id"),
			Reason: Reason(n.text("reason")), ErrNo: n.long("err_no"), LogID: n.text("log_id"),
		}
	},
}

func appendSessionOutcome(dst []byte, o *SessionOutcome) []byte {
	raw, text := splitKey(o.SessionKey)
	dst = appendOptionalBytes(dst, raw)
	dst = appendOptionalText(dst, text)
	dst = appendOptionalText(dst, o.OpenID)
	dst = appendOptionalText(dst, o.UnionID)
	dst = appendOptionalText(dst, o.AnonymousOpenID)
	dst = appendOptionalText(dst, string(o.Reason))
	dst = appendLong(dst, o.ErrNo)
	return appendOptionalText(dst, o.LogID)
}

func (r *avroReader) sessionOutcome(o *SessionOutcome) {
	raw, text := r.optionalBytes(), r.optionalStr()
	o.SessionKey = joinKey(raw, text)
	o.OpenID = r.optionalStr()
	o.UnionID = r.optionalStr()
	o.AnonymousOpenID = r.optionalStr()
	o.Reason = Reason(r.optionalStr())
	o.ErrNo = r.long()
	o.LogID = r.optionalStr()
}

// splitKey answers the bytes of a key in Base64, or else the key: signatures are
// made over its text, which must come back as it was.
func splitKey(key string) (raw []byte, text string) {
	raw, err := base64.StdEncoding.Strict().DecodeString(key)
	if err != nil || key == "" || base64.StdEncoding.EncodeToString(raw) != key {
		return nil, key
	}
	return raw, ""
}

func joinKey(raw []byte, text string) string {
	if len(raw) > 0 {
		return base64.StdEncoding.EncodeToString(raw)
	}
	return text
}
