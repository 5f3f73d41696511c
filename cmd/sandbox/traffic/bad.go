package traffic

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"doustream/schemas"
)

// badCase is one thing that can be wrong with an event.
type badCase struct {
	name   string
	topic  string
	reason []schemas.Reason // one of these
	plan   func(v *visit, p *plan)
	// before plans what must go first; nil: a login as it should be.
	before func(v *visit)
}

func alone(*visit) {} // nothing goes before

// add plans the case in a visit of its own.
func (c *badCase) add(v *visit) {
	if c.before == nil {
		v.sendLogin()
	} else {
		c.before(v)
	}
	p := plan{name: c.name, topic: c.topic, payload: func(time.Time) []byte { return deviceOf(v.person.device) }}
	for _, r := range c.reason {
		p.want = append(p.want, string(r))
	}
	c.plan(v, &p)
	v.send(p)
}

func reasons(r ...schemas.Reason) []schemas.Reason { return r }

// spoiled puts something else in the value's place.
func spoiled(f func(e envelope) []byte) func(*visit, *plan) {
	return func(_ *visit, p *plan) { p.spoil = f }
}

// edited changes the envelope.
func edited(f func(e *envelope)) func(*visit, *plan) {
	return func(_ *visit, p *plan) { p.edit = f }
}

// paid gives the event another payload.
func paid(payload string) func(*visit, *plan) {
	return func(_ *visit, p *plan) { p.payload = func(time.Time) []byte { return []byte(payload) } }
}

const megabyte = 1 << 20

// malformed are the events that no decoder takes, or that break a rule of the
// envelope.
var malformed = []badCase{
	{"text that is no JSON", schemas.TopicLogin, reasons(schemas.ReasonUndecodable), spoiled(func(envelope) []byte { return []byte("hello") }), alone},
	{"bytes behind the JSON", schemas.TopicDevice, reasons(schemas.ReasonUndecodable), spoiled(func(e envelope) []byte { return append(encode(e), "{}"...) }), alone},
	{"JSON cut short", schemas.TopicDevice, reasons(schemas.ReasonUndecodable), spoiled(func(e envelope) []byte { b := encode(e); return b[:len(b)-9] }), alone},
	{"invalid UTF-8", schemas.TopicDevice, reasons(schemas.ReasonUndecodable), spoiled(func(e envelope) []byte {
		return bytes.Replace(encode(e), []byte("Douyin"), []byte("Dou\xff\xfe"), 1)
	}), alone},
	{"deep nesting", schemas.TopicDevice, reasons(schemas.ReasonUndecodable), spoiled(func(e envelope) []byte {
		e.Payload = jsontext.Value(`{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}")
		return encode(e)
	}), alone},
	{"duplicate names", schemas.TopicDevice, reasons(schemas.ReasonUndecodable), spoiled(func(e envelope) []byte {
		return append([]byte(`{"event_id":"twin",`), encode(e)[1:]...)
	}), alone},
	{"NaN", schemas.TopicLocation, reasons(schemas.ReasonUndecodable), spoiled(func(e envelope) []byte {
		return bytes.Replace(encode(e), []byte(`"battery":`), []byte(`"longitude":NaN,"battery":`), 1)
	}), alone},
	{"Avro of an unknown schema", schemas.TopicDevice, reasons(schemas.ReasonSchemaUnknown), spoiled(func(e envelope) []byte {
		b := e.avro()
		b[2] ^= 0x5a
		return b
	}), alone},
	{"Avro with bytes behind it", schemas.TopicDevice, reasons(schemas.ReasonUndecodable), spoiled(func(e envelope) []byte { return append(e.avro(), 7) }), alone},
	{"frame of a registry that is not there", schemas.TopicDevice, reasons(schemas.ReasonSchemaUnknown), spoiled(func(envelope) []byte { return []byte{0, 0, 0, 0, 9, 2, 2} }), alone},
	{"empty value", schemas.TopicPhone, reasons(schemas.ReasonInvalid), spoiled(func(envelope) []byte { return []byte{} }), alone},
	{"tombstone", schemas.TopicLogin, reasons(schemas.ReasonInvalid), spoiled(func(envelope) []byte { return nil }), alone},
	{"null payload", schemas.TopicProfile, reasons(schemas.ReasonInvalid), edited(func(e *envelope) { e.Payload = jsontext.Value("null") }), alone},
	{"no payload", schemas.TopicDevice, reasons(schemas.ReasonInvalid), edited(func(e *envelope) { e.Payload = nil }), alone},
	{"no event_id", schemas.TopicDevice, reasons(schemas.ReasonInvalid), edited(func(e *envelope) { e.EventID = "" }), alone},
	{"event_id too long", schemas.TopicDevice, reasons(schemas.ReasonInvalid), edited(func(e *envelope) { e.EventID = strings.Repeat("x", 129) }), alone},
	{"year 9999", schemas.TopicDevice, reasons(schemas.ReasonInvalid), edited(func(e *envelope) { e.OccurredAt = jsontext.Value(`"9999-12-31T23:59:59Z"`) }), alone},
	{"negative time", schemas.TopicDevice, reasons(schemas.ReasonInvalid), edited(func(e *envelope) { e.OccurredAt = jsontext.Value("-5") }), alone},
	{"login without a code", schemas.TopicLogin, reasons(schemas.ReasonInvalid), paid(`{"isLogin":false,"errMsg":"login:ok"}`), alone},
	{"location out of range", schemas.TopicLocation, reasons(schemas.ReasonInvalid), paid(`{"longitude":181,"latitude":39.9,"errMsg":"getLocation:ok"}`), nil},
	{"location that is no number", schemas.TopicLocation, reasons(schemas.ReasonInvalid), paid(`{"longitude":"NaN","latitude":39.9,"errMsg":"getLocation:ok"}`), nil},
	{"5 MB value", schemas.TopicDevice, reasons(schemas.ReasonTooLarge), spoiled(func(envelope) []byte { return bytes.Repeat([]byte("5 MB "), megabyte) }), alone},
	{"key of another session", schemas.TopicDevice, reasons(schemas.ReasonKeyMismatch), func(_ *visit, p *plan) {
		p.rekey = func(s string) []byte { return []byte(s + "-other") }
	}, alone},
	{"no key", schemas.TopicDevice, reasons(schemas.ReasonKeyMismatch), func(_ *visit, p *plan) { p.rekey = func(string) []byte { return nil } }, alone},
	{"app that nobody configured", schemas.TopicDevice, reasons(schemas.ReasonAppUnknown), edited(func(e *envelope) { e.AppID = AppUnconfigured }), alone},
	{"login that failed on the phone", schemas.TopicLogin, reasons(schemas.ReasonClientFailure), paid(`{"errMsg":"login:fail network"}`), alone},
	{"phone number not given", schemas.TopicPhone, reasons(schemas.ReasonClientFailure), paid(`{"detail":{"errMsg":"getPhoneNumber:fail auth deny"},"errMsg":"getPhoneNumber:fail auth deny"}`), nil},
}

// refused are the events that are well formed and that the platform, or a key,
// turns down.
var refused = []badCase{
	{"code past its life", schemas.TopicLogin, reasons(schemas.ReasonCodeExpired), func(v *visit, p *plan) {
		v.pays(p, `{"code":"an-old-code-of-%s","isLogin":true,"errMsg":"login:ok"}`)
		p.age = time.Hour
	}, alone},
	{"anonymous code that was never given", schemas.TopicLogin, reasons(schemas.ReasonCodeRefused), func(v *visit, p *plan) {
		v.pays(p, `{"anonymousCode":"made-up-by-%s","isLogin":false,"errMsg":"login:ok"}`)
	}, alone},
	{"phone behind a refused code", schemas.TopicPhone, reasons(schemas.ReasonLoginFailed), withPhone(), func(v *visit) {
		p := plan{name: "code that was never given", topic: schemas.TopicLogin, want: []string{string(schemas.ReasonCodeRefused)}}
		v.pays(&p, `{"code":"made-up-by-%s","isLogin":true,"errMsg":"login:ok"}`)
		v.send(p)
		v.pause()
	}},
	{"device behind a login that the platform refuses", schemas.TopicDevice, reasons(schemas.ReasonLoginFailed), good, func(v *visit) {
		v.app = AppRefused
		v.failLogin("platform refuses", schemas.ReasonPlatformRefused)
	}},
	{"phone behind a login whose answer was lost", schemas.TopicPhone, reasons(schemas.ReasonLoginFailed), withPhone(), func(v *visit) {
		v.app = AppLost
		v.failLogin("answer lost behind the exchange", schemas.ReasonCodeOutcomeUnknown)
	}},
	{"device behind a login under a wrong secret", schemas.TopicDevice, reasons(schemas.ReasonLoginFailed), good, func(v *visit) {
		v.app, v.logins = AppWrongSecret, 1
		v.send(plan{
			name: "login under a wrong secret", topic: schemas.TopicLogin, want: []string{string(schemas.ReasonCodeExpired)},
			payload: func(time.Time) []byte { return loginOf(v.login) },
			age:     codeLife - 10*time.Second, // so that the wait for a better secret is over soon
		})
		v.pause()
	}},
	{"phone of a session that never logged in", schemas.TopicPhone, reasons(schemas.ReasonSessionMissing), withPhone(), alone},
	{"device of a session that never logged in", schemas.TopicDevice, reasons(schemas.ReasonSessionMissing), good, alone},
	{"phone of an anonymous session", schemas.TopicPhone, reasons(schemas.ReasonSessionAnonymous), withPhone(), func(v *visit) {
		v.nobody = true
		v.sendLogin()
	}},
	{"key that the platform never gave", schemas.TopicPhone, reasons(schemas.ReasonDecryptFailed), withPhone(), nil},
	{"ciphertext that is no base64", schemas.TopicPhone, reasons(schemas.ReasonDecryptFailed, schemas.ReasonInvalid), paid(`{"encryptedData":"*%$","iv":"ZtZtYvS7gNbGMpyYg500rA==","errMsg":"getPhoneNumber:ok"}`), nil},
	{"iv of five bytes", schemas.TopicPhone, reasons(schemas.ReasonDecryptFailed, schemas.ReasonInvalid), paid(`{"encryptedData":"aLhedzo+Z6es5zW+YHo9sg==","iv":"aGVsbG8=","errMsg":"getPhoneNumber:ok"}`), nil},
	{"signature of something else", schemas.TopicProfile, reasons(schemas.ReasonSignatureMismatch), func(v *visit, p *plan) {
		key := v.key()
		p.payload = func(now time.Time) []byte {
			pay := profileOf(v.person.info(), "", key(), mark(v.app, now, false))
			pay.RawData = strings.Replace(pay.RawData, "zh_CN", "en_US", 1)
			return encode(pay)
		}
	}, nil},
	{"watermark of another app", schemas.TopicPhone, reasons(schemas.ReasonWatermarkMismatch), marked(func(_ string, now time.Time) watermark { return mark(AppUnconfigured, now, false) }), nil},
	{"watermark of last week", schemas.TopicPhone, reasons(schemas.ReasonWatermarkStale), marked(func(app string, now time.Time) watermark { return mark(app, now.AddDate(0, 0, -7), true) }), nil},
	{"watermark of tomorrow", schemas.TopicPhone, reasons(schemas.ReasonWatermarkStale), marked(func(app string, now time.Time) watermark { return mark(app, now.AddDate(0, 0, 1), false) }), nil},
}

// codeLife is DOUSTREAM_CODE_LIFE, unless it is told otherwise.
const codeLife = 3 * time.Minute

// good leaves the event as it is.
func good(*visit, *plan) {}

// strayKey decrypts nothing: the platform gives random ones.
var strayKey = base64.StdEncoding.EncodeToString([]byte("nobody's key 000"))

// withPhone is a phone number under a key that no session has.
func withPhone() func(*visit, *plan) {
	return func(v *visit, p *plan) {
		p.payload = func(now time.Time) []byte { return phoneOf(v.person.phone, strayKey, mark(v.app, now, false), false) }
	}
}

// marked is a phone number under the right key with another watermark.
func marked(w func(app string, now time.Time) watermark) func(*visit, *plan) {
	return func(v *visit, p *plan) {
		key := v.key()
		p.payload = func(now time.Time) []byte { return phoneOf(v.person.phone, key(), w(v.app, now), false) }
	}
}

// pays gives the event a payload of the visit's own: no two may name the same
// code, or how often each was sent cannot be told.
func (v *visit) pays(p *plan, format string) {
	p.payload = func(time.Time) []byte { return fmt.Appendf(nil, format, v.session) }
}

// failLogin plans a login with good codes that comes to nothing.
func (v *visit) failLogin(name string, reason schemas.Reason) {
	v.logins = max(v.logins, 1)
	v.send(plan{name: name, topic: schemas.TopicLogin, want: []string{string(reason)}, payload: func(time.Time) []byte { return loginOf(v.login) }})
	v.pause()
}
