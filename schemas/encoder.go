package schemas

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Format is how the values of output records are written.
type Format string

// The formats of output records.
const (
	FormatSingleObject Format = "single-object" // Avro, naming its schema by fingerprint
	FormatConfluent    Format = "confluent"     // Avro, naming its schema by a registry's id
	FormatJSON         Format = "json"          // for people without Avro
)

// Encoder writes the values of output records in one format. It is safe for
// concurrent use.
type Encoder struct {
	format Format
	user   []byte // what stands before an EnrichedUser
	result []byte // what stands before a NotificationResult
}

// NewEncoder answers an Encoder. FormatConfluent needs the ids under which the
// registry knows EnrichedUserSchema and NotificationResultSchema, by their full
// names; a missing one is an error of the method that would need it.
func NewEncoder(format Format, ids map[string]uint32) (*Encoder, error) {
	e := &Encoder{format: format}
	switch format {
	case FormatSingleObject:
		e.user = appendSingleObject(nil, newest[nameEnrichedUser].Fingerprint)
		e.result = appendSingleObject(nil, newest[nameNotificationResult].Fingerprint)
	case FormatConfluent:
		e.user = confluentPrefix(ids, nameEnrichedUser)
		e.result = confluentPrefix(ids, nameNotificationResult)
		if e.user == nil && e.result == nil {
			return nil, errors.New("make encoder: no schema of ours has an id of the registry")
		}
	case FormatJSON:
	default:
		return nil, fmt.Errorf("make encoder: format %q is none of single-object, confluent, json", format)
	}
	return e, nil
}

func confluentPrefix(ids map[string]uint32, name string) []byte {
	id, ok := ids[name]
	if !ok {
		return nil
	}
	return appendConfluent(nil, id)
}

// MiniappEventSchema is the current schema of the miniapp.* topics.
func MiniappEventSchema() Schema { return *newest[nameMiniappEvent] }

// EnrichedUserSchema is the current schema of users.enriched.
func EnrichedUserSchema() Schema { return *newest[nameEnrichedUser] }

// NotificationResultSchema is the current schema of notifications.results.
func NotificationResultSchema() Schema { return *newest[nameNotificationResult] }

// usualUser is room for most enriched users, so that one is not grown to.
const usualUser = 448

// EnrichedUser appends u to dst.
func (e *Encoder) EnrichedUser(dst []byte, u *EnrichedUser) ([]byte, error) {
	if e.format == FormatJSON {
		return appendJSON(dst, u, nameEnrichedUser)
	}
	if e.user == nil {
		return dst, fmt.Errorf("encode %s: %w", nameEnrichedUser, errSchemaUnknown)
	}
	if dst == nil {
		dst = make([]byte, 0, usualUser)
	}
	return appendEnrichedUser(append(dst, e.user...), u), nil
}

// NotificationResult appends r to dst.
func (e *Encoder) NotificationResult(dst []byte, r *NotificationResult) ([]byte, error) {
	if e.format == FormatJSON {
		return appendJSON(dst, r, nameNotificationResult)
	}
	if e.result == nil {
		return dst, fmt.Errorf("encode %s: %w", nameNotificationResult, errSchemaUnknown)
	}
	return appendNotificationResult(append(dst, e.result...), r), nil
}

func appendJSON(dst []byte, v any, name string) ([]byte, error) {
	text, err := json.Marshal(v, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return dst, fmt.Errorf("encode %s as JSON: %w", name, errSchema)
	}
	return append(dst, text...), nil
}
