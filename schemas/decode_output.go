package schemas

import (
	"fmt"

	"github.com/go-json-experiment/json"
)

// DecodeEnrichedUser reads a record of users.enriched in any of the three
// formats, told apart by its first bytes, and of any version where the framing
// names it. A Confluent frame is taken for the current version; where a
// registry may hold older ones, use a Decoder. The record's bytes alias value,
// its texts do not.
func DecodeEnrichedUser(value []byte) (EnrichedUser, error) {
	return (*Decoder)(nil).EnrichedUser(value)
}

// DecodeNotificationResult reads a record of notifications.results, as
// DecodeEnrichedUser does.
func DecodeNotificationResult(value []byte) (NotificationResult, error) {
	return (*Decoder)(nil).NotificationResult(value)
}

// Decoder reads output records whose Confluent frames name schemas of a
// registry. It is safe for concurrent use.
type Decoder struct{ registry SchemaResolver }

// NewDecoder answers a Decoder that asks registry for the schemas of Confluent
// frames.
func NewDecoder(registry SchemaResolver) *Decoder { return &Decoder{registry: registry} }

// EnrichedUser is DecodeEnrichedUser with a registry.
func (d *Decoder) EnrichedUser(value []byte) (u EnrichedUser, err error) {
	u, err = decodeOutput(d, value, nameEnrichedUser, readEnrichedUser, enrichedUserFromNative)
	if err != nil {
		return EnrichedUser{}, fmt.Errorf("decode %s: %w", nameEnrichedUser, err)
	}
	return u, nil
}

// NotificationResult is DecodeNotificationResult with a registry.
func (d *Decoder) NotificationResult(value []byte) (NotificationResult, error) {
	r, err := decodeOutput(d, value, nameNotificationResult, readNotificationResult, notificationResultFromNative)
	if err != nil {
		return NotificationResult{}, fmt.Errorf("decode %s: %w", nameNotificationResult, err)
	}
	return r, nil
}

func readNotificationResult(body []byte) (NotificationResult, error) {
	codec, err := newest[nameNotificationResult].compile()
	if err != nil {
		return NotificationResult{}, err
	}
	n, err := decodeNative(codec, body)
	if err != nil {
		return NotificationResult{}, err
	}
	return notificationResultFromNative(n), nil
}

// decodeOutput reads the newest version of a schema with read and every other
// through goavro and from.
func decodeOutput[T any](d *Decoder, value []byte, name string, read func([]byte) (T, error), from func(native) T) (v T, err error) {
	f, body := framingOf(value)
	switch f {
	case framingJSON:
		err = readOutputJSON(body, &v)
		return v, err
	case framingSingleObject:
		fingerprint, body, err := cutSingleObject(value)
		if err != nil {
			return v, err
		}
		return decodeVersion(name, fingerprint, body, read, from)
	case framingConfluent:
		id, body, err := cutConfluent(value)
		if err != nil {
			return v, err
		}
		fingerprint, err := d.fingerprintOf(id, name)
		if err != nil {
			return v, err
		}
		return decodeVersion(name, fingerprint, body, read, from)
	case framingEmpty:
		return v, errEmpty
	}
	return v, errUnknownFraming
}

func decodeVersion[T any](name string, fingerprint uint64, body []byte, read func([]byte) (T, error), from func(native) T) (v T, err error) {
	if fingerprint == newest[name].Fingerprint {
		return read(body)
	}
	version, ok := shippedAs(name, fingerprint)
	if !ok {
		return v, errSchemaUnknown
	}
	codec, err := version.compile()
	if err != nil {
		return v, err
	}
	n, err := decodeNative(codec, body)
	if err != nil {
		return v, err
	}
	return from(n), nil
}

func (d *Decoder) fingerprintOf(id uint32, name string) (uint64, error) {
	if d == nil || d.registry == nil {
		return newest[name].Fingerprint, nil
	}
	text, kind, err := d.registry.Resolve(id)
	if err != nil || kind != SchemaAvro {
		return 0, errSchemaUnknown
	}
	schema, err := foreign(text)
	if err != nil {
		return 0, errSchemaUnknown
	}
	return schema.fingerprint, nil
}

func readOutputJSON[T any](body []byte, v *T) error {
	if err := validateJSON(body); err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		var zero T
		*v = zero
		return errWrongType
	}
	return nil
}
