package enrich

import (
	"encoding/binary"
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

// record makes the record of a fact; what is secret of a decisive one is sealed.
func (s factSealer) record(kind factKind, f *schemas.SessionFact, partition int32) (*stream.Record, error) {
	head := headOf(kind, f)
	if !head.decisive() {
		return s.note(&head, partition), nil
	}
	w := takeWorkbench()
	defer w.release()
	outcome := outcomeOf(kind, f)
	w.plain = outcome.Append(w.plain)
	w.bound = s.bind(w.bound, &head, f.AppID)
	key, value := s.room(&head, secrets.Overhead+len(w.plain))
	value, err := s.ring.Seal(value, w.plain, purposeSession, w.bound)
	if err != nil {
		return nil, fmt.Errorf("seal session fact: %w", err)
	}
	return &stream.Record{Topic: s.topic, Partition: partition, Key: key, Value: value}, nil
}

// note makes the record of a send, or of one that is taken back. Such a fact has
// nothing to hide: it is its key and head.
func (s factSealer) note(f *fact, partition int32) *stream.Record {
	key, value := s.room(f, 0)
	return &stream.Record{Topic: s.topic, Partition: partition, Key: key, Value: value}
}

// room answers the key and the head of a fact in one piece of memory, with room
// for as many sealed bytes behind the head.
func (s factSealer) room(f *fact, sealed int) (key, value []byte) {
	n := f.keySize()
	both := f.key(make([]byte, 0, n+factSize+sealed))
	return both[:n:n], f.appendHead(both[n:n])
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
	w := takeWorkbench()
	defer w.release()
	if f.layout == layoutFirst {
		return s.openFirst(w, f, sealed)
	}
	var err error
	w.bound = s.bind(w.bound, f, appID)
	if w.plain, err = s.ring.Open(w.plain, sealed, purposeSession, w.bound); err != nil {
		return schemas.SessionFact{}, fmt.Errorf("open session fact: %w", err)
	}
	o, err := schemas.DecodeSessionOutcome(w.plain)
	if err != nil {
		return schemas.SessionFact{}, fmt.Errorf("open session fact: %w", err)
	}
	return schemas.SessionFact{
		AppID: appID, SessionKey: o.SessionKey, OpenID: o.OpenID, UnionID: o.UnionID, AnonymousOpenID: o.AnonymousOpenID,
		Reason: o.Reason, ErrNo: o.ErrNo, LogID: o.LogID,
	}, nil
}

// bind appends what a slim fact is bound to: the topic and key that it lies
// under, what its head says but for the owner, whom the table does not keep, and
// the app's whole id, of which the head has a hash.
func (s factSealer) bind(dst []byte, f *fact, appID string) []byte {
	dst = append(append(dst, s.topic...), '|')
	dst = append(f.key(dst), '|')
	dst = append(append(dst, appID...), '|')
	dst = binary.BigEndian.AppendUint64(dst, uint64(f.loginOffset))
	dst = binary.BigEndian.AppendUint64(dst, uint64(f.at))
	return append(dst, "|2"...)
}

// sealedKinds are the kinds as the sealed part of the first layout says them.
var sealedKinds = [...]schemas.FactKind{
	factSent: schemas.FactSent, factResult: schemas.FactResult, factFailed: schemas.FactFailed, factAnnulled: schemas.FactSent,
}

// openFirst opens a fact of the first layout: key, head and sealed part say the
// same things, which are compared.
func (s factSealer) openFirst(w *workbench, f *fact, sealed []byte) (schemas.SessionFact, error) {
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
