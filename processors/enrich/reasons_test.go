package enrich

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/platform/stream"
	"doustream/schemas"
)

// Every reason that the enrich role gives, with what brings it about.
func TestDeadLetterReasons(t *testing.T) {
	t.Parallel()
	raw := func(topic topic, key, value string) func(*bench) *stream.Record {
		return func(b *bench) *stream.Record { return b.produce(topic, key, []byte(value)) }
	}
	known := func(b *bench) {
		b.code("c1", "o1")
		b.login("s1", "c1")
		b.loop.settle()
	}
	phone := func(plain func(b *bench) string) func(*bench) *stream.Record {
		return func(b *bench) *stream.Record {
			known(b)
			return b.phoneText("s1", keyOf("c1"), plain(b))
		}
	}
	text := func(app string, at func(b *bench) time.Time) func(*bench) string {
		return func(b *bench) string {
			return fmt.Sprintf(`{"purePhoneNumber":"13800001234","watermark":{"appid":%q,"timestamp":%d}}`, app, at(b).Unix())
		}
	}
	now := func(b *bench) time.Time { return b.now }
	failing := func(what fault, times int) func(*bench) *stream.Record {
		return func(b *bench) *stream.Record {
			b.code("c1", "o1")
			left := times
			b.platform.fault = func(string) fault {
				if left--; left >= 0 {
					return what
				}
				return faultNone
			}
			return b.login("s1", "c1")
		}
	}
	for name, test := range map[string]struct {
		event  func(*bench) *stream.Record
		reason schemas.Reason
		stage  string
		id     bool // the event's id could be read
		change func(*Config)
	}{
		"not JSON":                {event: raw(topicPhone, "s1", "{nonsense"), reason: schemas.ReasonUndecodable, stage: "decode"},
		"a frame nobody knows":    {event: raw(topicPhone, "s1", "\x00\x00\x00\x00\x07abc"), reason: schemas.ReasonSchemaUnknown, stage: "decode"},
		"an empty value":          {event: raw(topicPhone, "s1", ""), reason: schemas.ReasonInvalid, stage: "decode"},
		"a key that is another's": {event: raw(topicDevice, "s2", `{"event_id":"e","app_id":"`+testApp+`","session_id":"s1","occurred_at":1772366400000,"payload":{"brand":"x"}}`), reason: schemas.ReasonKeyMismatch, stage: "decode", id: true},
		"an app that is not ours": {event: raw(topicDevice, "s1", `{"event_id":"e","app_id":"ttnone","session_id":"s1","occurred_at":1772366400000,"payload":{"brand":"x"}}`), reason: schemas.ReasonAppUnknown, stage: "decode", id: true},
		"a call that failed": {event: func(b *bench) *stream.Record {
			return b.event(topicPhone, "s1", map[string]any{"errMsg": "getPhoneNumber:fail auth deny"})
		}, reason: schemas.ReasonClientFailure, stage: "decode", id: true},
		"a latitude of 91": {event: func(b *bench) *stream.Record {
			return b.event(topicLocation, "s1", map[string]any{"longitude": 1, "latitude": 91, "errMsg": "getLocation:ok"})
		}, reason: schemas.ReasonInvalid, stage: "decode", id: true},
		"a code that nobody issued": {event: func(b *bench) *stream.Record { return b.login("s1", "never") }, reason: schemas.ReasonCodeRefused, stage: "exchange", id: true},
		"parameters refused":        {event: failing(faultBadRequest, 1), reason: schemas.ReasonPlatformRefused, stage: "exchange", id: true},
		"the answer lost":           {event: failing(faultLostAfter, 1), reason: schemas.ReasonCodeOutcomeUnknown, stage: "exchange", id: true},
		"two answers lost":          {event: failing(faultLostBefore, 2), reason: schemas.ReasonCodeOutcomeUnknown, stage: "exchange", id: true},
		"a platform that is away":   {event: failing(faultNotSent, 1000), reason: schemas.ReasonCodeExpired, stage: "exchange", id: true},
		"a secret that is wrong":    {event: failing(faultConfig, 1000), reason: schemas.ReasonCodeExpired, stage: "exchange", id: true},
		"no login":                  {event: func(b *bench) *stream.Record { return b.device("s1") }, reason: schemas.ReasonSessionMissing, stage: "join", id: true},
		"no login, and less patience than JOIN_WAIT": {
			event: func(b *bench) *stream.Record { return b.device("s1") }, reason: schemas.ReasonSessionMissing, stage: "join", id: true,
			change: func(c *Config) { c.SessionWait = time.Second },
		},
		"a login that failed":   {event: func(b *bench) *stream.Record { b.login("s1", "never"); return b.device("s1") }, reason: schemas.ReasonLoginFailed, stage: "join", id: true},
		"a key that nobody has": {event: func(b *bench) *stream.Record { known(b); return b.phone("s1", keyOf("other")) }, reason: schemas.ReasonDecryptFailed, stage: "join", id: true},
		"ciphertext cut short": {event: func(b *bench) *stream.Record {
			known(b)
			return b.event(topicPhone, "s1", map[string]any{"encryptedData": "AAAA", "iv": "AAAAAAAAAAAAAAAAAAAAAA=="})
		}, reason: schemas.ReasonDecryptFailed, stage: "join", id: true},
		"a session without a key":    {event: anonymousPhone, reason: schemas.ReasonSessionAnonymous, stage: "join", id: true},
		"the data of another app":    {event: phone(text("tt-other", now)), reason: schemas.ReasonWatermarkMismatch, stage: "decrypt", id: true},
		"data of the day before":     {event: phone(text(testApp, func(b *bench) time.Time { return b.now.Add(-25 * time.Hour) })), reason: schemas.ReasonWatermarkStale, stage: "decrypt", id: true},
		"data of two hours from now": {event: phone(text(testApp, func(b *bench) time.Time { return b.now.Add(2 * time.Hour) })), reason: schemas.ReasonWatermarkStale, stage: "decrypt", id: true},
		"a number that is none":      {event: phone(func(b *bench) string { return `{"purePhoneNumber":"12",` + b.mark() + `}` }), reason: schemas.ReasonInvalid, stage: "decrypt", id: true},
		"a signature that differs":   {event: badSignature("{}"), reason: schemas.ReasonSignatureMismatch, stage: "decrypt", id: true},
		"a signature of nothing":     {event: badSignature(""), reason: schemas.ReasonSignatureMismatch, stage: "decrypt", id: true},
		"too large to park": {
			event: func(b *bench) *stream.Record { return b.device(strings.Repeat("s", 100)) }, reason: schemas.ReasonTooLarge, stage: "park", id: true,
			change: func(c *Config) { c.LargestRecord = 450 },
		},
		"too large to be parked, were it needed": {event: func(b *bench) *stream.Record {
			known(b)
			return b.event(topicDevice, "s1", map[string]any{"brand": "x", "unknown": strings.Repeat("x", 5<<20)})
		}, reason: schemas.ReasonTooLarge, stage: "decode", id: true},
		"a result that no topic takes": {event: func(b *bench) *stream.Record {
			known(b)
			return b.event(topicDevice, "s1", map[string]any{"brand": strings.Repeat("x", 1<<20)})
		}, reason: schemas.ReasonTooLarge, stage: "encode", id: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(c *Config) {
				if test.change != nil {
					test.change(c)
				}
			})
			rec := test.event(b)
			b.loop.advance(4 * time.Minute)
			b.want(rec, string(test.reason))
			b.checkLetter(rec, test.stage, test.id)
			if left := b.unparked(); len(left) != 0 {
				t.Errorf("left parked: %v", left)
			}
			if len(b.loop.task.active) != 0 {
				t.Errorf("%d sessions left active", len(b.loop.task.active))
			}
		})
	}
}

// checkLetter: a dead letter has the original bytes and says where it is from.
func (b *bench) checkLetter(rec *stream.Record, stage string, id bool) {
	b.t.Helper()
	for _, out := range b.out {
		if out.Topic != schemas.TopicDeadLetters {
			continue
		}
		d := letter(b.t, out)
		if d.Source != sourceOf(rec) {
			continue
		}
		if string(out.Value) != string(rec.Value) || string(out.Key) != string(rec.Key) {
			b.t.Errorf("the original bytes are not there")
		}
		if d.Stage != stage || d.Role != "enrich" || (d.EventID != "") != id || d.SourceTimestamp != rec.Timestamp.UnixMilli() {
			b.t.Errorf("headers: %+v; want stage %s", d, stage)
		}
	}
}

func anonymousPhone(b *bench) *stream.Record {
	b.platform.issue("anon", douyin.Session{AnonymousOpenID: "a1"})
	b.event(topicLogin, "s1", map[string]any{"anonymousCode": "anon", "isLogin": false, "errMsg": "login:ok"})
	return b.phone("s1", keyOf("anon"))
}

func badSignature(raw string) func(*bench) *stream.Record {
	return func(b *bench) *stream.Record {
		b.code("c1", "o1")
		b.login("s1", "c1")
		data, iv, err := douyintest.Seal(keyOf("c1"), []byte(`{"nickName":"n",`+b.mark()+`}`))
		must(b.t, err)
		return b.event(topicProfile, "s1", map[string]any{"encryptedData": data, "iv": iv, "rawData": raw, "signature": strings.Repeat("0", 40)})
	}
}

// A dead letter counts the requests that were made, by whichever owner.
func TestDeadLetterCountsAttemptsOverOwners(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.code("c1", "o1")
	b.platform.fault = func(string) fault { return faultLostBefore }
	b.loop.task.gate = &clockedGate{b: b} // the last send is not made yet
	login := b.login("s1", "c1")
	b.loop.advance(5 * time.Second)
	if len(b.unparked()) != 1 {
		t.Fatal("the login is not parked")
	}
	b.restart()
	b.loop.advance(10 * time.Second)
	b.want(login, "code_outcome_unknown")
	if n := b.of(login).dead.Attempts; n != maxAttempts {
		t.Errorf("%d attempts; want %d", n, maxAttempts)
	}
}

func TestAnonymousSessionTakesWhatNeedsNoKey(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	anonymousPhone(b)
	device := b.device("s1")
	b.loop.advance(3 * time.Second)
	b.want(device, "enriched")
	if u := b.of(device).user; u.AnonymousOpenID != "a1" || u.OpenID != "" {
		t.Errorf("identity: %+v", u)
	}
}
