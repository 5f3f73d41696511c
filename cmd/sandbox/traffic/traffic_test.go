package traffic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// log is a Producer that keeps what it is given, one partition per topic.
type log struct{ records []*kgo.Record }

func (l *log) Produce(_ context.Context, rec *kgo.Record, promise func(*kgo.Record, error)) {
	rec.Offset = int64(len(l.records))
	l.records = append(l.records, rec)
	promise(rec, nil)
}

// inProcess is a Platform without a process.
type inProcess struct{ *douyintest.Platform }

func (p inProcess) Logins(_ context.Context, appID string, users []string, anonymous bool) ([]douyintest.Login, error) {
	return p.Platform.Logins(appID, users, anonymous), nil
}

func (p inProcess) Grant(_ context.Context, grants ...douyintest.Grant) error {
	p.Platform.Grant(grants...)
	return nil
}

func play(t *testing.T, cfg Config) ([]*kgo.Record, []Sent, *douyintest.Platform) {
	t.Helper()
	l := &log{}
	p := douyintest.New(douyintest.Options{Apps: Apps()})
	var file bytes.Buffer
	m := NewManifest(&file)
	if err := New(cfg, l, inProcess{p}, m).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	read, err := ReadManifest(&file)
	if err != nil || len(read) != m.Len() || m.Len() != len(l.records) {
		t.Fatalf("%d records, %d in the manifest, %d read back: %v", len(l.records), m.Len(), len(read), err)
	}
	return l.records, m.All(), p
}

// TestMalformedIsWhatItSays holds the manifest's wants against the decoder.
func TestMalformedIsWhatItSays(t *testing.T) {
	t.Parallel()
	records, sent, _ := play(t, Config{Visits: 200})
	seen := map[string]bool{}
	for i, s := range sent {
		seen[s.Case] = true
		rec := records[i]
		got := decode(rec, s.Order)
		want := schemas.Reason(s.Want[0])
		if _, ok := decoderReasons[want]; !ok {
			want = ""
		}
		if got != want {
			t.Errorf("%s on %s decodes as %q, want %q", s.Case, rec.Topic, got, want)
		}
	}
	for _, list := range [][]badCase{malformed, refused} {
		for _, c := range list {
			if !seen[c.name] {
				t.Errorf("%s was not sent", c.name)
			}
		}
	}
	for _, o := range badOrders {
		if !seen[o.name] {
			t.Errorf("%s was not sent", o.name)
		}
	}
}

// decoderReasons are what schemas alone can say.
var decoderReasons = map[schemas.Reason]bool{
	schemas.ReasonUndecodable: true, schemas.ReasonSchemaUnknown: true, schemas.ReasonInvalid: true,
	schemas.ReasonKeyMismatch: true, schemas.ReasonAppUnknown: true, schemas.ReasonClientFailure: true,
}

func decode(rec *kgo.Record, order bool) schemas.Reason {
	if order {
		o, err := schemas.DecodeOrder(rec.Value)
		if err != nil && o.NotificationID != "" {
			return "" // ends in a result
		}
		return reasonOf(err)
	}
	if len(rec.Value) > megabyte {
		return "" // too large before it is anything else
	}
	known := func(app string) bool { return app != AppUnconfigured }
	ev, err := schemas.DecodeEvent(rec.Topic, rec.Key, rec.Value, schemas.DecodeOptions{Known: known, Now: time.Now()})
	if err != nil {
		return reasonOf(err)
	}
	switch rec.Topic {
	case schemas.TopicLogin:
		_, err = schemas.DecodeLogin(ev.Payload)
	case schemas.TopicLocation:
		if _, err = schemas.DecodeAddress(ev.Payload); ev.API == schemas.APILocation {
			_, err = schemas.DecodeLocation(ev)
		}
	case schemas.TopicDevice:
		_, err = schemas.DecodeDevice(ev.Payload)
	case schemas.TopicSubscription:
		_, err = schemas.DecodeSubscription(ev.Payload)
	}
	return reasonOf(err)
}

func reasonOf(err error) schemas.Reason {
	if r, ok := errors.AsType[*schemas.Rejection](err); ok {
		return r.Reason
	}
	return ""
}

// TestEncryptedUnderTheSessionsKeys: what is good opens with a key of one of
// its session's logins, and what is said to be under no key does not.
func TestEncryptedUnderTheSessionsKeys(t *testing.T) {
	t.Parallel()
	records, sent, p := play(t, Config{Visits: 300})
	keys := map[string][]douyin.SessionKey{}
	client := exchanger(t, p)
	kinds := map[string]int{}
	for i, s := range sent {
		kinds[s.Want[0]]++
		if s.Want[0] == "LOGIN" {
			ev, _ := schemas.DecodeEvent(records[i].Topic, records[i].Key, records[i].Value, schemas.DecodeOptions{})
			l, _ := schemas.DecodeLogin(ev.Payload)
			if session, err := client(douyin.Code(l.Code), s.AppID); err == nil {
				keys[s.Session] = append(keys[s.Session], session.SessionKey)
			}
		}
	}
	for i, s := range sent {
		phone := records[i].Topic == schemas.TopicPhone
		if s.Order || !phone && records[i].Topic != schemas.TopicProfile {
			continue
		}
		ev, err := schemas.DecodeEvent(records[i].Topic, records[i].Key, records[i].Value, schemas.DecodeOptions{})
		if err != nil {
			continue
		}
		enc, _ := schemas.DecodeEncrypted(ev.Payload)
		opened := 0
		for _, key := range keys[s.Session] {
			if plain, err := douyin.Decrypt(nil, key, enc.EncryptedData, enc.IV); err == nil && json.Valid(plain) {
				opened++ // padding alone fits a wrong key once in 256
				if ok := douyin.Signed(enc.RawData, enc.Signature, key); !phone && ok != (s.Want[0] == "PROFILE") {
					t.Errorf("%s: signed %v", s.Case, ok)
				}
			}
		}
		if good := s.Want[0] == "PHONE" || s.Want[0] == "PROFILE"; good && opened != 1 {
			t.Errorf("%s (%v): %d of %d keys open it", s.Case, s.Want, opened, len(keys[s.Session]))
		}
	}
	for _, kind := range []string{"LOGIN", "PROFILE", "PHONE", "LOCATION", "ADDRESS", "DEVICE", "SUBSCRIPTION", "SENT", "NO_CREDIT"} {
		if kinds[kind] < 5 {
			t.Errorf("%d of %s among 300 visits", kinds[kind], kind)
		}
	}
}

// exchanger answers the platform's sessions, once for each code.
func exchanger(t *testing.T, p *douyintest.Platform) func(code douyin.Code, app string) (douyin.Session, error) {
	t.Helper()
	local := douyintest.NewLocal(p)
	t.Cleanup(func() { _ = local.Close() })
	c, err := douyin.NewClient(douyin.Config{Transport: local.Transport(), AppsURL: "http://apps.test"})
	if err != nil {
		t.Fatal(err)
	}
	return func(code douyin.Code, id string) (douyin.Session, error) {
		for _, a := range Apps() {
			if a.ID == id {
				return c.ExchangeCode(t.Context(), a, code, "")
			}
		}
		return douyin.Session{}, errors.New("no such app")
	}
}

// TestTrafficTakesItsTime: visits begin evenly, and one user's events are in
// order.
func TestTrafficTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		records, sent, _ := play(t, Config{Visits: 100, Over: time.Minute, Think: time.Second, Bad: -1})
		if took := time.Since(start); took < 58*time.Second || took > 80*time.Second {
			t.Errorf("took %v, want about a minute", took)
		}
		half := 0
		last := map[string]time.Time{}
		for i, s := range sent {
			at := records[i].Timestamp
			if at.Sub(start) < 30*time.Second {
				half++
			}
			if at.Before(last[s.Session]) {
				t.Errorf("session %s goes back in time", s.Session)
			}
			last[s.Session] = at
		}
		if half < len(sent)/3 || half > len(sent)*2/3 {
			t.Errorf("%d of %d records in the first half", half, len(sent))
		}
	})
}

// Where the ledger is the law, no order may be wanted sent that no event
// consented to before it; elsewhere the platform's word is enough.
func TestEnforcedOrdersAreConsentedToByAnEvent(t *testing.T) {
	t.Parallel()
	bare := func(enforced bool) (orders, without int) {
		_, sent, _ := play(t, Config{Visits: 200, Enforced: enforced})
		accepted := map[string]bool{}
		for _, s := range sent {
			for template, said := range s.Says {
				accepted[s.Session+template] = accepted[s.Session+template] || said == "accept"
			}
			if s.Order && s.Wanted("SENT") {
				if orders++; !accepted[s.Session+s.Template] {
					without++
				}
			}
		}
		return orders, without
	}
	if orders, without := bare(true); orders == 0 || without != 0 {
		t.Errorf("enforced: %d of %d orders are to be sent, and nobody consented by an event", without, orders)
	}
	if _, without := bare(false); without == 0 {
		t.Error("advised: every order is consented to by an event")
	}
}
