package enrich

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"doustream/platform/secrets"
	"doustream/platform/stream"
	"doustream/schemas"
)

// factSealer makes and opens the records of doustream.sessions. Safe for
// concurrent use.
type factSealer struct {
	ring  *secrets.Keyring
	topic string
}

const purposeSession = "session"

var errForeignFact = errors.New("open session fact: header and sealed part differ")

// record seals a fact. A send has nothing to hide: what is sealed of it is
// empty, and proves that the record is ours.
func (s factSealer) record(kind factKind, f *schemas.SessionFact, partition int32) (*stream.Record, error) {
	head := headOf(kind, f)
	var plain []byte
	if head.decisive() {
		outcome := outcomeOf(kind, f)
		plain = outcome.Append(make([]byte, 0, 256))
		defer clear(plain)
	}
	key := head.key(nil)
	value := head.appendHead(make([]byte, 0, factSize+secrets.Overhead+len(plain)))
	value, err := s.ring.Seal(value, plain, purposeSession, s.binding(&head, key, f.AppID))
	if err != nil {
		return nil, fmt.Errorf("seal session fact: %w", err)
	}
	return &stream.Record{Topic: s.topic, Partition: partition, Key: key, Value: value, Timestamp: time.UnixMilli(f.At)}, nil
}

func headOf(kind factKind, f *schemas.SessionFact) fact {
	head := fact{
		session: []byte(f.SessionID), kind: kind, attempt: uint8(f.Attempt), layout: layoutSlim,
		app: hashApp(f.AppID), owner: hashOwner(f.Owner), loginOffset: f.LoginOffset, at: f.At,
	}
	copy(head.hash[:], f.CodeHash)
	return head
}

// outcomeOf is what of a fact is sealed. The id of a request that went well is
// not: nobody asks the platform about those.
func outcomeOf(kind factKind, f *schemas.SessionFact) schemas.SessionOutcome {
	if kind == factFailed {
		return schemas.SessionOutcome{Reason: f.Reason, ErrNo: f.ErrNo, LogID: f.LogID}
	}
	return schemas.SessionOutcome{SessionKey: f.SessionKey, OpenID: f.OpenID, UnionID: f.UnionID, AnonymousOpenID: f.AnonymousOpenID}
}

// open answers what is sealed in a fact of an app's: the fields of
// schemas.SessionOutcome, and the app.
func (s factSealer) open(f *fact, sealed []byte, appID string) (schemas.SessionFact, error) {
	if f.layout == layoutFirst {
		return s.openFirst(f, sealed)
	}
	var scratch [512]byte
	plain, err := s.ring.Open(scratch[:0], sealed, purposeSession, s.binding(f, f.key(nil), appID))
	if err != nil {
		return schemas.SessionFact{}, fmt.Errorf("open session fact: %w", err)
	}
	o, err := schemas.DecodeSessionOutcome(plain)
	clear(plain)
	if err != nil {
		return schemas.SessionFact{}, fmt.Errorf("open session fact: %w", err)
	}
	return schemas.SessionFact{
		AppID: appID, SessionKey: o.SessionKey, OpenID: o.OpenID, UnionID: o.UnionID, AnonymousOpenID: o.AnonymousOpenID,
		Reason: o.Reason, ErrNo: o.ErrNo, LogID: o.LogID,
	}, nil
}

// binding is what a slim fact is bound to: the topic and key that it lies
// under, what its head says but for the owner, whom the table does not keep, and
// the app's whole id, of which the head has a hash.
func (s factSealer) binding(f *fact, key []byte, appID string) []byte {
	b := make([]byte, 0, len(s.topic)+len(key)+len(appID)+2*8+5)
	b = append(append(b, s.topic...), '|')
	b = append(append(b, key...), '|')
	b = append(append(b, appID...), '|')
	b = binary.BigEndian.AppendUint64(b, uint64(f.loginOffset))
	b = binary.BigEndian.AppendUint64(b, uint64(f.at))
	return append(b, "|2"...)
}

// sealedKinds are the kinds as the sealed part of the first layout says them.
var sealedKinds = [...]schemas.FactKind{
	factSent: schemas.FactSent, factResult: schemas.FactResult, factFailed: schemas.FactFailed, factAnnulled: schemas.FactSent,
}

// openFirst opens a fact of the first layout: key, head and sealed part say the
// same things, which are compared.
func (s factSealer) openFirst(f *fact, sealed []byte) (schemas.SessionFact, error) {
	var scratch [512]byte
	plain, err := s.ring.Open(scratch[:0], sealed, purposeSession, aad(s.topic, f.key(nil)))
	if err != nil {
		return schemas.SessionFact{}, fmt.Errorf("open session fact: %w", err)
	}
	opened, err := schemas.DecodeSessionFact(plain)
	clear(plain)
	if err != nil {
		return schemas.SessionFact{}, fmt.Errorf("decode session fact: %w", err)
	}
	if opened.LoginOffset != f.loginOffset || hashApp(opened.AppID) != f.app || opened.Kind != sealedKinds[f.kind] {
		return schemas.SessionFact{}, errForeignFact
	}
	return opened, nil
}

// aad binds a sealed record to the topic and key that it lies under, and to
// the version of its layout.
func aad(topic string, key []byte) []byte {
	b := make([]byte, 0, len(topic)+len(key)+3)
	b = append(append(b, topic...), '|')
	return append(append(b, key...), "|1"...)
}
