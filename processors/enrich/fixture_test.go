package enrich

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/platform/secrets"
	"doustream/platform/stream"
	"doustream/schemas"
)

const testApp = "tt60d4000000000001"

// testOutput builds outputs as package sinks does, and reads them back.
type testOutput struct{ encoder *schemas.Encoder }

func newTestOutput(t testing.TB) *testOutput {
	encoder, err := schemas.NewEncoder(schemas.FormatSingleObject, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &testOutput{encoder}
}

func (o *testOutput) Enriched(u *schemas.EnrichedUser) (*stream.Record, error) {
	value, err := o.encoder.EnrichedUser(nil, u)
	key := u.OpenID
	if key == "" {
		key = u.AnonymousOpenID
	}
	both := append(value, key...)
	return &stream.Record{Topic: schemas.TopicUsers, Key: both[len(value):], Value: both[:len(value):len(value)]}, err
}

func (o *testOutput) DeadLetter(src *stream.Record, d schemas.DeadLetter) *stream.Record {
	rec := &stream.Record{Topic: schemas.TopicDeadLetters, Key: src.Key, Value: src.Value}
	for _, h := range d.Headers() {
		rec.Headers = appendHeader(rec.Headers, h.Key, h.Value)
	}
	return rec
}

func (o *testOutput) Consent(f schemas.ConsentFact) (*stream.Record, error) {
	value, err := f.Encode()
	return &stream.Record{Topic: schemas.TopicConsents, Key: []byte(f.AppID + "|" + f.OpenID), Value: value}, err
}

// result is what became of one input record.
type result struct {
	user *schemas.EnrichedUser
	dead *schemas.DeadLetter
}

func (r result) String() string {
	if r.user != nil {
		return "enriched"
	}
	return string(r.dead.Reason)
}

func sourceOf(rec *stream.Record) schemas.Source {
	return schemas.Source{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset}
}

// results reads committed outputs, by source.
func results(t fataler, records []*stream.Record) (bySource map[schemas.Source][]result, order []schemas.Source) {
	bySource = map[schemas.Source][]result{}
	for _, rec := range records {
		switch rec.Topic {
		case schemas.TopicUsers:
			u, err := schemas.DecodeEnrichedUser(rec.Value)
			if err != nil {
				t.Fatalf("decode enriched user: %v", err)
			}
			bySource[u.Source] = append(bySource[u.Source], result{user: &u})
			order = append(order, u.Source)
		case schemas.TopicDeadLetters:
			d := letter(t, rec)
			bySource[d.Source] = append(bySource[d.Source], result{dead: &d})
		}
	}
	return bySource, order
}

type fataler interface {
	Fatalf(format string, args ...any)
}

func letter(t fataler, rec *stream.Record) schemas.DeadLetter {
	var headers []schemas.Header
	for _, h := range rec.Headers {
		headers = append(headers, schemas.Header{Key: h.Key, Value: h.Value})
	}
	d, err := schemas.DecodeDeadLetter(headers)
	if err != nil {
		t.Fatalf("read dead letter: %v", err)
	}
	return d
}

// fakePlatform exchanges codes; what happens to a request is up to fault.
type fakePlatform struct {
	now   func() time.Time
	fault func(code string) fault // nil: none
	codes map[string]*fakeCode
}

type fakeCode struct {
	session  douyin.Session
	unknown  bool // the platform knows no such code
	used     bool
	sends    int // requests that may have consumed it
	lastSent time.Time
}

type fault int

const (
	faultNone fault = iota
	faultLostAfter
	faultLostBefore
	faultNotSent
	faultThrottled
	faultConfig
	faultBadRequest
)

func newFakePlatform() *fakePlatform {
	return &fakePlatform{codes: map[string]*fakeCode{}, now: time.Now}
}

func (p *fakePlatform) issue(code string, s douyin.Session) *fakeCode {
	c := &fakeCode{session: s}
	p.codes[code] = c
	return c
}

func kindError(kind douyin.Kind) error {
	return &douyin.Error{Endpoint: douyin.EndpointCode2Session, Kind: kind, No: 40000 + int64(kind), LogID: "log-1"}
}

func (p *fakePlatform) ExchangeCode(_ context.Context, _ douyin.App, code, anonymous douyin.Code) (douyin.Session, error) {
	text := string(code)
	if text == "" {
		text = string(anonymous)
	}
	c := p.codes[text]
	if c == nil {
		return douyin.Session{}, kindError(douyin.KindCode)
	}
	what := faultNone
	if p.fault != nil {
		what = p.fault(text)
	}
	switch what {
	case faultNotSent:
		return douyin.Session{}, kindError(douyin.KindNotSent)
	case faultThrottled:
		return douyin.Session{}, kindError(douyin.KindThrottled)
	case faultConfig:
		return douyin.Session{}, kindError(douyin.KindConfig)
	}
	c.sends++
	c.lastSent = p.now()
	switch {
	case what == faultLostBefore:
		return douyin.Session{}, kindError(douyin.KindUnknown)
	case what == faultBadRequest:
		return douyin.Session{}, kindError(douyin.KindBadRequest)
	case c.used || c.unknown:
		return douyin.Session{}, kindError(douyin.KindCode)
	}
	c.used = true
	if what == faultLostAfter {
		return douyin.Session{}, kindError(douyin.KindUnknown)
	}
	return c.session, nil
}

// openGate lets everything through, unless deny has a wait, or delay a verdict.
type openGate struct {
	deny  func() time.Duration
	delay func(told func(verdict) bool) verdict
}

type openPermit struct {
	delay func(told func(verdict) bool) verdict
}

func (p openPermit) ready(told func(verdict) bool) verdict {
	if p.delay != nil {
		return p.delay(told)
	}
	return verdictGo
}
func (openPermit) done(time.Duration, error) {}
func (openPermit) drop()                     {}

func (g openGate) try(string, bool, *waiter) (permit, time.Duration) {
	if g.deny != nil {
		if wait := g.deny(); wait > 0 {
			return nil, wait
		}
	}
	return openPermit{g.delay}, 0
}
func (openGate) pass(string) {}

func testDeps(t testing.TB, platform Exchanger) Deps {
	t.Helper()
	key := func(seed byte) string {
		b := make([]byte, 32)
		for i := range b {
			b[i] = seed
		}
		return base64.StdEncoding.EncodeToString(b)
	}
	sealing, err := secrets.ParseKeyring("s1:" + key(1))
	must(t, err)
	personal, err := secrets.ParseKeyring("p1:" + key(2))
	must(t, err)
	peppers, err := secrets.ParsePeppers("h1:" + key(3))
	must(t, err)
	return Deps{Exchanger: platform, Output: newTestOutput(t), Sealing: sealing, Personal: personal, Peppers: peppers}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func testConfig() Config {
	return Config{Apps: []douyin.App{{ID: testApp, Secret: "app-secret-never-seen"}}, Metrics: prometheus.NewRegistry()}
}

// bench is a world, a platform and a task on a fake loop.
type bench struct {
	*world
	t        testing.TB
	platform *fakePlatform
	proc     *processor
	loop     *fakeLoop
	events   int
}

func newBench(t testing.TB, change ...func(*Config)) *bench {
	b := &bench{world: newWorld(), t: t, platform: newFakePlatform()}
	b.platform.now = func() time.Time { return b.now }
	cfg := testConfig()
	for _, f := range change {
		f(&cfg)
	}
	proc, err := newProcessor(cfg, testDeps(t, b.platform))
	must(t, err)
	proc.gate = openGate{}
	proc.clock = func() time.Time { return b.now }
	b.proc = proc
	b.loop = b.newLoop(proc)
	return b
}

// keyOf is the session key that a code is exchanged for.
func keyOf(code string) douyin.SessionKey {
	raw := fmt.Sprintf("%-16.16s", "k"+code)
	return douyin.SessionKey(base64.StdEncoding.EncodeToString([]byte(raw)))
}

func (b *bench) code(code, openID string) *fakeCode {
	return b.platform.issue(code, douyin.Session{SessionKey: keyOf(code), OpenID: openID, UnionID: "union-" + openID})
}

func (b *bench) event(t topic, session string, payload any, extra ...func(map[string]any)) *stream.Record {
	b.events++
	envelope := map[string]any{
		"event_id": fmt.Sprintf("ev-%d", b.events), "app_id": testApp, "session_id": session,
		"occurred_at": b.now.UnixMilli(), "payload": payload,
	}
	for _, f := range extra {
		f(envelope)
	}
	value, err := json.Marshal(envelope)
	must(b.t, err)
	return b.produce(t, session, value)
}

func (b *bench) login(session, code string) *stream.Record {
	return b.event(topicLogin, session, map[string]any{"code": code, "isLogin": true, "errMsg": "login:ok"})
}

func (b *bench) phone(session string, key douyin.SessionKey) *stream.Record {
	return b.phoneText(session, key, fmt.Sprintf(
		`{"phoneNumber":"13800001234","purePhoneNumber":"13800001234","countryCode":"86","watermark":{"appid":%q,"timestamp":%d}}`,
		testApp, b.now.Unix()))
}

func (b *bench) phoneText(session string, key douyin.SessionKey, plain string) *stream.Record {
	data, iv, err := douyintest.Seal(key, []byte(plain))
	must(b.t, err)
	return b.event(topicPhone, session, map[string]any{"encryptedData": data, "iv": iv, "errMsg": "getPhoneNumber:ok"})
}

func (b *bench) device(session string) *stream.Record {
	return b.event(topicDevice, session, map[string]any{"brand": "devtools", "model": "iPhone 12", "errMsg": "getSystemInfo:ok"})
}

// of answers the one result of a record, or fails.
func (b *bench) of(rec *stream.Record) result {
	b.t.Helper()
	got, _ := results(b.t, b.out)
	if n := len(got[sourceOf(rec)]); n != 1 {
		b.t.Fatalf("%s/%d has %d results; want 1", rec.Topic, rec.Offset, n)
	}
	return got[sourceOf(rec)][0]
}

func (b *bench) want(rec *stream.Record, outcome string) {
	b.t.Helper()
	if got := b.of(rec); got.String() != outcome {
		b.t.Errorf("%s/%d: %s; want %s", rec.Topic, rec.Offset, got, outcome)
	}
}

func (b *bench) none(rec *stream.Record) {
	b.t.Helper()
	got, _ := results(b.t, b.out)
	if r := got[sourceOf(rec)]; len(r) != 0 {
		b.t.Errorf("%s/%d: %v; want nothing yet", rec.Topic, rec.Offset, r)
	}
}

// restart is a crash (nothing in flight arrives) and a new owner.
func (b *bench) restart() {
	b.loop.crash(func() bool { return false })
	b.loop = b.newLoop(b.proc)
}

func hashOf(session, code string) codeHash {
	return hashCode(testApp, session, &schemas.Login{Code: code})
}

// resultOf is a RESULT as another owner writes it.
func (b *bench) resultOf(code, session string, loginOffset int64) *stream.Record {
	b.t.Helper()
	hash := hashOf(session, code)
	rec, err := b.proc.facts.record(factResult, &schemas.SessionFact{
		SessionID: session, AppID: testApp, CodeHash: hash[:], CodeKind: schemas.CodeKindCode, Attempt: 1,
		Owner: "somebody", At: b.now.UnixMilli(), LoginOffset: loginOffset, SessionKey: string(keyOf(code)), OpenID: "o1",
	}, 0)
	must(b.t, err)
	return rec
}

// record makes the record of any fact out of all that was ever said of one.
func (s factSealer) record(kind factKind, f *schemas.SessionFact, partition int32) (*stream.Record, error) {
	head := headOf(kind, f)
	switch kind {
	case factResult:
		o := schemas.SessionOutcome{SessionKey: f.SessionKey, OpenID: f.OpenID, UnionID: f.UnionID, AnonymousOpenID: f.AnonymousOpenID}
		return s.outcome(&head, f.AppID, &o, partition)
	case factFailed:
		return s.outcome(&head, f.AppID, &schemas.SessionOutcome{Reason: f.Reason, ErrNo: f.ErrNo, LogID: f.LogID}, partition)
	default:
		return s.note(&head, partition), nil
	}
}

func headOf(kind factKind, f *schemas.SessionFact) fact {
	head := fact{
		session: []byte(f.SessionID), kind: kind, attempt: uint8(f.Attempt), layout: layoutSlim,
		app: hashApp(f.AppID), owner: hashOwner(f.Owner), loginOffset: f.LoginOffset, at: f.At,
	}
	copy(head.hash[:], f.CodeHash)
	return head
}
