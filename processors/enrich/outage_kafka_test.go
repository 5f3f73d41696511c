package enrich

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/platform/douyin"
	"doustream/platform/douyin/douyintest"
	"doustream/platform/stream"
	"doustream/schemas"
)

// The platform is away for ten minutes, in each of its ways, and comes back:
// every event has its one result, nothing stays parked, and sessions that were
// known before are served meanwhile.
func TestTenMinutesWithoutThePlatform(t *testing.T) {
	for _, mode := range []douyintest.Mode{douyintest.ModeRefuse, douyintest.ModeHang, douyintest.ModeStatus} {
		t.Run(string(mode), func(t *testing.T) {
			virtually(t, func(t *testing.T) { tenMinutesWithout(t, mode) })
		})
	}
}

func tenMinutesWithout(t *testing.T, mode douyintest.Mode) {
	r := newRig(t, 2)
	r.runtime = func(c *stream.Config) { c.SessionTimeout = 25 * time.Second } // fewer heartbeats
	cl := r.producer()
	a := r.launch("a")
	known := r.visit(cl, testApp, "known")
	r.wantAll(known, "enriched", r.read(len(known)))
	key := r.platform.User(testApp, "user-of-known").SessionKey

	r.platform.SetFaults(douyintest.Fault{Mode: mode})
	var served []made
	visits := map[string][]made{}
	for i := range 20 { // half a minute each
		session := fmt.Sprintf("s%d", i)
		visits[session] = r.visit(cl, testApp, session)
		one := r.publish(cl, schemas.TopicPhone, testApp, "known", r.phonePayload(testApp, key))
		served = append(served, one)
		if i%5 == 0 { // reading everything each time takes long
			began := time.Now()
			r.found(one)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("a known session waited %v, %d half minutes into it", took, i)
			}
		}
		if i == 10 {
			a.wire.Cut() // and whoever takes over knows of all that waits
			r.launch("b")
		}
		<-time.After(30 * time.Second)
	}
	r.platform.SetFaults()
	total := len(known) + len(served) + len(visits)*len(known)
	got := r.read(total)
	r.wantAll(served, "enriched", got)
	judgeVisits(t, r, visits, got)
	last := got[visits["s19"][0].source]
	if len(last) != 1 || last[0].user == nil && mode == douyintest.ModeRefuse {
		t.Errorf("a login half a minute before the end: %v; its code was good and never sent", last)
	}
}

// judgeVisits: a visit is enriched or its login has one of the honest reasons.
func judgeVisits(t *testing.T, r *rig, visits map[string][]made, got map[schemas.Source][]result) {
	t.Helper()
	for session, events := range visits {
		login := got[events[0].source]
		if len(login) != 1 {
			t.Errorf("%s: its login has %v", session, login)
			continue
		}
		switch login[0].String() {
		case "enriched":
			r.wantAll(events[1:], "enriched", got)
		case "code_expired", "code_outcome_unknown":
			r.wantAll(events[1:], "login_failed", got)
		default:
			t.Errorf("%s: its login ended as %v", session, login)
		}
	}
}

// found waits until an event has a result.
func (r *rig) found(e made) {
	r.t.Helper()
	// A fetch may miss the commit that comes while it is begun, and then lasts: five
	// seconds, if it is told nothing else.
	cl, err := kgo.NewClient(append(r.connect, kgo.ConsumeTopics(schemas.TopicUsers, schemas.TopicDeadLetters), kgo.FetchMaxWait(time.Second),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))...)
	must(r.t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		got, _ := results(r.t, cl.PollFetches(ctx).Records())
		if len(got[e.source]) > 0 {
			return
		}
	}
	r.t.Fatalf("no result of %v", e.source)
}

// While a login of the session waits for the platform, nothing that depends on
// it is said to have none, however far the watermark has passed it.
func TestSessionMissingIsNotSaidWhileALoginIsUnfinished(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.change = func(c *Config) { c.SessionWait, c.CodeLife = 20*time.Second, 20*time.Minute }
		r.platform.SetFaults(douyintest.Fault{Mode: douyintest.ModeRefuse})
		cl := r.producer()
		a := r.launch("a")
		events := r.visit(cl, testApp, "s")
		orphan := r.publish(cl, schemas.TopicDevice, testApp, "nobody", map[string]any{"brand": "devtools", "errMsg": "getSystemInfo:ok"})
		for range 5 { // the watermark passes, by the clock and by other logins
			<-time.After(30 * time.Second)
			r.publish(cl, schemas.TopicLogin, testApp, "other", map[string]any{"errMsg": "login:fail"})
		}
		a.wire.Cut()
		r.launch("b")
		<-time.After(time.Minute)
		r.platform.SetFaults()
		got := r.read(len(events) + 6)
		r.wantAll(events, "enriched", got)
		r.wantAll([]made{orphan}, "session_missing", got)
	})
}

// Hours of backlog on some topics and nothing on others, of sessions that log in
// again and again: no topic waits for one that has nothing, and each event joins
// its session.
func TestBacklogOfHoursOnSomeTopicsAndNoneOnOthers(t *testing.T) {
	for name, topics := range map[string][]string{
		"phones and logins": {schemas.TopicPhone, schemas.TopicLogin},
		"phones alone":      {schemas.TopicPhone},
		"logins alone":      {schemas.TopicLogin},
		"everything":        schemas.InputTopics(),
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) { backlogOf(t, topics) })
		})
	}
}

func backlogOf(t *testing.T, topics []string) {
	r := newRig(t, 1)
	r.change = func(c *Config) { c.CodeLife = 6 * time.Hour }
	r.runtime = func(c *stream.Config) { c.WindowRecords = 16 }
	r.platform = nil // its codes live for minutes; a fake's live for ever
	platform := newFakePlatform()
	r.deps = func(d *Deps) { d.Exchanger = platform }
	cl := r.producer()
	first := r.launch("a")
	r.until(first.Ready)
	first.stop(t)() // what comes now stays
	var events []made
	phase := func(n int, spaced time.Duration, topics []string) {
		for i := range n {
			for _, topic := range topics {
				events = append(events, r.backlogged(cl, platform, topic, fmt.Sprintf("s%d", i%7), len(events)))
			}
			<-time.After(spaced)
		}
	}
	phase(7, time.Minute, schemas.InputTopics()) // every session has a login
	phase(40, 3*time.Minute, topics)
	r.launch("b")
	r.wantAll(events, "enriched", r.read(len(events)))
}

// Logins of others lie before each that an event needs, more than their window
// holds and than the platform answers in JOIN_WAIT. A topic whose window is full
// leads nobody: events run ahead, park up to their bound, which holds their topic
// (I9), and come back when their login does; none is lost or passes its login.
func TestI9EventsAheadOfABackloggedLoginTopicParkUpToTheirBound(t *testing.T) {
	virtually(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.change = func(c *Config) { c.CodeLife, c.InFlight, c.ParkedRecords = 6*time.Hour, 16, 3 }
		r.runtime = func(c *stream.Config) {
			c.WindowRecords = 16
			c.Connect = append(c.Connect, kgo.FetchMaxPartitionBytes(1000)) // a few logins each time
		}
		platform := newFakePlatform()
		r.deps = func(d *Deps) { d.Exchanger = &slowPlatform{fakePlatform: platform, takes: 500 * time.Millisecond} }
		cl := r.producer()
		var events []made
		for i := range 40 {
			for j := range 6 {
				events = append(events, r.backlogged(cl, platform, schemas.TopicLogin, fmt.Sprintf("other-%d-%d", i, j), len(events)))
				<-time.After(20 * time.Second)
			}
			session := fmt.Sprintf("s%d", i)
			events = append(events, r.backlogged(cl, platform, schemas.TopicLogin, session, len(events)),
				r.backlogged(cl, platform, schemas.TopicPhone, session, len(events)+1),
				r.backlogged(cl, platform, schemas.TopicDevice, session, len(events)+2))
		}
		r.launch("a")
		got, order := r.readInOrder(len(events))
		r.wantAll(events, "enriched", got)
		if n := r.metric("doustream_enrich_parkings_total"); n == 0 {
			t.Error("none was parked")
		}
		place := map[schemas.Source]int{}
		for i, source := range order {
			place[source] = i
		}
		for i, e := range events {
			if e.topic == schemas.TopicPhone && place[e.source] < place[events[i-1].source] {
				t.Errorf("I4: %v left before its login", e.source)
			}
		}
	})
}

// slowPlatform takes its time for each answer.
type slowPlatform struct {
	*fakePlatform
	takes time.Duration

	mu sync.Mutex
}

func (p *slowPlatform) ExchangeCode(ctx context.Context, app douyin.App, code, anonymous douyin.Code) (douyin.Session, error) {
	<-time.After(p.takes)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fakePlatform.ExchangeCode(ctx, app, code, anonymous)
}

// backlogged publishes one event; each login of a session gives the same key.
func (r *rig) backlogged(cl *kgo.Client, platform *fakePlatform, topic, session string, n int) made {
	key := keyOf(session)
	switch topic {
	case schemas.TopicLogin:
		code := fmt.Sprintf("code-%d", n)
		platform.issue(code, sessionOf(key, session))
		return r.publish(cl, topic, testApp, session, map[string]any{"code": code, "errMsg": "login:ok"})
	case schemas.TopicProfile:
		return r.publish(cl, topic, testApp, session, r.profilePayload(testApp, string(key)))
	case schemas.TopicPhone:
		return r.publish(cl, topic, testApp, session, r.phonePayload(testApp, string(key)))
	case schemas.TopicLocation:
		return r.publish(cl, topic, testApp, session, map[string]any{"longitude": 116.4, "latitude": "39.9", "errMsg": "getLocation:ok"})
	case schemas.TopicDevice:
		return r.publish(cl, topic, testApp, session, map[string]any{"brand": "devtools", "errMsg": "getSystemInfo:ok"})
	default:
		return r.publish(cl, topic, testApp, session, map[string]any{"MSG1": "accept", "errMsg": "requestSubscribeMessage:ok"})
	}
}
