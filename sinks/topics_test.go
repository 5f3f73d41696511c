package sinks

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/schemas"
)

func testTopics(t testing.TB, maxBytes int) *Topics {
	t.Helper()
	encoder, err := schemas.NewEncoder(schemas.FormatSingleObject, nil)
	if err != nil {
		t.Fatal(err)
	}
	topics, err := NewTopics(TopicsConfig{Prefix: "test.", Encoder: encoder, MaxBytes: maxBytes})
	if err != nil {
		t.Fatal(err)
	}
	return topics
}

func header(rec *kgo.Record, key string) string {
	for _, h := range rec.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

func TestTopicsNeedAnEncoder(t *testing.T) {
	if _, err := NewTopics(TopicsConfig{}); err == nil {
		t.Fatal("no error without an encoder")
	}
}

func TestEnrichedUsersAreKeyedByOpenIDElseAnonymous(t *testing.T) {
	tests := map[string]struct {
		user    schemas.EnrichedUser
		key     string
		wantErr bool
	}{
		"open id":                  {user: schemas.EnrichedUser{OpenID: "o", AnonymousOpenID: "a"}, key: "o"},
		"anonymous where no other": {user: schemas.EnrichedUser{AnonymousOpenID: "a"}, key: "a"},
		"neither is an error":      {wantErr: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			u := tc.user
			u.EventID, u.AppID, u.SessionID, u.Kind = "e", "tt1", "s", schemas.KindLogin
			rec, err := testTopics(t, 0).Enriched(&u)
			if tc.wantErr != (err != nil) {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				return
			}
			if string(rec.Key) != tc.key || rec.Topic != "test.users.enriched" {
				t.Fatalf("key %q on %s", rec.Key, rec.Topic)
			}
			back, err := schemas.DecodeEnrichedUser(rec.Value)
			if err != nil || back.EventID != "e" {
				t.Fatalf("decode: %+v, %v", back, err)
			}
		})
	}
}

func TestResultsAndConsentsHaveTheirKeys(t *testing.T) {
	topics := testTopics(t, 0)
	result, err := topics.Result(&schemas.NotificationResult{NotificationID: "n-1", AppID: "tt1", Status: schemas.StatusSent})
	if err != nil || string(result.Key) != "n-1" || result.Topic != "test.notifications.results" {
		t.Fatalf("%+v, %v", result, err)
	}
	consent, err := topics.Consent(schemas.ConsentFact{AppID: "tt1", OpenID: "o-1", TemplateID: "m", Status: schemas.ConsentAccept})
	if err != nil || string(consent.Key) != "tt1|o-1" || consent.Topic != "test.doustream.consents" {
		t.Fatalf("%+v, %v", consent, err)
	}
}

func TestDeadLetters(t *testing.T) {
	at := time.UnixMilli(1763800000123)
	src := func() *kgo.Record {
		return &kgo.Record{
			Topic: "test.miniapp.login", Partition: 3, Offset: 7, Timestamp: at, Key: []byte("k"), Value: []byte("v"),
			Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte("t-1")}},
		}
	}
	letter := schemas.DeadLetter{Reason: schemas.ReasonInvalid, Stage: "decode", Role: "enrich", EventID: "e-1", Attempts: 1, FailedAt: 5}

	t.Run("key, value and headers as they were", func(t *testing.T) {
		rec := testTopics(t, 0).DeadLetter(src(), letter)
		if rec.Topic != "test.dead-letters" || string(rec.Key) != "k" || string(rec.Value) != "v" || header(rec, "trace") != "t-1" {
			t.Fatalf("%+v", rec)
		}
	})
	t.Run("says where it came from", func(t *testing.T) {
		rec := testTopics(t, 0).DeadLetter(src(), letter)
		if header(rec, "doustream.source") != "test.miniapp.login/3/7" || header(rec, "doustream.source.timestamp") != "1763800000123" {
			t.Fatalf("%+v", rec.Headers)
		}
	})
	t.Run("a source that is given stays", func(t *testing.T) {
		given := letter
		given.Source = schemas.Source{Topic: "elsewhere", Partition: 1, Offset: 2}
		if got := header(testTopics(t, 0).DeadLetter(src(), given), "doustream.source"); got != "elsewhere/1/2" {
			t.Fatal(got)
		}
	})
	t.Run("a tombstone stays a tombstone", func(t *testing.T) {
		in := src()
		in.Value = nil
		if rec := testTopics(t, 0).DeadLetter(in, letter); rec.Value != nil || header(rec, "doustream.reason") != "invalid" {
			t.Fatalf("%+v", rec)
		}
	})
	t.Run("a producer's headers cannot speak for doustream", func(t *testing.T) {
		in := src()
		in.Headers = append(in.Headers, kgo.RecordHeader{Key: "doustream.reason", Value: []byte("forged")})
		rec := testTopics(t, 0).DeadLetter(in, letter)
		for _, h := range rec.Headers {
			if string(h.Value) == "forged" {
				t.Fatal("the forged header was kept")
			}
		}
	})
	t.Run("original headers beyond the bound are left out", func(t *testing.T) {
		in := src()
		in.Headers = append(in.Headers, kgo.RecordHeader{Key: "big", Value: bytes.Repeat([]byte("x"), keptHeaderBytes)},
			kgo.RecordHeader{Key: "after", Value: []byte("kept")})
		rec := testTopics(t, 0).DeadLetter(in, letter)
		if header(rec, "big") != "" || header(rec, "after") != "kept" || header(rec, "trace") != "t-1" {
			t.Fatalf("kept %d headers", len(rec.Headers))
		}
	})
	t.Run("too large leaves as headers alone, naming its source", func(t *testing.T) {
		in := src()
		in.Value = bytes.Repeat([]byte("x"), 4096)
		rec := testTopics(t, 4096).DeadLetter(in, letter)
		if rec.Key != nil || rec.Value != nil || header(rec, "trace") != "" {
			t.Fatal("something of the original was kept")
		}
		if header(rec, "doustream.reason") != "too_large" || !strings.HasSuffix(header(rec, "doustream.source"), "login/3/7") {
			t.Fatalf("%+v", rec.Headers)
		}
	})
	t.Run("the input is left as it was", func(t *testing.T) {
		in := src()
		testTopics(t, 0).DeadLetter(in, letter)
		if len(in.Headers) != 1 || in.Topic != "test.miniapp.login" {
			t.Fatalf("%+v", in)
		}
	})
}
