package traffic

import (
	"cmp"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// envelope is an event as the mini-app's backend publishes it.
type envelope struct {
	EventID    string         `json:"event_id,omitempty"`
	AppID      string         `json:"app_id,omitempty"`
	SessionID  string         `json:"session_id,omitempty"`
	OccurredAt jsontext.Value `json:"occurred_at,omitempty"`
	API        string         `json:"api,omitempty"`
	CoordType  string         `json:"coord_type,omitempty"`
	Payload    jsontext.Value `json:"payload,omitempty"`

	at time.Time
}

// message is one record before it is sent.
type message struct {
	topic string // without the prefix
	key   []byte
	value []byte
	at    time.Time // the record's timestamp
	sent  Sent
}

// plan is one event to come: what it says, what is done to it, and what must
// become of it.
type plan struct {
	name    string
	topic   string
	api     string
	coord   string
	payload func(now time.Time) []byte
	want    []string
	says    facts // beside who the user is

	age    time.Duration               // how long ago it happened, by both of its timestamps
	under  func() douyintest.Login     // whose key it is encrypted under; nil: none
	text   bool                        // occurred_at as RFC 3339
	avro   bool                        // in single-object framing
	edit   func(e *envelope)           // what is wrong with the envelope
	spoil  func(e envelope) []byte     // the value in place of the envelope
	rekey  func(session string) []byte // the key in place of the session
	repeat bool                        // published twice, byte for byte
}

// build makes the record at the moment it is sent.
func (p *plan) build(v *visit, now time.Time) message {
	at := now.Add(-p.age)
	e := envelope{
		EventID: v.nextID(), AppID: v.app, SessionID: v.session, API: p.api, CoordType: p.coord,
		OccurredAt: jsontext.Value(strconv.FormatInt(at.UnixMilli(), 10)), at: at,
	}
	if p.text {
		e.OccurredAt = jsontext.Value(strconv.Quote(at.UTC().Format(time.RFC3339Nano)))
	}
	if p.payload != nil {
		e.Payload = p.payload(at)
	}
	id := e.EventID
	if p.edit != nil {
		p.edit(&e)
	}
	m := message{topic: p.topic, key: []byte(v.session), at: at, sent: Sent{
		ID: id, AppID: v.app, Session: v.session, User: v.login.OpenID, At: at.UnixMilli(), Case: p.name, Want: p.want,
		Says: identity(v.login).with(p.says),
	}}
	switch p.topic {
	case schemas.TopicLogin:
		m.sent.Code = codeOf(e.Payload)
	case schemas.TopicPhone:
		m.sent.Phone = v.person.phone
	}
	if p.under != nil {
		m.sent.Needs = p.under().Code
	}
	switch {
	case p.spoil != nil:
		m.value = p.spoil(e)
	case p.avro:
		m.value = e.avro()
	default:
		m.value = encode(e)
	}
	if p.rekey != nil {
		m.key = p.rekey(v.session)
	}
	return m
}

// codeOf is the code that a login's payload carries.
func codeOf(payload jsontext.Value) string {
	var codes struct {
		Code      string `json:"code"`
		Anonymous string `json:"anonymousCode"`
	}
	if err := json.Unmarshal(payload, &codes); err != nil {
		return ""
	}
	return cmp.Or(codes.Code, codes.Anonymous)
}

// avro is the envelope in Avro's single-object encoding, by hand: a producer in
// another language does it from the .avsc file.
func (e envelope) avro() []byte {
	b := []byte{0xc3, 0x01}
	b = binary.LittleEndian.AppendUint64(b, schemas.MiniappEventSchema().Fingerprint)
	b = appendText(b, e.EventID)
	b = appendText(b, e.AppID)
	b = appendText(b, e.SessionID)
	b = binary.AppendVarint(b, e.at.UnixMilli())
	b = appendOptional(b, e.API)
	b = appendOptional(b, e.CoordType)
	return appendText(b, string(e.Payload))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendVarint(b, int64(len(s))), s...)
}

func appendOptional(b []byte, s string) []byte {
	if s == "" {
		return binary.AppendVarint(b, 0)
	}
	return appendText(binary.AppendVarint(b, 1), s)
}
