package schemas

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write golden files that are missing; never changes one")

// frozen are the fingerprints of every schema version ever shipped. A line is
// added with a version; none ever changes, because records under it may still
// stand in a topic, and readers in other languages know it.
var frozen = map[string]uint64{
	"doustream.MiniappEvent 1":       0x28832e78bef4f95a,
	"doustream.NotificationOrder 1":  0x871ed23030bf670b,
	"doustream.EnrichedUser 1":       0xf8b64dea4de793ed,
	"doustream.NotificationResult 1": 0xe4d27c3eba6c988e,
	"doustream.ConsentFact 1":        0x4001fb14c14f1512,
	"doustream.SessionFact 1":        0xffff27dc0f34806f,
	"doustream.ParkedEvent 1":        0x9b725b5cbe536e91,
	"doustream.NotificationState 1":  0xdbad6f910b4ddada,
	"doustream.TokenRecord 1":        0x3436a348b9e7d10f,
	"doustream.CreditState 1":        0x453b184c47015455,
	"doustream.SessionOutcome 1":     0xa70320da789297c5,
}

func TestShippedSchemasNeverChange(t *testing.T) {
	t.Parallel()
	got := make(map[string]uint64)
	for _, s := range Schemas() {
		got[fmt.Sprintf("%s %d", s.Name, s.Version)] = s.Fingerprint
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if got[name] != frozen[name] {
			t.Errorf("%s has the fingerprint %#016x, shipped was %#016x: make it a new version", name, got[name], frozen[name])
		}
	}
	if len(got) != len(frozen) {
		t.Errorf("%d versions, %d are frozen", len(got), len(frozen))
	}
}

// golden answers the bytes that a schema version was shipped with.
func golden(t *testing.T, name string, version int, now []byte) []byte {
	t.Helper()
	return goldenFile(t, fmt.Sprintf("%s.%d.avro", name, version), now)
}

func goldenFile(t *testing.T, name string, now []byte) []byte {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) && *update {
		if err := os.WriteFile(file, now, 0o644); err != nil {
			t.Fatal(err)
		}
		return now
	}
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func checkGolden[T any](t *testing.T, name string, version int, want *T, encoded []byte, err error, decode func([]byte) (T, error)) {
	t.Helper()
	if err != nil {
		t.Fatalf("encode %s: %v", name, err)
	}
	shipped := golden(t, name, version, encoded)
	if version == currentVersion(name) && !bytes.Equal(encoded, shipped) {
		t.Errorf("%s encodes as\n%x, shipped was\n%x", name, encoded, shipped)
	}
	got, err := decode(shipped)
	if err != nil {
		t.Fatalf("decode %s: %v", name, err)
	}
	mustEqual(t, got, *want)
	if _, err := decode(append(bytes.Clone(shipped), 0)); err == nil {
		t.Errorf("%s with a byte behind it decodes", name)
	}
	for n := range shipped {
		if _, err := decode(shipped[:n]); err == nil {
			t.Errorf("%s cut to %d of %d bytes decodes", name, n, len(shipped))
		}
	}
}

func currentVersion(name string) int {
	base, _, _ := strings.Cut(name, "-")
	for _, s := range slices.Backward(shipped) {
		if strings.TrimSuffix(s.file, ".avsc") == base {
			return s.version
		}
	}
	return 0
}

func TestGoldenBytes(t *testing.T) {
	t.Parallel()
	encoder, err := NewEncoder(FormatSingleObject, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, u := range sampleUsers() {
		value, err := encoder.EnrichedUser(nil, u)
		checkGolden(t, "enriched_user-"+name, 1, u, value, err, DecodeEnrichedUser)
	}
	result := sampleResult()
	value, err := encoder.NotificationResult(nil, result)
	checkGolden(t, "notification_result", 1, result, value, err, DecodeNotificationResult)

	consent := sampleConsent()
	value, err = consent.Encode()
	checkGolden(t, "consent_fact", 1, consent, value, err, DecodeConsentFact)
	session := sampleSession()
	value, err = session.Encode()
	checkGolden(t, "session_fact", 1, session, value, err, DecodeSessionFact)
	outcome := sampleOutcome()
	checkGolden(t, "session_outcome", 1, outcome, outcome.Append(nil), nil, DecodeSessionOutcome)
	parked := sampleParked()
	value, err = parked.Encode()
	checkGolden(t, "parked_event", 1, parked, value, err, DecodeParkedEvent)
	state := sampleState()
	value, err = state.Encode()
	checkGolden(t, "notification_state", 1, state, value, err, DecodeNotificationState)
	token := sampleToken()
	value, err = token.Encode()
	checkGolden(t, "token_record", 1, token, value, err, DecodeTokenRecord)
	credit := sampleCredit()
	value, err = credit.Encode()
	checkGolden(t, "credit_state", 1, credit, value, err, DecodeCreditState)

	event := sampleEvent()
	checkGolden(t, "miniapp_event", 1, event, event.Encode(), nil, func(value []byte) (EventFields, error) {
		ev, err := DecodeEvent(TopicLocation, []byte("s1"), value, DecodeOptions{})
		return EventFields{
			EventID: ev.EventID, AppID: ev.AppID, SessionID: ev.SessionID, OccurredAt: ev.OccurredAt,
			API: string(ev.API), CoordType: string(ev.CoordType), Payload: string(ev.Payload),
		}, err
	})
}

// The JSON format is as much of a contract as the Avro: its names never change.
func TestGoldenJSON(t *testing.T) {
	t.Parallel()
	encoder, err := NewEncoder(FormatJSON, nil)
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, value []byte, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if shipped := goldenFile(t, name+".json", value); !bytes.Equal(value, shipped) {
			t.Errorf("%s is written as\n%s\nshipped was\n%s", name, value, shipped)
		}
	}
	for name, u := range sampleUsers() {
		value, err := encoder.EnrichedUser(nil, u)
		check("enriched_user-"+name, value, err)
	}
	value, err := encoder.NotificationResult(nil, sampleResult())
	check("notification_result", value, err)
}

// Every field of every schema says what it is: the texts become the topics'
// documentation.
func TestEveryFieldHasADoc(t *testing.T) {
	t.Parallel()
	for _, s := range Schemas() {
		var walk func(node any, path string)
		walk = func(node any, path string) {
			switch v := node.(type) {
			case []any:
				for _, member := range v {
					walk(member, path)
				}
			case map[string]any:
				name, _ := v["name"].(string)
				if name != "" {
					path += "." + name
					if doc, _ := v["doc"].(string); doc == "" {
						t.Errorf("%s has no doc", path)
					}
				}
				if v["type"] == "enum" && v["default"] != "UNKNOWN" {
					t.Errorf("%s has not the default UNKNOWN", path)
				}
				for _, attribute := range []string{"type", "fields", "items", "values"} {
					walk(v[attribute], path)
				}
			}
		}
		walk(parseSchema(t, s.Text), s.Name)
	}
}
