package schemas

import (
	"errors"
	"time"
)

var errUnbuilt = errors.New("schemas: not built yet")

// DecodeOptions are what DecodeEvent needs to know besides the record.
type DecodeOptions struct {
	Known    func(appID string) bool // whether an app is configured; nil: all are
	Registry SchemaResolver          // nil: Confluent frames are schema_unknown
	Now      time.Time               // zero: the time of an event has only a fixed upper bound
}

// SchemaKind is the language of a registered schema.
type SchemaKind string

const (
	SchemaAvro SchemaKind = "AVRO"
	SchemaJSON SchemaKind = "JSON"
)

// SchemaResolver knows the schemas of a registry.
type SchemaResolver interface {
	Resolve(id uint32) (text string, kind SchemaKind, err error)
}

// RawAddress is the payload of chooseAddress in the clear.
type RawAddress struct {
	UserName, ProvinceName, CityName, CountyName, DetailInfo, TelNumber string
}

func DecodeEvent(topic string, key, value []byte, opts DecodeOptions) (Event, error) {
	return Event{}, errUnbuilt
}
func DecodeLogin(payload []byte) (Login, error)               { return Login{}, errUnbuilt }
func DecodeEncrypted(payload []byte) (Encrypted, error)       { return Encrypted{}, errUnbuilt }
func DecodeLocation(ev Event) (Location, error)               { return Location{}, errUnbuilt }
func DecodeAddress(payload []byte) (RawAddress, error)        { return RawAddress{}, errUnbuilt }
func DecodeDevice(payload []byte) (Device, error)             { return Device{}, errUnbuilt }
func DecodeSubscription(payload []byte) (Subscription, error) { return Subscription{}, errUnbuilt }
func DecodeOrder(value []byte) (Order, error)                 { return Order{}, errUnbuilt }
func DecodeEnrichedUser(value []byte) (EnrichedUser, error)   { return EnrichedUser{}, errUnbuilt }
func DecodeNotificationResult(value []byte) (NotificationResult, error) {
	return NotificationResult{}, errUnbuilt
}

// Format is how an output record's value is written.
type Format string

const (
	FormatSingleObject Format = "single-object"
	FormatConfluent    Format = "confluent"
	FormatJSON         Format = "json"
)

// Encoder writes output records' values. Safe for concurrent use.
type Encoder struct{ format Format }

func NewEncoder(format Format, ids map[string]uint32) (*Encoder, error)     { return nil, errUnbuilt }
func (e *Encoder) EnrichedUser(dst []byte, u *EnrichedUser) ([]byte, error) { return nil, errUnbuilt }
func (e *Encoder) NotificationResult(dst []byte, r *NotificationResult) ([]byte, error) {
	return nil, errUnbuilt
}

func (f *ConsentFact) Encode() ([]byte, error)       { return nil, errUnbuilt }
func (f *SessionFact) Encode() ([]byte, error)       { return nil, errUnbuilt }
func (p *ParkedEvent) Encode() ([]byte, error)       { return nil, errUnbuilt }
func (s *NotificationState) Encode() ([]byte, error) { return nil, errUnbuilt }
func (t *TokenRecord) Encode() ([]byte, error)       { return nil, errUnbuilt }

func DecodeConsentFact(value []byte) (ConsentFact, error) { return ConsentFact{}, errUnbuilt }
func DecodeSessionFact(value []byte) (SessionFact, error) { return SessionFact{}, errUnbuilt }
func DecodeParkedEvent(value []byte) (ParkedEvent, error) { return ParkedEvent{}, errUnbuilt }
func DecodeNotificationState(value []byte) (NotificationState, error) {
	return NotificationState{}, errUnbuilt
}
func DecodeTokenRecord(value []byte) (TokenRecord, error) { return TokenRecord{}, errUnbuilt }
