package enrich

import (
	"bytes"
	"maps"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin/douyintest"
	"doustream/platform/stream"
	"doustream/schemas"
)

// State topics are compacted as long as they live. What the role knows must be the
// same before and after, whatever offsets are missing.

// compacts makes the state topics anew, compacted when a test says so; whoever
// parked and resumed an event leaves nothing then.
func (r *rig) compacts() {
	for _, topic := range []string{schemas.TopicSessions, schemas.TopicParked} {
		must(r.t, r.cluster.DeleteTopic(topic))
		must(r.t, r.cluster.CreateTopic(topic, 1, map[string]string{"cleanup.policy": "compact", "delete.retention.ms": "0"}))
	}
}

// memory is what a restore finds: codes and sessions, and what is parked.
type memory struct {
	log    []*kgo.Record // of both
	ledger *ledger
	parked map[string][]byte
}

func (r *rig) memory() memory {
	r.t.Helper()
	m := memory{parked: map[string][]byte{}, ledger: &ledger{
		name: "a reader", table: newTable(), open: map[codeHash]sends{}, marker: stream.Marker,
		now: func() int64 { return time.Now().UnixMilli() }, logger: r.logger,
		skipped: func(why string) { r.t.Errorf("a record of %s was skipped", why) },
	}}
	for _, rec := range r.consume(0, schemas.TopicSessions) {
		m.log = append(m.log, rec)
		m.ledger.take(rec)
	}
	for _, rec := range r.consume(0, schemas.TopicParked) {
		m.log = append(m.log, rec)
		if _, ok := stream.Marker(rec); ok {
			continue
		}
		if m.parked[string(rec.Key)] = rec.Value; rec.Value == nil {
			delete(m.parked, string(rec.Key))
		}
	}
	return m
}

// same fails unless both say the same of every code and every parked event.
func (m memory) same(t *testing.T, other memory) {
	t.Helper()
	if !maps.Equal(m.ledger.open, other.ledger.open) {
		t.Errorf("I3: sends without outcome %v; want %v", other.ledger.open, m.ledger.open)
	}
	if len(m.ledger.open) == 0 || len(m.parked) == 0 || m.ledger.table.facts == 0 {
		t.Error("there is nothing to compare")
	}
	for _, rec := range m.log {
		f, _, ok := readFact(rec)
		if !ok || !f.decisive() {
			continue
		}
		want, _ := m.ledger.table.decided(f.session, f.hash)
		got, ok := other.ledger.table.decided(f.session, f.hash)
		if !ok || got.kind() != want.kind() || !bytes.Equal(got.spread().sealed, want.spread().sealed) {
			t.Errorf("a code of %s has another outcome", f.session)
		}
	}
	if !maps.EqualFunc(m.parked, other.parked, bytes.Equal) {
		t.Errorf("I1: %d events are parked; want %d", len(other.parked), len(m.parked))
	}
}

func TestI3I5StateThatWasCompactedIsTheSame(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.compacts()
		f := &filled{rig: r, cl: r.producer(), logins: map[string]douyintest.Login{}, ends: map[string][]made{}}
		f.fill()

		before := r.memory()
		r.cluster.Compact()
		after := r.memory()
		before.same(t, after)
		if len(before.log)-len(after.log) < 12 {
			t.Fatalf("compaction left %d records of %d", len(after.log), len(before.log))
		}

		// Once more, when the next owner has written its markers and read nothing.
		end := func() int64 { return r.cluster.PartitionInfo(schemas.TopicSessions, 0).HighWatermark }
		ended := end()
		c := r.launch("c")
		c.wire.Freeze("tail")
		r.until(func() bool { return end() > ended })
		r.cluster.Compact()
		c.wire.Thaw()
		r.until(c.Ready)
		f.login("late-2", "enriched")
		f.login("late-3", "enriched")
		f.login("known", "enriched") // its code has its outcome
		f.phone("known", "enriched")

		total := 0
		for _, events := range f.ends {
			total += len(events)
		}
		got := r.read(total)
		for outcome, events := range f.ends {
			r.wantAll(events, outcome, got)
		}
		for session, n := range map[string]int{
			"known": 1, "called off": 4, "lost": 2, "late-0": 1, "late-1": 1, "late-2": 1, "late-3": 1, "killed once": 2, "killed twice": 2,
		} {
			if h, _ := r.platform.Code(f.logins[session].Code); len(h.Asks) != n {
				t.Errorf("I3: the code of %s was sent %d times; want %d", session, len(h.Asks), n)
			}
		}
		if n := r.metric("doustream_enrich_state_skipped_total"); n != 0 {
			t.Errorf("%v records of our own were skipped", n)
		}
	})
}

// filled is a world with facts of every kind, and how each event must end.
type filled struct {
	*rig
	cl     *kgo.Client
	logins map[string]douyintest.Login // by session
	ends   map[string][]made           // by outcome
}

func (f *filled) publish(topic, session, outcome string, payload any) {
	f.ends[outcome] = append(f.ends[outcome], f.rig.publish(f.cl, topic, testApp, session, payload))
}

func (f *filled) of(session string) douyintest.Login {
	l, ok := f.logins[session]
	if !ok {
		l = f.platform.Login(testApp, session)
		f.logins[session] = l
	}
	return l
}

func (f *filled) login(session, outcome string) {
	f.publish(schemas.TopicLogin, session, outcome, loginPayload(f.of(session)))
}

func (f *filled) phone(session, outcome string) {
	f.publish(schemas.TopicPhone, session, outcome, f.phonePayload(testApp, f.of(session).SessionKey))
}

// visit is over when the platform was asked so often.
func (f *filled) visit(session string, asks int, login, phone string) {
	f.login(session, login)
	f.phone(session, phone)
	f.asks(f.logins[session].Code, asks)
}

// fill has two owners, killed one after the other, leave facts of every kind, some
// of them under one key, and parked events, some of them resumed.
func (f *filled) fill() {
	a := f.launch("a")
	f.visit("known", 1, "enriched", "enriched")
	f.platform.SetFaults(douyintest.Fault{Mode: douyintest.ModeThrottle, Count: 3}) // SENT, ANNULLED, SENT, …
	f.visit("called off", 4, "enriched", "enriched")
	f.platform.SetFaults(douyintest.Fault{Mode: douyintest.ModeReset, Count: 1})
	f.visit("lost", 2, "enriched", "enriched")
	f.publish(schemas.TopicLogin, "refused", "code_refused", map[string]any{"code": "nobody's", "errMsg": "login:ok"})
	for _, session := range []string{"late-0", "late-1", "late-2", "late-3"} {
		f.phone(session, "enriched")
	}
	<-time.After(5 * time.Second) // they are parked
	f.login("late-0", "enriched")
	f.login("late-1", "enriched")
	<-time.After(5 * time.Second)

	f.platform.SetFaults(douyintest.Fault{Mode: douyintest.ModeHang})
	f.visit("killed twice", 1, "code_outcome_unknown", "login_failed")
	a.wire.Cut()
	b := f.launch("b")
	f.until(b.Ready)
	f.visit("killed once", 1, "enriched", "enriched")
	f.asks(f.logins["killed twice"].Code, 2)
	b.wire.Cut()
	<-time.After(15 * time.Second) // its transaction has timed out
	f.platform.SetFaults()
}
