package schemas

import "fmt"

// codeHashSize is the length of SessionFact.CodeHash.
const codeHashSize = 16

// Encode answers f in Avro's single-object encoding, to be sealed. A code hash
// of another length than 16 bytes is an error.
func (f *SessionFact) Encode() ([]byte, error) { return f.Append(nil) }

// Append is Encode onto dst.
func (f *SessionFact) Append(dst []byte) ([]byte, error) {
	if len(f.CodeHash) != codeHashSize {
		return dst, fmt.Errorf("encode %s: code hash of %d bytes: %w", nameSessionFact, len(f.CodeHash), errOutOfRange)
	}
	return sessionFacts.encode(dst, f)
}

// DecodeSessionFact reads what Encode wrote, of any version. CodeHash aliases
// value. It costs one allocation: millions are read when a task is restored.
func DecodeSessionFact(value []byte) (SessionFact, error) {
	fingerprint, body, err := cutSingleObject(value)
	if err != nil || value[0] != 0xC3 || fingerprint != newestSessionFact {
		return sessionFacts.decode(value)
	}
	r := readAvro(body)
	var f SessionFact
	r.sessionFact(&f)
	if err := r.end(); err != nil {
		return SessionFact{}, fmt.Errorf("decode %s: %w", nameSessionFact, err)
	}
	return f, nil
}

var newestSessionFact = newest[nameSessionFact].Fingerprint

func appendSessionFact(dst []byte, f *SessionFact) []byte {
	dst = appendEnum(dst, knownNumber(uint8(f.Kind), factSymbols))
	dst = appendText(dst, f.SessionID)
	dst = appendText(dst, f.AppID)
	dst = append(dst, f.CodeHash...)
	dst = appendEnum(dst, numberOfText(codeKindSymbols, string(f.CodeKind)))
	dst = appendLong(dst, int64(f.Attempt))
	dst = appendText(dst, f.Owner)
	dst = appendLong(dst, f.At)
	dst = appendLong(dst, f.LoginOffset)
	dst = appendLong(dst, f.LoginAt)
	dst = appendOptionalText(dst, f.SessionKey)
	dst = appendOptionalText(dst, f.OpenID)
	dst = appendOptionalText(dst, f.UnionID)
	dst = appendOptionalText(dst, f.AnonymousOpenID)
	dst = appendOptionalText(dst, string(f.Reason))
	dst = appendLong(dst, f.ErrNo)
	return appendOptionalText(dst, f.LogID)
}

func (r *avroReader) sessionFact(f *SessionFact) {
	f.Kind = FactKind(r.enum(len(factSymbols)))
	f.SessionID = r.str()
	f.AppID = r.str()
	f.CodeHash = r.take(codeHashSize)
	f.CodeKind = codeKindAt(r.enum(len(codeKindSymbols)))
	f.Attempt = r.int()
	f.Owner = r.str()
	f.At = r.long()
	f.LoginOffset = r.long()
	f.LoginAt = r.long()
	f.SessionKey = r.optionalStr()
	f.OpenID = r.optionalStr()
	f.UnionID = r.optionalStr()
	f.AnonymousOpenID = r.optionalStr()
	f.Reason = Reason(r.optionalStr())
	f.ErrNo = r.long()
	f.LogID = r.optionalStr()
}

var codeKinds = [...]CodeKind{"", CodeKindCode, CodeKindAnonymous, CodeKindBoth}

func codeKindAt(n uint8) CodeKind { return codeKinds[int(n)%len(codeKinds)] }

var sessionFacts = recordCodec[SessionFact]{
	name:  nameSessionFact,
	write: appendSessionFact,
	read:  (*avroReader).sessionFact,
	from: func(n native) SessionFact {
		return SessionFact{
			Kind:      FactKind(numberOf(factSymbols, n.text("kind"))),
			SessionID: n.text("session_id"), AppID: n.text("app_id"), CodeHash: n.bytes("code_hash"),
			CodeKind: codeKindAt(numberOf(codeKindSymbols, n.text("code_kind"))),
			Attempt:  n.int("attempt"), Owner: n.text("owner"), At: n.millis("at"),
			LoginOffset: n.long("login_offset"), LoginAt: n.millis("login_at"),
			SessionKey: n.text("session_key"), OpenID: n.text("open_id"), UnionID: n.text("union_id"),
			AnonymousOpenID: n.text("anonymous_open_id"), Reason: Reason(n.text("reason")),
			ErrNo: n.long("err_no"), LogID: n.text("log_id"),
		}
	},
}
