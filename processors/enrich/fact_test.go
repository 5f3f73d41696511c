package enrich

import (
	"bytes"
	"encoding/hex"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"doustream/platform/stream"
	"doustream/schemas"
)

// firstLayout seals a fact as the first version of doustream did.
func firstLayout(b *bench, kind factKind, f *schemas.SessionFact) *stream.Record {
	b.t.Helper()
	f.Kind = sealedKinds[kind]
	head := headOf(kind, f)
	head.layout = layoutFirst
	plain, err := f.Encode()
	must(b.t, err)
	key := head.key(nil)
	value, err := b.proc.sealing.Seal(nil, plain, purposeSession, []byte("doustream.sessions|"+string(key)+"|1"))
	must(b.t, err)
	rec := &stream.Record{Topic: schemas.TopicSessions, Key: key, Value: value}
	rec.Headers = appendHeader(rec.Headers, "doustream.fact", head.appendHead(nil))
	return rec
}

func (b *bench) factFor(session, code string, login int64) *schemas.SessionFact {
	hash := hashOf(session, code)
	return &schemas.SessionFact{
		SessionID: session, AppID: testApp, CodeHash: hash[:], CodeKind: schemas.CodeKindCode, Attempt: 1, Owner: "somebody",
		At: b.now.UnixMilli(), LoginOffset: login, SessionKey: string(keyOf(code)), OpenID: "o1",
	}
}

// ownSubkey seals a fact as versions did that sealed each under a subkey of its own.
func ownSubkey(b *bench, kind factKind, f *schemas.SessionFact) *stream.Record {
	b.t.Helper()
	rec, err := b.proc.facts.record(kind, f, 0)
	must(b.t, err)
	head, sealed, _ := readFact(rec)
	if !head.decisive() {
		return rec
	}
	o, err := b.proc.facts.open(&head, sealed, f.AppID)
	must(b.t, err)
	value := rec.Value[:factSize:factSize]
	rec.Value, err = b.proc.sealing.Seal(value, o.Append(nil), purposeSession, b.proc.facts.bind(nil, &head, f.AppID))
	must(b.t, err)
	if len(rec.Value) != factSize+len(sealed) {
		b.t.Errorf("%d bytes sealed in a run, %d under a subkey of their own", len(sealed), len(rec.Value)-factSize)
	}
	return rec
}

// Records that earlier versions wrote stand in the topic for a session's life
// after an upgrade.
func TestFactsOfEarlierVersionsAreRead(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*bench, factKind, *schemas.SessionFact) *stream.Record{
		"the first layout": firstLayout, "a subkey for each": ownSubkey,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			code := b.code("c1", "o1")
			login, phone := b.login("s1", "c1"), b.phone("s1", keyOf("c1"))
			second := b.login("s2", "c2")
			refused := b.factFor("s2", "c2", second.Offset)
			refused.Reason = schemas.ReasonCodeRefused
			b.sessions = append(b.sessions,
				write(b, factSent, b.factFor("s1", "c1", login.Offset)), write(b, factResult, b.factFor("s1", "c1", login.Offset)),
				write(b, factFailed, refused))
			b.loop.settle()
			b.want(login, "enriched")
			b.want(phone, "enriched")
			b.want(second, "code_refused")
			if code.sends != 0 {
				t.Errorf("I3: a code with a RESULT of an earlier version was sent %d times", code.sends)
			}
		})
	}
}

// Made by sealing outcome o1, u1, a1 for the second send of code c1: by a shipped
// version, under a subkey of its own, and in a run, by a Python program that knows
// platform/secrets from its description.
const (
	goldenFactKey = "s1|99bffc39a98bb0b9a69f919616bb3e3a|RESULT|2"
	goldenFact    = "025c17c34894bbd4da02e3ab61000000000000004d0000019ca9450a7b0102733184077c20c5ef2d035d040b7618fad424927393a64430b6f6b7c8e7505694d18cb72e447ddb5c452411f60185fd177e6b98f13c80bf1a83073521b364470c57c675822f"
	goldenInRun   = "025c17c34894bbd4da02e3ab61000000000000004d0000019ca9450a7b0202733172756e2d6f662d7477656c76000000071d663a51bdc8b267d4b6ee459a2a72c4eb4a1e3325e3dbb33d4e69a5160d1ab7a7bfdeea17725e180aa63eeb054c4a9ca9b6b6"
)

// The bytes of records of the slim layout, which are for as long as a session lives.
func TestSlimLayoutGolden(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, golden := range map[string]string{"a subkey of its own": goldenFact, "in a run": goldenInRun} {
		value, err := hex.DecodeString(golden)
		must(t, err)
		rec := &stream.Record{Topic: schemas.TopicSessions, Key: []byte(goldenFactKey), Value: value}
		f, sealed, ok := readFact(rec)
		if !ok || string(f.session) != "s1" || f.kind != factResult || f.attempt != 2 || f.loginOffset != 77 || f.at != 1772366400123 {
			t.Fatalf("%s: read %+v, %v", name, f, ok)
		}
		if want := hashCode(testApp, "s1", &schemas.Login{Code: "c1"}); f.hash != want {
			t.Errorf("%s: the code's hash is %x; made now it is %x", name, f.hash, want)
		}
		got, err := b.proc.facts.open(&f, sealed, testApp)
		want := schemas.SessionOutcome{SessionKey: string(keyOf("c1")), OpenID: "o1", UnionID: "u1", AnonymousOpenID: "a1"}
		if err != nil || got != want {
			t.Errorf("%s: opened %q %q %q %q, %v", name, got.SessionKey, got.OpenID, got.UnionID, got.AnonymousOpenID, err)
		}
	}
}

// Whatever the head and key of a record say is what was sealed, or the record
// does not open.
func TestFactIsBoundToItsKeyHeadAndApp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, change := range map[string]func(f *fact, sealed []byte, app *string){
		"nothing":         func(*fact, []byte, *string) {},
		"the session":     func(f *fact, _ []byte, _ *string) { f.session = []byte("s2") },
		"the code":        func(f *fact, _ []byte, _ *string) { f.hash[0] ^= 1 },
		"the kind":        func(f *fact, _ []byte, _ *string) { f.kind = factFailed },
		"the attempt":     func(f *fact, _ []byte, _ *string) { f.attempt = 2 },
		"the login":       func(f *fact, _ []byte, _ *string) { f.loginOffset++ },
		"the time":        func(f *fact, _ []byte, _ *string) { f.at++ },
		"the app":         func(_ *fact, _ []byte, app *string) { *app = otherApp },
		"the layout":      func(f *fact, _ []byte, _ *string) { f.layout = layoutFirst },
		"a byte of it":    func(_ *fact, sealed []byte, _ *string) { sealed[len(sealed)-20] ^= 1 },
		"a byte of a tag": func(_ *fact, sealed []byte, _ *string) { sealed[len(sealed)-1] ^= 1 },
	} {
		rec, err := b.proc.facts.record(factResult, b.factFor("s1", "c1", 7), 0)
		must(t, err)
		if rec.Value[factSize] != 2 {
			t.Fatalf("sealed as version %d, not in a run", rec.Value[factSize])
		}
		f, sealed, ok := readFact(rec)
		if !ok {
			t.Fatal("not read")
		}
		app := testApp
		change(&f, sealed, &app)
		if _, err := b.proc.facts.open(&f, sealed, app); (err == nil) != (name == "nothing") {
			t.Errorf("%s changed: %v", name, err)
		}
	}
}

// A record that is torn or nobody's is passed over, is told, and is counted; it
// stops nothing, and takes nothing with it.
func TestTornAndForeignRecordsAreSkippedLoudly(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(rec *stream.Record){
		"cut in the head":         func(r *stream.Record) { r.Value = r.Value[:20] },
		"head alone":              func(r *stream.Record) { r.Value = r.Value[:factSize] },
		"a layout to come":        func(r *stream.Record) { r.Value[0] = 3 },
		"a key without parts":     func(r *stream.Record) { r.Key = []byte("nobody's") },
		"a key without a session": func(r *stream.Record) { r.Key = r.Key[bytes.IndexByte(r.Key, '|'):] },
		"a kind to come":          func(r *stream.Record) { r.Key = bytes.Replace(r.Key, []byte("RESULT"), []byte("REFUND"), 1) },
		"a third send":            func(r *stream.Record) { r.Key[len(r.Key)-1] = '3' },
		"a hash that is none":     func(r *stream.Record) { r.Key[bytes.IndexByte(r.Key, '|')+1] = 'z' },
		"no key":                  func(r *stream.Record) { r.Key = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			registry := prometheus.NewRegistry()
			b := newBench(t, func(c *Config) { c.Logger, c.Metrics = slog.New(slog.NewTextHandler(&log, nil)), registry })
			rec := b.resultOf("c0", "s0", 0)
			change(rec)
			b.sessions = append(b.sessions, rec, b.resultOf("c1", "s1", 0))
			b.code("c1", "o1")
			login := b.login("s1", "c1")
			b.loop.settle()
			b.want(login, "enriched")
			if !strings.Contains(string(gathered(t, registry)), `doustream_enrich_state_skipped_total{state="sessions"} 1`+"\n") {
				t.Error("it is not counted, or not once")
			}
			if !strings.Contains(log.String(), "skip a record of doustream.sessions") || !strings.Contains(log.String(), "ERROR") {
				t.Errorf("it is not told: %s", &log)
			}
			if b.loop.task.ledger.table.facts != 1 {
				t.Errorf("%d facts; want 1", b.loop.task.ledger.table.facts)
			}
		})
	}
}

// A tombstone is what retention or an operator leaves: no reason to be loud.
func TestTombstoneIsPassedOverQuietly(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	b := newBench(t, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	rec := b.resultOf("c1", "s1", 0)
	rec.Value = nil
	b.loop.task.Restore(rec)
	if log.Len() != 0 || b.loop.task.ledger.table.facts != 0 {
		t.Errorf("%d facts; want none. Log: %s", b.loop.task.ledger.table.facts, &log)
	}
}

func TestSessionsPastTheirLifeAreForgotten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	task := b.loop.task
	old := b.now
	keep := func(session string, code int, at time.Time) {
		f := outcome(session, code, factResult, at.UnixMilli())
		task.ledger.table.add(&f, make([]byte, 100), b.now.UnixMilli())
	}
	keep("old", 0, old)
	keep("clock ahead", 0, old.Add(1000*time.Hour))
	for i := range firstChunk / 100 { // the rest of the chunk, and more
		keep("filler", i, old)
	}
	b.now = b.now.Add(task.cfg.SessionLife + time.Minute)
	b.sessions = append(b.sessions, b.resultOf("c1", "young", 0))
	b.loop.settle()
	task.sweep()
	if task.ledger.table.newest([]byte("old")) != 0 || task.ledger.table.newest([]byte("clock ahead")) != 0 {
		t.Error("sessions past their life are kept")
	}
	if task.ledger.table.newest([]byte("young")) == 0 {
		t.Error("a young session is forgotten")
	}
	late := firstLayout(b, factResult, &schemas.SessionFact{
		SessionID: "late", AppID: testApp, CodeHash: make([]byte, 16), Attempt: 1, At: old.UnixMilli(),
	})
	task.Restore(late)
	if task.ledger.table.newest([]byte("late")) != 0 {
		t.Error("what is past its life is taken in")
	}
}

// Whatever a session's id holds, its key is read back as it was written.
// A code and an anonymous code that read the same are two.
func TestCodesOfBothKindsAreTold(t *testing.T) {
	t.Parallel()
	code := hashCode(testApp, "s", &schemas.Login{Code: "x"})
	anonymous := hashCode(testApp, "s", &schemas.Login{AnonymousCode: "x"})
	both := hashCode(testApp, "s", &schemas.Login{Code: "x", AnonymousCode: "y"})
	if code == anonymous || code != both {
		t.Errorf("code %x, anonymous %x, both %x", code, anonymous, both)
	}
}

func TestFactKeysComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := fact{
			session: []byte(rapid.StringN(1, 128, 128).Draw(t, "session")),
			kind:    rapid.SampledFrom([]factKind{factSent, factResult, factFailed, factAnnulled}).Draw(t, "kind"),
			attempt: uint8(rapid.IntRange(1, maxAttempts).Draw(t, "attempt")),
		}
		copy(f.hash[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "hash"))
		key := f.key(nil)
		var got fact
		if !got.readKey(key) || string(got.session) != string(f.session) || got.kind != f.kind || got.attempt != f.attempt || got.hash != f.hash {
			t.Fatalf("%q is read as %+v", key, got)
		}
		cut := key[rapid.IntRange(1, len(key)).Draw(t, "cut"):]
		if got.readKey(cut) && string(got.key(nil)) != string(cut) {
			t.Fatalf("%q is read as %+v", cut, got)
		}
	})
}

func TestASendIsItsHeadAndAnOutcomeIsNot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, test := range map[string]struct {
		change func(*stream.Record)
		kind   factKind
		read   bool
	}{
		"a send":                       {kind: factSent, read: true},
		"a send taken back":            {kind: factAnnulled, read: true},
		"a send, cut short":            {kind: factSent, change: func(r *stream.Record) { r.Value = r.Value[:factSize-1] }},
		"a send's tombstone":           {kind: factSent, change: func(r *stream.Record) { r.Value = nil }},
		"an outcome":                   {kind: factResult, read: true},
		"an outcome of its head alone": {kind: factResult, change: func(r *stream.Record) { r.Value = r.Value[:factSize] }},
		"a tombstone of the first layout": {kind: factSent, change: func(r *stream.Record) {
			head := headOf(factSent, b.factFor("s1", "c1", 0))
			head.layout = layoutFirst
			r.Headers, r.Value = appendHeader(r.Headers, factHeader, head.appendHead(nil)), nil
		}},
	} {
		rec, err := b.proc.facts.record(test.kind, b.factFor("s1", "c1", 0), 0)
		must(t, err)
		if test.change != nil {
			test.change(rec)
		}
		if f, _, ok := readFact(rec); ok != test.read || ok && f.kind != test.kind {
			t.Errorf("%s: read is %v, of kind %d", name, ok, f.kind)
		}
	}
}
