package schemas

import (
	"fmt"
	"unsafe"
)

// UserReader reads records of users.enriched one after another without making
// anything: for a reader that takes a record apart at once, as the sink does.
// It is not safe for concurrent use.
type UserReader struct {
	decoder *Decoder
	user    EnrichedUser
	parts   userParts
	doubles [16]float64
	avro    avroReader
	newest  uint64 // fingerprint of the current version
	// known is an id of the registry that stands for the current version, once one
	// was seen: what an id stands for never changes.
	known struct {
		id uint32
		ok bool
	}
}

// NewUserReader answers a UserReader. A nil decoder is one without a registry.
func NewUserReader(d *Decoder) *UserReader {
	return &UserReader{decoder: d, newest: newest[nameEnrichedUser].Fingerprint, parts: userParts{
		profile: new(Profile), phone: new(Phone), location: new(Location), address: new(Address),
		addressPhone: new(Phone), device: new(Device), subscription: new(Subscription),
	}}
}

// Read is Decoder.EnrichedUser, but what it answers lives until the next Read
// and as long as value is not changed: texts and bytes alias value.
func (r *UserReader) Read(value []byte) (*EnrichedUser, error) {
	body, ok := r.current(value)
	if !ok {
		u, err := r.decoder.EnrichedUser(value)
		r.user = u
		return &r.user, err
	}
	r.avro = avroReader{in: body, text: unsafe.String(unsafe.SliceData(body), len(body)), doubles: r.doubles[:0]}
	r.avro.enrichedUser(&r.user, &r.parts)
	if err := r.avro.end(); err != nil {
		return nil, fmt.Errorf("decode %s: %w", nameEnrichedUser, err)
	}
	return &r.user, nil
}

// current answers the body of a record in the newest version's Avro.
func (r *UserReader) current(value []byte) ([]byte, bool) {
	switch f, _ := framingOf(value); f {
	case framingSingleObject:
		fingerprint, body, err := cutSingleObject(value)
		return body, err == nil && fingerprint == r.newest
	case framingConfluent:
		id, body, err := cutConfluent(value)
		if err != nil {
			return nil, false
		}
		return body, r.means(id)
	}
	return nil, false
}

// means reports whether the registry's id stands for the current version.
func (r *UserReader) means(id uint32) bool {
	if r.known.ok && r.known.id == id {
		return true
	}
	fingerprint, err := r.decoder.fingerprintOf(id, nameEnrichedUser)
	if err != nil || fingerprint != r.newest {
		return false
	}
	r.known.id, r.known.ok = id, true
	return true
}
