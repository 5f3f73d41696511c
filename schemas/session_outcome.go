package schemas

import (
	"encoding/base64"
	"fmt"
	"strings"
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

// DecodeSessionOutcome reads what Append wrote. It costs one allocation.
func DecodeSessionOutcome(value []byte) (o SessionOutcome, err error) {
	if len(value) == 0 || value[0] != outcomeVersion {
		return o, fmt.Errorf("decode %s: %w", nameSessionOutcome, errSchemaUnknown)
	}
	r := avroReader{in: value[1:]}
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
	dst = appendKey(dst, o.SessionKey)
	dst = appendOptionalText(dst, o.OpenID)
	dst = appendOptionalText(dst, o.UnionID)
	dst = appendOptionalText(dst, o.AnonymousOpenID)
	dst = appendOptionalText(dst, string(o.Reason))
	dst = appendLong(dst, o.ErrNo)
	return appendOptionalText(dst, o.LogID)
}

// sessionOutcome sets the text that texts are cut from anew: with the key in Base64
// behind it, the one allocation that an outcome costs.
func (r *avroReader) sessionOutcome(o *SessionOutcome) {
	raw := r.optionalBytes()
	var room [64]byte
	key := base64.StdEncoding.AppendEncode(room[:0], raw)
	var text strings.Builder
	text.Grow(len(r.in) + len(key))
	text.Write(r.in)
	text.Write(key)
	r.text = text.String()
	o.SessionKey = r.optionalStr()
	if len(raw) > 0 {
		o.SessionKey = r.text[len(r.in):]
	}
	o.OpenID = r.optionalStr()
	o.UnionID = r.optionalStr()
	o.AnonymousOpenID = r.optionalStr()
	o.Reason = Reason(r.optionalStr())
	o.ErrNo = r.long()
	o.LogID = r.optionalStr()
}

// strictBase64 takes no bits behind the end.
var strictBase64 = base64.StdEncoding.Strict()

// appendKey appends session_key and session_key_text: the bytes of a key in Base64,
// or else the key as it is. Signatures are made over its text, which must come back
// as it was: one that is longer than its bytes make has line breaks, which decoding
// passes over.
func appendKey(dst []byte, key string) []byte {
	var room, text [64]byte // of a platform's key, 16 and 24 bytes are used
	raw, err := strictBase64.AppendDecode(room[:0], append(text[:0], key...))
	if err != nil || key == "" || strictBase64.EncodedLen(len(raw)) != len(key) {
		return appendOptionalText(append(dst, branchNull), key)
	}
	return append(appendOptionalBytes(dst, raw), branchNull)
}

func joinKey(raw []byte, text string) string {
	if len(raw) > 0 {
		return base64.StdEncoding.EncodeToString(raw)
	}
	return text
}
