package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"unicode/utf8"
)

func seedEvents(f *testing.F) {
	for _, payload := range callbacks(f) {
		f.Add(eventAround(payload))
	}
	f.Add(sampleEvent().Encode())
	f.Add(append(appendConfluent(nil, 1), sampleEvent().Encode()[singleObjectHeader:]...))
	f.Add(append(appendConfluent(nil, 2), edit("{", "{")...))
	f.Add([]byte("\uFEFF {\"event_id\":\"e\"}"))
	f.Add([]byte(`{"event_id":1e400,"payload":{"errMsg":":fail"}}`))
}

// I10: an event never panics; what decodes keeps its payload as bytes of the
// input, obeys the rules of the envelope, and decodes alike once encoded again.
func FuzzDecodeEvent(f *testing.F) {
	seedEvents(f)
	schemas := registry{1: {newest[nameMiniappEvent].Text, SchemaAvro}, 2: {"{}", SchemaJSON}}
	f.Fuzz(func(t *testing.T, value []byte) {
		before := bytes.Clone(value)
		for _, topic := range append(InputTopics(), "other") {
			key := keyOf(value)
			opts := DecodeOptions{Registry: schemas, Now: testNow}
			ev, err := DecodeEvent(topic, key, value, opts)
			if !bytes.Equal(before, value) {
				t.Fatal("the input changed")
			}
			if err != nil {
				var r *Rejection
				if !errors.As(err, &r) || r.Reason == "" {
					t.Fatalf("%v is no rejection", err)
				}
				continue
			}
			checkEvent(t, topic, key, &ev, opts)
		}
	})
}

// keyOf finds the session_id that a value has, so that fuzzing gets past the
// key.
func keyOf(value []byte) []byte {
	var e envelope
	_ = e.read(value, registry{1: {newest[nameMiniappEvent].Text, SchemaAvro}, 2: {"{}", SchemaJSON}})
	return e.sessionID.text
}

func checkEvent(t *testing.T, topic string, key []byte, ev *Event, opts DecodeOptions) {
	t.Helper()
	for _, s := range []string{ev.EventID, ev.AppID, ev.SessionID} {
		if len(s) == 0 || len(s) > maxID || !utf8.ValidString(s) {
			t.Fatalf("id %q", s)
		}
	}
	if ev.OccurredAt <= 0 || ev.OccurredAt > testNow.Add(maxAhead).UnixMilli() {
		t.Fatalf("occurred_at %d", ev.OccurredAt)
	}
	if !json.Valid(ev.Payload) {
		t.Fatalf("payload %q", ev.Payload)
	}
	again := EventFields{
		EventID: ev.EventID, AppID: ev.AppID, SessionID: ev.SessionID, OccurredAt: ev.OccurredAt,
		API: string(ev.API), CoordType: string(ev.CoordType), Payload: string(ev.Payload),
	}
	ev2, err := DecodeEvent(topic, key, again.Encode(), opts)
	if err != nil || !reflect.DeepEqual(ev2, *ev) {
		t.Fatalf("encoded again: %+v, %v, was %+v", asJSON(ev2), err, asJSON(ev))
	}
}

// The payloads' decoders never panic, reject as they should, and keep numbers
// finite.
func FuzzDecodePayload(f *testing.F) {
	for _, payload := range callbacks(f) {
		f.Add([]byte(payload))
	}
	f.Add([]byte(`{"longitude":"1e308","latitude":"-0x1p-2","deviceScore":{"cpu":"-1"},"templateSettings":{"A":{"status":"accept"}}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		rejected := func(err error) bool {
			if err != nil && ReasonOf(err) != ReasonInvalid && ReasonOf(err) != ReasonUndecodable {
				t.Fatalf("%v is no rejection of a payload", err)
			}
			return err != nil
		}
		if l, err := DecodeLogin(payload); !rejected(err) && l.Code+l.AnonymousCode == "" {
			t.Fatal("a login without a code")
		}
		if e, err := DecodeEncrypted(payload); !rejected(err) && (e.EncryptedData == "" || e.IV == "") {
			t.Fatal("half a ciphertext")
		}
		if l, err := DecodeLocation(Event{Payload: payload}); !rejected(err) && !(l.Longitude >= -180 && l.Longitude <= 180 && l.Latitude >= -90 && l.Latitude <= 90) {
			t.Fatalf("a location of %v, %v", l.Longitude, l.Latitude)
		}
		if a, err := DecodeAddress(payload); !rejected(err) && a == (RawAddress{}) {
			t.Fatal("an address of nothing")
		}
		if d, err := DecodeDevice(payload); !rejected(err) {
			if _, err := json.Marshal(d); err != nil {
				t.Fatalf("a number that is none: %v", err)
			}
		}
		if s, err := DecodeSubscription(payload); !rejected(err) && len(s.Templates) > maxTemplates {
			t.Fatal("too many templates")
		}
	})
}

// An order never panics; what decodes decodes alike once encoded again.
func FuzzDecodeOrder(f *testing.F) {
	f.Add([]byte(editOrder("{", "{")))
	f.Add([]byte(editOrder(`"data"`, `"page":"p","order_id":7,"expires_at":"2025-11-22T08:26:40Z","data"`)))
	f.Fuzz(func(t *testing.T, value []byte) {
		o, err := DecodeOrder(value)
		if err != nil {
			var r *Rejection
			if !errors.As(err, &r) || r.EventID != o.NotificationID {
				t.Fatalf("%v, order of %q", err, o.NotificationID)
			}
			return
		}
		fields := map[string]any{
			"notification_id": o.NotificationID, "app_id": o.AppID, "open_id": o.OpenID, "template_id": o.TemplateID,
			"data": o.Data, "page": o.Page, "order_id": o.OrderID, "expires_at": o.ExpiresAt,
		}
		if o.ExpiresAt == 0 {
			delete(fields, "expires_at")
		}
		text, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		o2, err := DecodeOrder(text)
		if err != nil || !reflect.DeepEqual(o, o2) {
			t.Fatalf("encoded again: %+v, %v, was %+v", o2, err, o)
		}
	})
}

func seedGolden(f *testing.F, pattern string) {
	files, err := filepath.Glob("testdata/golden/" + pattern)
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden files %s: %v", pattern, err)
	}
	for _, file := range files {
		value, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(value)
	}
}

// A record of users.enriched never panics; what decodes from Avro, goavro
// decodes too and alike; what decodes encodes.
func FuzzDecodeEnrichedUser(f *testing.F) {
	seedGolden(f, "enriched_user-*.avro")
	for _, u := range sampleUsers() {
		f.Add([]byte(asJSON(u)))
	}
	codec := goavroCodec(f, nameEnrichedUser)
	f.Fuzz(func(t *testing.T, value []byte) {
		u, err := DecodeEnrichedUser(value)
		if err != nil {
			return
		}
		again := appendEnrichedUser(appendSingleObject(nil, newest[nameEnrichedUser].Fingerprint), &u)
		u2, err := DecodeEnrichedUser(again)
		if err != nil || !equalUsers(&u, &u2) {
			t.Fatalf("encoded again: %s, %v, was %s", asJSON(u2), err, asJSON(u))
		}
		if value[0] == 0xC3 {
			n, err := decodeNative(codec, value[singleObjectHeader:])
			if err != nil {
				t.Fatalf("goavro refuses what was read: %v", err)
			}
			if slow := enrichedUserFromNative(n); !equalUsers(&u, &slow) {
				t.Fatalf("read %s, by goavro %s", asJSON(u), asJSON(slow))
			}
		}
	})
}

// State records, and results, never panic; what decodes encodes and decodes alike.
func FuzzDecodeRecords(f *testing.F) {
	seedGolden(f, "*.avro")
	f.Fuzz(func(t *testing.T, value []byte) {
		roundTrip(t, value, DecodeConsentFact, func(v *ConsentFact) ([]byte, error) { return v.Encode() })
		roundTrip(t, value, DecodeSessionFact, func(v *SessionFact) ([]byte, error) { return v.Encode() })
		roundTrip(t, value, DecodeSessionOutcome, func(v *SessionOutcome) ([]byte, error) { return v.Append(nil), nil })
		roundTrip(t, value, DecodeParkedEvent, func(v *ParkedEvent) ([]byte, error) { return v.Encode() })
		roundTrip(t, value, DecodeNotificationState, func(v *NotificationState) ([]byte, error) { return v.Encode() })
		roundTrip(t, value, DecodeTokenRecord, func(v *TokenRecord) ([]byte, error) { return v.Encode() })
		roundTrip(t, value, DecodeCreditState, func(v *CreditState) ([]byte, error) { return v.Encode() })
		encoder, err := NewEncoder(FormatSingleObject, nil)
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, value, DecodeNotificationResult, func(v *NotificationResult) ([]byte, error) { return encoder.NotificationResult(nil, v) })
	})
}

func roundTrip[T any](t *testing.T, value []byte, decode func([]byte) (T, error), encode func(*T) ([]byte, error)) {
	t.Helper()
	v, err := decode(value)
	if err != nil {
		return
	}
	once, err := encode(&v)
	if err != nil {
		t.Fatalf("encode %T: %v", v, err)
	}
	v2, err := decode(once)
	if err != nil {
		t.Fatalf("decode %T again: %v", v, err)
	}
	twice, err := encode(&v2)
	if err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("%T changed: %x, %v, was %x", v, twice, err, once)
	}
}

// Any schema text at all: the canonical form never panics, and is its own.
func FuzzCanonical(f *testing.F) {
	for _, s := range Schemas() {
		f.Add(s.Text)
	}
	f.Fuzz(func(t *testing.T, schema string) {
		form, err := Canonical(schema)
		if err != nil {
			return
		}
		if again, err := Canonical(form); err != nil || again != form {
			t.Fatalf("Canonical(%s) = %s, %v", form, again, err)
		}
	})
}
