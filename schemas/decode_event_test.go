package schemas

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/linkedin/goavro/v2"
)

// edit replaces one piece of a valid event.
func edit(old, with string) []byte {
	const event = `{"event_id":"e1","app_id":"tt1","session_id":"s1","occurred_at":1763800000123,"payload":{"longitude":1,"latitude":2,"errMsg":"getLocation:ok"}}`
	if !strings.Contains(event, old) {
		panic("nothing to replace: " + old)
	}
	return []byte(strings.Replace(event, old, with, 1))
}

const wholePayload = `{"longitude":1,"latitude":2,"errMsg":"getLocation:ok"}`

func nested(depth int) string {
	return strings.Repeat("[", depth) + strings.Repeat("]", depth)
}

var knowsTT1 = DecodeOptions{Now: testNow, Known: func(app string) bool { return app == "tt1" }}

// I10: whatever stands in the topic becomes one dead letter with a reason, and
// the event's id where it can be read.
func TestDecodeEventRejects(t *testing.T) {
	t.Parallel()
	avro := func(edit func(*EventFields)) []byte {
		f := EventFields{EventID: "e1", AppID: "tt1", SessionID: "s1", OccurredAt: 1763800000123, Payload: wholePayload}
		edit(&f)
		return f.append(nil)
	}
	for _, row := range []struct {
		name   string
		value  []byte
		reason Reason
		field  string
		id     string
	}{
		{"a tombstone", nil, ReasonInvalid, "", ""},
		{"an empty value", []byte{}, ReasonInvalid, "", ""},
		{"space alone", []byte(" \n\t"), ReasonInvalid, "", ""},
		{"a byte order mark alone", []byte("\uFEFF"), ReasonInvalid, "", ""},
		{"null", []byte("null"), ReasonInvalid, "", ""},
		{"text", []byte("hello"), ReasonUndecodable, "", ""},
		{"a list", []byte(`[{}]`), ReasonUndecodable, "", ""},
		{"a JSON text", []byte(`"x"`), ReasonUndecodable, "", ""},
		{"cut short before the id", []byte(`{`), ReasonUndecodable, "", ""},
		{"cut short behind the id", []byte(`{"event_id":"e1","app_`), ReasonUndecodable, "", "e1"},
		{"bytes behind it", edit(`}}`, `}} x`), ReasonUndecodable, "", "e1"},
		{"another object behind it", edit(`}}`, `}}{}`), ReasonUndecodable, "", "e1"},
		{"invalid UTF-8 in a text", edit(`tt1`, "tt\xff"), ReasonUndecodable, "", "e1"},
		{"invalid UTF-8 in the payload", edit(`getLocation`, "get\xc3Location"), ReasonUndecodable, "", "e1"},
		{"half a surrogate pair", edit(`tt1`, `tt\ud800`), ReasonUndecodable, "", "e1"},
		{"a name twice", edit(`"app_id":"tt1"`, `"app_id":"tt1","app_id":"tt2"`), ReasonUndecodable, "", "e1"},
		{"a name twice, once escaped", edit(`"app_id":"tt1"`, `"app_id":"tt1","app\u005fid":"tt2"`), ReasonUndecodable, "", "e1"},
		{"a name twice in the payload", edit(`"latitude":2`, `"latitude":2,"latitude":3`), ReasonUndecodable, "", "e1"},
		{"NaN", edit(`"longitude":1`, `"longitude":NaN`), ReasonUndecodable, "", "e1"},
		{"NaN before the id", []byte(`{"x":NaN,"event_id":"e1"}`), ReasonUndecodable, "", "e1"},
		{"an id that is not UTF-8", []byte("{\"event_id\":\"e\xff\"}"), ReasonUndecodable, "", ""},
		{"an id of half a surrogate pair", []byte(`{"event_id":"\ud800"}`), ReasonUndecodable, "", ""},
		{"an id with an escape that is none", []byte(`{"event_id":"\x"}`), ReasonUndecodable, "", ""},
		{"a comma too many", []byte(`{"event_id":"e1",}`), ReasonUndecodable, "", "e1"},
		{"Infinity", edit(`"longitude":1`, `"longitude":-Infinity`), ReasonUndecodable, "", "e1"},
		{"a leading zero", edit(`"longitude":1`, `"longitude":01`), ReasonUndecodable, "", "e1"},
		{"deep nesting in the payload", edit(`"longitude":1`, `"x":`+nested(maxDepth)), ReasonUndecodable, "", "e1"},
		{"deep nesting beside the payload", edit(`"payload"`, `"x":`+nested(1_000_000)+`,"payload"`), ReasonUndecodable, "", "e1"},

		{"no event_id", edit(`"event_id":"e1",`, ``), ReasonInvalid, "event_id", ""},
		{"event_id null", edit(`"e1"`, `null`), ReasonInvalid, "event_id", ""},
		{"event_id empty", edit(`"e1"`, `""`), ReasonInvalid, "event_id", ""},
		{"event_id of 129 bytes", edit(`e1`, strings.Repeat("e", 129)), ReasonInvalid, "event_id", ""},
		{"event_id an object", edit(`"e1"`, `{}`), ReasonInvalid, "event_id", ""},
		{"no app_id", edit(`"app_id":"tt1",`, ``), ReasonInvalid, "app_id", "e1"},
		{"app_id a boolean", edit(`"tt1"`, `true`), ReasonInvalid, "app_id", "e1"},
		{"no session_id", edit(`"session_id":"s1",`, ``), ReasonInvalid, "session_id", "e1"},
		{"session_id empty", edit(`"s1"`, `""`), ReasonInvalid, "session_id", "e1"},
		{"session_id of 129 bytes", edit(`s1`, strings.Repeat("s", 129)), ReasonInvalid, "session_id", "e1"},
		{"another session_id than the key", edit(`s1`, `s2`), ReasonKeyMismatch, "session_id", "e1"},
		{"an app that is not configured", edit(`tt1`, `tt2`), ReasonAppUnknown, "app_id", "e1"},

		{"no occurred_at", edit(`"occurred_at":1763800000123,`, ``), ReasonInvalid, "occurred_at", "e1"},
		{"occurred_at null", edit(`1763800000123`, `null`), ReasonInvalid, "occurred_at", "e1"},
		{"occurred_at negative", edit(`1763800000123`, `-1`), ReasonInvalid, "occurred_at", "e1"},
		{"occurred_at zero", edit(`1763800000123`, `0`), ReasonInvalid, "occurred_at", "e1"},
		{"occurred_at in the year 9999", edit(`1763800000123`, `253402300799000`), ReasonInvalid, "occurred_at", "e1"},
		{"occurred_at in the year 9999 by RFC 3339", edit(`1763800000123`, `"9999-12-31T23:59:59Z"`), ReasonInvalid, "occurred_at", "e1"},
		{"occurred_at before 1970", edit(`1763800000123`, `"1969-12-31T23:59:59Z"`), ReasonInvalid, "occurred_at", "e1"},
		{"occurred_at two days ahead", edit(`1763800000123`, `1763974800000`), ReasonInvalid, "occurred_at", "e1"},
		{"occurred_at beyond 64 bits", edit(`1763800000123`, `9223372036854775808`), ReasonInvalid, "occurred_at", "e1"},
		{"occurred_at beyond a float", edit(`1763800000123`, `1e400`), ReasonInvalid, "occurred_at", "e1"},
		{"occurred_at with a fraction", edit(`1763800000123`, `1763800000.5`), ReasonInvalid, "occurred_at", "e1"},
		{"occurred_at a day", edit(`1763800000123`, `"2025-11-22"`), ReasonInvalid, "occurred_at", "e1"},
		{"occurred_at words", edit(`1763800000123`, `"yesterday"`), ReasonInvalid, "occurred_at", "e1"},
		{"occurred_at in hexadecimal", edit(`1763800000123`, `"0x19AA9E2A3BB"`), ReasonInvalid, "occurred_at", "e1"},
		{"occurred_at NaN", edit(`1763800000123`, `"NaN"`), ReasonInvalid, "occurred_at", "e1"},

		{"no payload", edit(`,"payload":`+wholePayload, ``), ReasonInvalid, "payload", "e1"},
		{"payload null", edit(wholePayload, `null`), ReasonInvalid, "payload", "e1"},
		{"payload a list", edit(wholePayload, `[]`), ReasonInvalid, "payload", "e1"},
		{"payload a text", edit(wholePayload, `"{}"`), ReasonInvalid, "payload", "e1"},
		{"payload that tells no call", edit(wholePayload, `{}`), ReasonInvalid, "api", "e1"},
		{"api that the topic does not carry", edit(`"payload"`, `"api":"login","payload"`), ReasonInvalid, "api", "e1"},
		{"api an object", edit(`"payload"`, `"api":{},"payload"`), ReasonInvalid, "api", "e1"},
		{"coord_type that nobody knows", edit(`"payload"`, `"coord_type":"bd09","payload"`), ReasonInvalid, "coord_type", "e1"},
		{"coord_type an object", edit(`"payload"`, `"coord_type":{},"payload"`), ReasonInvalid, "coord_type", "e1"},
		{"a call that failed", edit(`getLocation:ok`, `getLocation:fail auth deny`), ReasonClientFailure, "payload.errMsg", "e1"},
		{"a call that failed, in detail", edit(wholePayload, `{"detail":{"errMsg":"getPhoneNumber:fail"},"errMsg":"x:ok"}`), ReasonClientFailure, "payload.errMsg", "e1"},

		{"the key before the app", edit(`"tt1","session_id":"s1"`, `"tt2","session_id":"s2"`), ReasonKeyMismatch, "session_id", "e1"},
		{"the app before the failure", edit(`"tt1","session_id":"s1","occurred_at":1763800000123,"payload":{`, `"tt2","session_id":"s1","occurred_at":1763800000123,"payload":{"detail":{"errMsg":"a:fail"},`), ReasonAppUnknown, "app_id", "e1"},
		{"the failure before a field", edit(`1763800000123,"payload":`+wholePayload, `-1,"payload":{"errMsg":"getLocation:fail"}`), ReasonClientFailure, "payload.errMsg", "e1"},
		{"the key before a missing id", edit(`"event_id":"e1","app_id":"tt1","session_id":"s1"`, `"app_id":"tt1","session_id":"s2"`), ReasonKeyMismatch, "session_id", ""},

		{"single-object of a schema nobody knows", []byte("\xC3\x01\x01\x02\x03\x04\x05\x06\x07\x08\x00"), ReasonSchemaUnknown, "", ""},
		{"single-object of another record", appendSingleObject(nil, newest[nameConsentFact].Fingerprint), ReasonSchemaUnknown, "", ""},
		{"single-object without its fingerprint", []byte("\xC3\x01\x01"), ReasonUndecodable, "", ""},
		{"half a single-object mark", []byte("\xC3"), ReasonUndecodable, "", ""},
		{"single-object of another version of the encoding", []byte("\xC3\x02abcdefghij"), ReasonUndecodable, "", ""},
		{"Avro cut short", avro(func(*EventFields) {})[:30], ReasonUndecodable, "", "e1"},
		{"Avro with bytes behind it", append(avro(func(*EventFields) {}), 0), ReasonUndecodable, "", "e1"},
		{"Avro with invalid UTF-8", avro(func(f *EventFields) { f.AppID = "tt\xff" }), ReasonUndecodable, "", "e1"},
		{"Avro with a payload that is no JSON", avro(func(f *EventFields) { f.Payload = "{" }), ReasonUndecodable, "", "e1"},
		{"Avro with a payload that is a list", avro(func(f *EventFields) { f.Payload = "[]" }), ReasonInvalid, "payload", "e1"},
		{"Avro without payload", avro(func(f *EventFields) { f.Payload = "" }), ReasonInvalid, "payload", "e1"},
		{"Avro with a null payload", avro(func(f *EventFields) { f.Payload = "null" }), ReasonInvalid, "payload", "e1"},
		{"Avro with a payload too deep", avro(func(f *EventFields) { f.Payload = `{"x":` + nested(100) + `}` }), ReasonUndecodable, "", "e1"},
		{"Avro without event_id", avro(func(f *EventFields) { f.EventID = "" }), ReasonInvalid, "event_id", ""},
		{"Avro with a negative time", avro(func(f *EventFields) { f.OccurredAt = -1 }), ReasonInvalid, "occurred_at", "e1"},
		{"Avro of another session", avro(func(f *EventFields) { f.SessionID = "s2" }), ReasonKeyMismatch, "session_id", "e1"},

		{"a Confluent frame without registry", []byte{0, 0, 0, 0, 1, 2}, ReasonSchemaUnknown, "", ""},
		{"a Confluent frame cut short", []byte{0, 0, 0}, ReasonUndecodable, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			ev, err := DecodeEvent(TopicLocation, []byte("s1"), row.value, knowsTT1)
			var rejection *Rejection
			if !errors.As(err, &rejection) {
				t.Fatalf("DecodeEvent = %+v, %v, want a rejection", ev, err)
			}
			if rejection.Reason != row.reason || rejection.Field != row.field || rejection.EventID != row.id {
				t.Errorf("rejected as %s (field %q, id %q): %v\nwant %s (field %q, id %q)", rejection.Reason, rejection.Field, rejection.EventID, err, row.reason, row.field, row.id)
			}
		})
	}
}

func TestDecodeEventAccepts(t *testing.T) {
	t.Parallel()
	want := Event{EventID: "e1", AppID: "tt1", SessionID: "s1", OccurredAt: 1763800000123, API: APILocation, CoordType: CoordUnknown, Payload: []byte(wholePayload)}
	for _, row := range []struct {
		name  string
		value []byte
		with  func(*Event)
	}{
		{"as it should be", edit("{", "{"), nil},
		{"spaces before and behind", append(append([]byte(" \r\n\t"), edit("{", "{")...), " \n"...), nil},
		{"a byte order mark", append([]byte("\uFEFF"), edit("{", "{")...), nil},
		{"a byte order mark and spaces", append([]byte("\uFEFF \n"), edit("{", "{")...), nil},
		{"unknown fields", edit(`"app_id"`, `"trace":{"a":[1,2,{}]},"n":null,"app_id"`), nil},
		{"the payload first", edit(`{"event_id"`, `{"payload":`+wholePayload+`,"event_id"`)[:0:0], nil},
		{"occurred_at as text", edit(`1763800000123`, `"1763800000123"`), nil},
		{"occurred_at as a float", edit(`1763800000123`, `1.763800000123e12`), nil},
		{"occurred_at by RFC 3339", edit(`1763800000123`, `"2025-11-22T08:26:40.123Z"`), nil},
		{"occurred_at in lower case", edit(`1763800000123`, `"2025-11-22t08:26:40.123z"`), nil},
		{"occurred_at in Shanghai", edit(`1763800000123`, `"2025-11-22T16:26:40.123+08:00"`), nil},
		{"occurred_at an hour ahead", edit(`1763800000123`, `1763805600000`), func(ev *Event) { ev.OccurredAt = 1763805600000 }},
		{"escapes in texts", edit(`"e1"`, `"\u0065\u0031"`), nil},
		{"escapes in names", edit(`"app_id"`, `"app\u005fid"`), nil},
		{"event_id a number", edit(`"e1"`, `77`), func(ev *Event) { ev.EventID = "77" }},
		{"event_id of 128 bytes", edit(`e1`, strings.Repeat("e", 128)), func(ev *Event) { ev.EventID = strings.Repeat("e", 128) }},
		{"api as in the guide", edit(`"payload"`, `"api":"tt.getLocation","payload"`), nil},
		{"api null", edit(`"payload"`, `"api":null,"payload"`), nil},
		{"api against errMsg", edit(`"payload"`, `"api":"chooseAddress","payload"`), func(ev *Event) { ev.API = APIAddress }},
		{"api from errMsg against the fields", edit(wholePayload, `{"longitude":1,"errMsg":"chooseAddress:ok"}`), func(ev *Event) {
			ev.API, ev.Payload = APIAddress, []byte(`{"longitude":1,"errMsg":"chooseAddress:ok"}`)
		}},
		{"api from the fields of a fix", edit(wholePayload, `{"latitude":1}`), func(ev *Event) { ev.Payload = []byte(`{"latitude":1}`) }},
		{"api from the fields of an address", edit(wholePayload, `{"telNumber":"1"}`), func(ev *Event) {
			ev.API, ev.Payload = APIAddress, []byte(`{"telNumber":"1"}`)
		}},
		{"coord_type wgs84", edit(`"payload"`, `"coord_type":"wgs84","payload"`), func(ev *Event) { ev.CoordType = CoordWGS84 }},
		{"coord_type in capitals", edit(`"payload"`, `"coord_type":"GCJ02","payload"`), func(ev *Event) { ev.CoordType = CoordGCJ02 }},
		{"coord_type empty", edit(`"payload"`, `"coord_type":"","payload"`), nil},
		{"a payload with space and order of its own", edit(wholePayload, "{ \"latitude\" :\t2 ,\n\"x\":1.50}"), func(ev *Event) { ev.Payload = []byte("{ \"latitude\" :\t2 ,\n\"x\":1.50}") }},
		{"space before the payload", edit(`"payload":`, "\"payload\" : \n "), nil},
		{"nesting as deep as allowed", edit(`"payload"`, `"x":`+nested(maxDepth-1)+`,"payload"`), nil},
		{"braces in texts beyond the depth", edit(`"payload"`, `"x":"`+strings.Repeat(`{\"`, 100)+`","payload"`), nil},
		{"single-object Avro", (&EventFields{EventID: "e1", AppID: "tt1", SessionID: "s1", OccurredAt: 1763800000123, Payload: wholePayload}).append(nil), nil},
		{
			"single-object Avro with everything",
			(&EventFields{EventID: "e1", AppID: "tt1", SessionID: "s1", OccurredAt: 1763800000123, API: "getLocation", CoordType: "gcj02", Payload: wholePayload}).append(nil),
			func(ev *Event) { ev.CoordType = CoordGCJ02 },
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			want := want
			if row.with != nil {
				row.with(&want)
			}
			if row.name == "the payload first" {
				row.value = []byte(`{"payload":` + wholePayload + `,"occurred_at":1763800000123,"session_id":"s1","app_id":"tt1","event_id":"e1"}`)
			}
			before := bytes.Clone(row.value)
			ev, err := DecodeEvent(TopicLocation, []byte("s1"), row.value, knowsTT1)
			if err != nil {
				t.Fatalf("DecodeEvent: %v", err)
			}
			mustEqual(t, ev, want)
			if !bytes.Equal(before, row.value) {
				t.Error("DecodeEvent changed its input")
			}
		})
	}
}

func TestDecodeEventAPIByTopic(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		topic, extra, payload string
		want                  API
	}{
		{TopicLogin, ``, `{"errMsg":"login:ok"}`, APILogin},
		{TopicLogin, `"api":"whatever",`, `{}`, APILogin},
		{TopicProfile, ``, `{"errMsg":"getUserProfile:ok"}`, APIUserProfile},
		{TopicProfile, ``, `{"errMsg":"getUserInfo:ok"}`, APIUserInfo},
		{TopicProfile, `"api":"getUserInfo",`, `{}`, APIUserInfo},
		{TopicProfile, ``, `{}`, APIUserProfile},
		{TopicPhone, ``, `{}`, APIPhoneNumber},
		{TopicDevice, ``, `{}`, APISystemInfo},
		{TopicSubscription, ``, `{}`, APISubscribe},
		{TopicLocation, `"api":"getLocation",`, `{"userName":"x"}`, APILocation},
	} {
		value := []byte(`{"event_id":"e","app_id":"a","session_id":"s",` + row.extra + `"occurred_at":"2025-11-22T08:26:40Z","payload":` + row.payload + `}`)
		ev, err := DecodeEvent(row.topic, []byte("s"), value, DecodeOptions{Now: testNow})
		if err != nil || ev.API != row.want {
			t.Errorf("%s %s%s: api %q, %v, want %q", row.topic, row.extra, row.payload, ev.API, err, row.want)
		}
	}
}

func TestDecodeEventWithoutNowAcceptsWhatClickHouseHolds(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{"2199-12-31T23:59:59Z": true, "2200-01-02T00:00:00Z": false} {
		value := edit(`1763800000123`, `"`+text+`"`)
		if _, err := DecodeEvent(TopicLocation, []byte("s1"), value, DecodeOptions{}); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A rejection's text goes into logs and headers: it must not repeat the input.
func TestRejectionHoldsNothingOfTheInput(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for _, value := range []string{
		`{"event_id":"e1","payload":{"code":"` + secret + `","code":1}}`,
		`{"event_id":"e1","` + secret + `":1,"` + secret + `":2}`,
		`{"event_id":"e1","payload":{"code":` + secret + `}}`,
		`{"event_id":"e1","payload":{"` + secret + `":[1,}}`,
		`{"event_id":"e1","app_id":"a","session_id":"` + secret + `","occurred_at":"` + secret + `","payload":{}}`,
		`{"event_id":"e1","app_id":"` + secret + `","session_id":"s1","occurred_at":"` + secret + `","payload":{}}`,
		`{"event_id":"e1","app_id":"tt1","session_id":"s1","occurred_at":"` + secret + `","payload":{}}`,
		`{"event_id":"e1","app_id":"tt1","session_id":"s1","occurred_at":1,"payload":{"errMsg":"login:fail ` + secret + `"}}`,
		`{"event_id":"e1","app_id":"tt1","session_id":"s1","occurred_at":1,"api":"` + secret + `","payload":{}}`,
		secret,
	} {
		_, err := DecodeEvent(TopicLocation, []byte("s1"), []byte(value), knowsTT1)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// registry is a SchemaResolver from a table.
type registry map[uint32]struct {
	text string
	kind SchemaKind
}

func (r registry) Resolve(id uint32) (string, SchemaKind, error) {
	s, ok := r[id]
	if !ok {
		return "", "", errors.New("no such id")
	}
	return s.text, s.kind, nil
}

func TestDecodeEventConfluent(t *testing.T) {
	t.Parallel()
	const reordered = `{"type":"record","name":"Click","fields":[
		{"name":"payload","type":"string"},{"name":"extra","type":{"type":"array","items":"int"}},
		{"name":"occurred_at","type":"string"},{"name":"session_id","type":["null","string"]},
		{"name":"app_id","type":"string"},{"name":"event_id","type":"string"}]}`
	const recursive = `{"type":"record","name":"Deep","fields":[{"name":"x","type":["null","Deep"]}]}`
	const nulls = `{"type":"record","name":"Nulls","fields":[{"name":"x","type":{"type":"array","items":"null"}}]}`
	resolver := registry{
		1: {newest[nameMiniappEvent].Text, SchemaAvro},
		2: {`{"type":"object"}`, SchemaJSON},
		3: {reordered, SchemaAvro},
		4: {"syntax = \"proto3\";", "PROTOBUF"},
		5: {recursive, SchemaAvro},
		6: {`"string"`, SchemaAvro},
		7: {`{`, SchemaAvro},
		8: {nulls, SchemaAvro},
		9: {newest[nameMiniappEvent].Text, ""},
	}
	ours := (&EventFields{EventID: "e1", AppID: "tt1", SessionID: "s1", OccurredAt: 1763800000123, Payload: wholePayload}).append(nil)[singleObjectHeader:]
	var theirs []byte
	theirs = appendText(theirs, wholePayload)
	theirs = append(theirs, 4, 2, 4, 0) // two integers
	theirs = appendText(theirs, "2025-11-22T08:26:40.123Z")
	theirs = appendText(append(theirs, branchValue), "s1")
	theirs = appendText(theirs, "tt1")
	theirs = appendText(theirs, "e1")
	for _, row := range []struct {
		name   string
		id     uint32
		body   []byte
		reason Reason // "": accepted
	}{
		{"our schema", 1, ours, ""},
		{"our schema, its kind left out", 9, ours, ""},
		{"our schema with bytes behind", 1, append(bytes.Clone(ours), 0), ReasonUndecodable},
		{"JSON", 2, edit("{", "{"), ""},
		{"JSON behind spaces", 2, edit("{", "\n {"), ""},
		{"JSON, empty", 2, nil, ReasonInvalid},
		{"JSON, no object", 2, []byte("7"), ReasonUndecodable},
		{"a schema with our fields among others", 3, theirs, ""},
		{"that schema with bytes behind", 3, append(bytes.Clone(theirs), 0), ReasonUndecodable},
		{"that schema cut short", 3, theirs[:len(theirs)-1], ReasonUndecodable},
		{"that schema with invalid UTF-8", 3, append(theirs[:len(theirs)-1:len(theirs)-1], 0xff), ReasonUndecodable},
		{"a schema in Protocol Buffers", 4, nil, ReasonSchemaUnknown},
		{"a schema that holds itself", 5, bytes.Repeat([]byte{2}, 1000), ReasonUndecodable},
		{"a schema of no record", 6, []byte{2, 'x'}, ReasonUndecodable},
		{"a schema that is none", 7, nil, ReasonSchemaUnknown},
		{"a list that claims a billion nulls", 8, appendLong(nil, 1<<30), ReasonUndecodable},
		{"an id nobody registered", 99, ours, ReasonSchemaUnknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			value := append(appendConfluent(nil, row.id), row.body...)
			ev, err := DecodeEvent(TopicLocation, []byte("s1"), value, DecodeOptions{Now: testNow, Registry: resolver})
			if ReasonOf(err) != row.reason {
				t.Fatalf("DecodeEvent: %v, want %q", err, row.reason)
			}
			if err == nil {
				mustEqual(t, ev, Event{EventID: "e1", AppID: "tt1", SessionID: "s1", OccurredAt: 1763800000123, API: APILocation, CoordType: CoordUnknown, Payload: []byte(wholePayload)})
			}
		})
	}
}

// A producer in Go is likely to use goavro, whose fingerprint of our schema is
// its own.
func TestDecodeEventTakesGoavrosFingerprint(t *testing.T) {
	t.Parallel()
	codec, err := goavro.NewCodec(newest[nameMiniappEvent].Text)
	if err != nil {
		t.Fatal(err)
	}
	value, err := codec.SingleFromNative(nil, map[string]any{
		"event_id": "e1", "app_id": "tt1", "session_id": "s1", "occurred_at": time.UnixMilli(1763800000123),
		"api": nil, "coord_type": goavro.Union("string", "GCJ02"), "payload": wholePayload,
	})
	if err != nil {
		t.Fatal(err)
	}
	if codec.Rabin == newest[nameMiniappEvent].Fingerprint {
		t.Error("goavro's fingerprint is the specification's by now: goavroPrint has no use any more")
	}
	ev, err := DecodeEvent(TopicLocation, []byte("s1"), value, DecodeOptions{Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, ev, Event{EventID: "e1", AppID: "tt1", SessionID: "s1", OccurredAt: 1763800000123, API: APILocation, CoordType: CoordGCJ02, Payload: []byte(wholePayload)})
}

// A foreign schema gives occurred_at what type it likes.
func TestDecodeEventForeignMoment(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1763800000123)
	for name, row := range map[string]struct {
		kind  string
		value any
		want  int64 // 0: invalid
	}{
		"long in ms":           {`"long"`, at.UnixMilli(), at.UnixMilli()},
		"timestamp-millis":     {`{"type":"long","logicalType":"timestamp-millis"}`, at, at.UnixMilli()},
		"timestamp-micros":     {`{"type":"long","logicalType":"timestamp-micros"}`, at, at.UnixMilli()},
		"optional micros":      {`["null",{"type":"long","logicalType":"timestamp-micros"}]`, goavro.Union("long.timestamp-micros", at), at.UnixMilli()},
		"optional micros null": {`["null",{"type":"long","logicalType":"timestamp-micros"}]`, nil, 0},
		"double":               {`"double"`, float64(at.UnixMilli()), at.UnixMilli()},
		"optional double":      {`["null","double"]`, goavro.Union("double", float64(at.UnixMilli())), at.UnixMilli()},
		"double that is none":  {`"double"`, math.NaN(), 0},
		"float, coarse":        {`"float"`, float32(1763800000000), int64(float32(1763800000000))},
		"int, a long time ago": {`"int"`, int32(1763800000), 1763800000},
		"text of digits":       {`"string"`, "1763800000123", at.UnixMilli()},
		"RFC 3339":             {`"string"`, at.UTC().Format(time.RFC3339Nano), at.UnixMilli()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := `{"type":"record","name":"Click","fields":[{"name":"event_id","type":"string"},{"name":"app_id","type":"string"},
				{"name":"session_id","type":"string"},{"name":"payload","type":"bytes"},{"name":"occurred_at","type":` + row.kind + `}]}`
			codec, err := goavro.NewCodec(schema)
			if err != nil {
				t.Fatal(err)
			}
			body, err := codec.BinaryFromNative(appendConfluent(nil, 1), map[string]any{
				"event_id": "e1", "app_id": "tt1", "session_id": "s1", "payload": []byte(wholePayload), "occurred_at": row.value,
			})
			if err != nil {
				t.Fatal(err)
			}
			ev, err := DecodeEvent(TopicLocation, []byte("s1"), body, DecodeOptions{Now: testNow, Registry: registry{1: {schema, SchemaAvro}}})
			if row.want == 0 {
				if ReasonOf(err) != ReasonInvalid {
					t.Fatalf("DecodeEvent: %v, %v; want invalid", ev, err)
				}
				return
			}
			if err != nil || ev.OccurredAt != row.want || string(ev.Payload) != wholePayload {
				t.Errorf("occurred at %d, %v; want %d", ev.OccurredAt, err, row.want)
			}
		})
	}
}
