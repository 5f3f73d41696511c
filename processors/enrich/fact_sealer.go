package enrich

import (
	"encoding/binary"
	"errors"
	"fmt"

	"doustream/platform/secrets"
	"doustream/platform/stream"
	"doustream/schemas"
)

// factSealer makes and opens the records of doustream.sessions. It seals in runs
// (secrets.Sealer): a login has an outcome written while the platform's answer is in
// hand, and a subkey of its own for it would cost more than all the rest. Safe for
// concurrent use.
type factSealer struct {
	ring   *secrets.Keyring
	sealer *secrets.Sealer
	topic  string
}

const purposeSession = "session"

var errForeignFact = errors.New("open session fact: header and sealed part differ")

func newFactSealer(ring *secrets.Keyring, topic string) factSealer {
	return factSealer{ring: ring, sealer: ring.Sealer(purposeSession), topic: topic}
}

// outcome makes the record of a decisive fact of an app's, in which o is sealed.
func (s factSealer) outcome(f *fact, appID string, o *schemas.SessionOutcome, partition int32) (*stream.Record, error) {
	w := takeScratch()
	defer w.release()
	w.plain = o.Append(w.plain)
	w.bound = s.bind(w.bound, f, appID)
	key := w.bound[len(s.topic)+1:][:f.keySize()] // as bind put it there
	key, value := f.beside(append(make([]byte, 0, len(key)+factSize+secrets.Overhead+len(w.plain)), key...))
	value, err := s.sealer.Seal(value, w.plain, w.bound)
	if err != nil {
		return nil, fmt.Errorf("seal session fact: %w", err)
	}
	return &stream.Record{Topic: s.topic, Partition: partition, Key: key, Value: value}, nil
}

// note makes the record of a send, or of one that is taken back. Such a fact has
// nothing to hide: it is its key and head.
func (s factSealer) note(f *fact, partition int32) *stream.Record {
	key, value := f.beside(f.key(make([]byte, 0, f.keySize()+factSize)))
	return &stream.Record{Topic: s.topic, Partition: partition, Key: key, Value: value}
}

// beside puts the head into the room behind a key, so that the two are one piece of
// memory; what is sealed goes behind the head.
func (f *fact) beside(key []byte) (only, value []byte) {
	n := len(key)
	return key[:n:n], f.appendHead(key[n:])
}

// open answers what is sealed in a fact of an app's.
func (s factSealer) open(f *fact, sealed []byte, appID string) (o schemas.SessionOutcome, err error) {
	w := takeScratch()
	defer w.release()
	if f.layout == layoutFirst {
		return s.openFirst(w, f, sealed, appID)
	}
	w.bound = s.bind(w.bound, f, appID)
	if w.plain, err = s.ring.Open(w.plain, sealed, purposeSession, w.bound); err != nil {
		return o, fmt.Errorf("open session fact: %w", err)
	}
	if o, err = schemas.DecodeSessionOutcome(w.plain); err != nil {
		return o, fmt.Errorf("open session fact: %w", err)
	}
	return o, nil
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
func (s factSealer) openFirst(w *scratch, f *fact, sealed []byte, appID string) (o schemas.SessionOutcome, err error) {
	w.bound = append(append(w.bound, s.topic...), '|')
	w.bound = append(f.key(w.bound), boundVersion...)
	if w.plain, err = s.ring.Open(w.plain, sealed, purposeSession, w.bound); err != nil {
		return o, fmt.Errorf("open session fact: %w", err)
	}
	opened, err := schemas.DecodeSessionFact(w.plain)
	if err != nil {
		return o, fmt.Errorf("decode session fact: %w", err)
	}
	if opened.LoginOffset != f.loginOffset || opened.AppID != appID || hashApp(appID) != f.app || opened.Kind != sealedKinds[f.kind] {
		return o, errForeignFact
	}
	return schemas.SessionOutcome{
		SessionKey: opened.SessionKey, OpenID: opened.OpenID, UnionID: opened.UnionID, AnonymousOpenID: opened.AnonymousOpenID,
		Reason: opened.Reason, ErrNo: opened.ErrNo, LogID: opened.LogID,
	}, nil
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
