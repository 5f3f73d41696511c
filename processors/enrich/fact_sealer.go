package enrich

import (
	"errors"
	"fmt"

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

// record seals a fact. The fields that key and header carry are in the sealed
// part too: open compares them.
func (s factSealer) record(kind factKind, f *schemas.SessionFact, partition int32) (*stream.Record, error) {
	f.Kind = sealedKinds[kind]
	head := headOf(kind, f)
	plain, err := f.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode session fact: %w", err)
	}
	key := head.key(nil)
	value, err := s.ring.Seal(nil, plain, purposeSession, aad(s.topic, key))
	if err != nil {
		return nil, fmt.Errorf("seal session fact: %w", err)
	}
	rec := &stream.Record{Topic: s.topic, Partition: partition, Key: key, Value: value}
	rec.Headers = appendHeader(rec.Headers, factHeader, head.header())
	return rec, nil
}

// sealedKinds are the kinds as the sealed part says them: an annulled send is
// a SENT that counts no more.
var sealedKinds = [...]schemas.FactKind{
	factSent: schemas.FactSent, factResult: schemas.FactResult, factFailed: schemas.FactFailed, factAnnulled: schemas.FactSent,
}

func headOf(kind factKind, f *schemas.SessionFact) fact {
	head := fact{
		session: []byte(f.SessionID), kind: kind, attempt: uint8(f.Attempt),
		app: hashApp(f.AppID), owner: hashOwner(f.Owner), loginOffset: f.LoginOffset, at: f.At,
	}
	copy(head.hash[:], f.CodeHash)
	return head
}

// open answers the fact behind what the table keeps of it.
func (s factSealer) open(f *fact, sealed []byte) (schemas.SessionFact, error) {
	w := takeWorkbench()
	defer w.release()
	w.bound = append(append(w.bound, s.topic...), '|')
	w.bound = append(f.key(w.bound), boundVersion...)
	var err error
	if w.plain, err = s.ring.Open(w.plain, sealed, purposeSession, w.bound); err != nil {
		return schemas.SessionFact{}, fmt.Errorf("open session fact: %w", err)
	}
	opened, err := schemas.DecodeSessionFact(w.plain)
	if err != nil {
		return schemas.SessionFact{}, fmt.Errorf("decode session fact: %w", err)
	}
	if opened.LoginOffset != f.loginOffset || hashApp(opened.AppID) != f.app || opened.Kind != sealedKinds[f.kind] {
		return schemas.SessionFact{}, errForeignFact
	}
	opened.CodeHash = nil // it aliases what is about to be wiped
	return opened, nil
}

// aad binds a sealed record to the topic and key that it lies under, and to
// the version of its layout.
func aad(topic string, key []byte) []byte {
	return appendAAD(make([]byte, 0, len(topic)+len(key)+3), topic, key)
}

func appendAAD[S string | []byte](dst []byte, topic string, key S) []byte {
	dst = append(append(dst, topic...), '|')
	return append(append(dst, key...), boundVersion...)
}

// boundVersion ends what sealed bytes are bound to.
const boundVersion = "|1"
