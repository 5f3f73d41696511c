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
func (d *Decoder) EnrichedUser(value []byte) (EnrichedUser, error) {
	u, err := decodeOutput(d, value, enrichedUsers)
	if err != nil {
		return EnrichedUser{}, fmt.Errorf("decode %s: %w", nameEnrichedUser, err)
	}
	return u, nil
}

// NotificationResult is DecodeNotificationResult with a registry.
func (d *Decoder) NotificationResult(value []byte) (NotificationResult, error) {
	r, err := decodeOutput(d, value, notificationResults)
	if err != nil {
		return NotificationResult{}, fmt.Errorf("decode %s: %w", nameNotificationResult, err)
	}
	return r, nil
}

// decodeOutput tells the format by the first bytes.
func decodeOutput[T any](d *Decoder, value []byte, codec recordCodec[T]) (v T, err error) {
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
		return codec.decodeVersion(fingerprint, body)
	case framingConfluent:
		id, body, err := cutConfluent(value)
		if err != nil {
			return v, err
		}
		fingerprint, err := d.fingerprintOf(id, codec.name)
		if err != nil {
			return v, err
		}
		return codec.decodeVersion(fingerprint, body)
	case framingEmpty:
		return v, errEmpty
	}
	return v, errUnknownFraming
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
