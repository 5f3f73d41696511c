package enrich

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"doustream/platform/douyin/douyintest"
	"doustream/platform/stream/streamtest"
	"doustream/schemas"
)

// writes are the requests that change something: what a crash or a pause can
// come between. Kafka's by number, and the platform's.
var writes = map[int16]string{
	0: "Produce", 8: "OffsetCommit", 22: "InitProducerID", 24: "AddPartitionsToTxn", 25: "AddOffsetsToTxn",
	26: "EndTxn", 28: "TxnOffsetCommit", -1: "platform",
}

// steps counts what an instance writes, and gives its verdict on one of it.
type steps struct {
	at      int // the step that verdict is for, from 1
	verdict streamtest.Verdict
	reached chan struct{} // closed when it came

	mu    sync.Mutex
	count int
	what  string
}

func newSteps(at int, verdict streamtest.Verdict) *steps {
	return &steps{at: at, verdict: verdict, reached: make(chan struct{})}
}

func (s *steps) judge(r streamtest.Request) streamtest.Verdict {
	name, ok := writes[r.Key]
	if !ok {
		return streamtest.Pass
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count++; s.count != s.at {
		return streamtest.Pass
	}
	s.what = r.Client + " " + name
	close(s.reached)
	return s.verdict
}

func (s *steps) came() bool {
	select {
	case <-s.reached:
		return true
	default:
		return false
	}
}

// story is a scenario of which every step may go wrong: logins and events park
// while the platform is away, and resume when it is back.
type story struct {
	*rig
	t      testing.TB
	codes  map[string]string // of the login's session
	logins map[string]made
	events map[string][]made // by session, without the login
	total  int
}

func newStory(t testing.TB) *story {
	return &story{rig: newRig(t, 1), t: t, codes: map[string]string{}, logins: map[string]made{}, events: map[string][]made{}}
}

// tell plays it, at its own pace: what instances do meanwhile is theirs.
func (s *story) tell() {
	cl := s.producer()
	login := func(session string) string {
		l := s.platform.Login(testApp, session)
		s.codes[session] = l.Code
		s.logins[session] = s.publish(cl, schemas.TopicLogin, testApp, session, loginPayload(l))
		s.total++
		return l.SessionKey
	}
	event := func(topic, session string, payload any) {
		s.events[session] = append(s.events[session], s.publish(cl, topic, testApp, session, payload))
		s.total++
	}
	device := map[string]any{"brand": "devtools", "errMsg": "getSystemInfo:ok"}
	known := login("known")
	event(schemas.TopicPhone, "known", s.phonePayload(testApp, known))
	<-time.After(time.Second)

	s.platform.SetFaults(douyintest.Fault{Mode: douyintest.ModeRefuse})
	key := login("parks")
	event(schemas.TopicPhone, "parks", s.phonePayload(testApp, key))
	event(schemas.TopicDevice, "parks", device)
	event(schemas.TopicDevice, "late", device)
	<-time.After(3 * time.Second)
	event(schemas.TopicPhone, "parks", s.phonePayload(testApp, key)) // parks behind
	event(schemas.TopicPhone, "known", s.phonePayload(testApp, known))
	<-time.After(time.Second)
	s.platform.SetFaults()
	event(schemas.TopicPhone, "late", s.phonePayload(testApp, login("late")))
	<-time.After(2 * time.Second)
	event(schemas.TopicPhone, "parks", s.phonePayload(testApp, key))
}

// judge holds what came out against what must: I1, I3, I4 and the Kafka half
// of I5.
func (s *story) judge() {
	got, order := s.readInOrder(s.total)
	place := map[schemas.Source]int{}
	for i, source := range order {
		place[source] = i
	}
	for session, login := range s.logins {
		history, _ := s.platform.Code(s.codes[session])
		want := "enriched"
		lost := len(history.Asks) == 2 || len(history.Asks) == 1 && history.Asks[0].Fault != ""
		if r := got[login.source]; lost && len(r) == 1 && r[0].user == nil {
			want = "code_outcome_unknown" // nobody can know more
		}
		if len(history.Asks) > maxAttempts {
			s.t.Errorf("I3: the code of %s was sent %d times", session, len(history.Asks))
		}
		s.wantAll([]made{login}, want, got)
		if s.t.Failed() {
			s.t.Logf("%s: asked %v; facts:%s", session, history.Asks, s.facts(session))
		}
		if want != "enriched" {
			s.wantAll(s.events[session], "login_failed", got)
			continue
		}
		s.wantAll(s.events[session], "enriched", got)
		last := map[string]int{}
		for _, e := range s.events[session] {
			if place[e.source] < place[login.source] || place[e.source] < last[e.topic] {
				s.t.Errorf("I4: %v of %s left out of order: %v", e.source, session, order)
			}
			last[e.topic] = place[e.source]
		}
	}
	s.settled()
}

// facts tells what doustream.sessions says of a session.
func (s *story) facts(session string) string {
	var b strings.Builder
	for _, rec := range s.consume(0, schemas.TopicSessions) {
		if f, _, ok := readFact(rec); ok && string(f.session) == session {
			fmt.Fprintf(&b, "\n  %s/%d at %s by %x", factNames[f.kind], f.attempt, time.UnixMilli(f.at).UTC().Format("05.000"), f.owner)
		}
	}
	return b.String()
}

// settled checks that nothing stays parked, and that everything is committed.
func (s *story) settled() {
	s.t.Helper()
	parked := map[string]bool{}
	for _, rec := range s.consume(0, schemas.TopicParked) {
		if string(rec.Key[:1]) == "\x00" {
			continue
		}
		if parked[string(rec.Key)] = true; rec.Value == nil {
			delete(parked, string(rec.Key))
		}
	}
	if len(parked) != 0 {
		s.t.Errorf("I1: still parked: %v", parked)
	}
	if n := s.metric("doustream_enrich_state_skipped_total"); n != 0 {
		s.t.Errorf("%v records of our own were skipped", n)
	}
}

// A kill -9 before and after everything that an instance writes, followed by
// its own restart or by another instance: nothing is lost or doubled, nothing
// leaves out of order, no code is sent a third time.
func TestI1I3I4I5KilledAtEveryStep(t *testing.T) {
	t.Parallel()
	everyStep(t, map[string]streamtest.Verdict{"before": streamtest.KillBefore, "after": streamtest.KillAfter}, (*story).killed)
}

// A pause beyond the session time-out before and after everything that an
// instance writes, while another takes over: what the zombie had begun to say
// comes late, and changes nothing.
func TestI1I3I4I5PausedAtEveryStep(t *testing.T) {
	t.Parallel()
	everyStep(t, map[string]streamtest.Verdict{"before": streamtest.StopBefore, "after": streamtest.StopAfter}, (*story).paused)
}

func everyStep(t *testing.T, verdicts map[string]streamtest.Verdict, then func(*story, *instance, *steps)) {
	for name, verdict := range verdicts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, stride := 1, 1
			if testing.Short() { // as the race detector runs it, which takes ten times as long
				stride = 4
			}
			for came := true; came; at += stride {
				t.Run(fmt.Sprint(at), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { came = troubled(t, at, verdict, then) })
				})
			}
			if at < 20 {
				t.Errorf("only %d steps were seen", at)
			}
		})
	}
}

// troubled plays the story once, with trouble at one step, and reports whether
// that step came.
func troubled(t *testing.T, at int, verdict streamtest.Verdict, then func(*story, *instance, *steps)) bool {
	s, n := newStory(t), newSteps(at, verdict)
	a := s.launch("a")
	a.wire.Watch(n.judge)
	over := make(chan struct{})
	go func() {
		defer close(over)
		select {
		case <-n.reached:
			t.Logf("at %s", n.what)
			<-time.After(time.Millisecond) // the answer that is not read
			then(s, a, n)
		case <-time.After(20 * time.Second):
		}
	}()
	s.tell()
	<-over
	s.judge()
	return n.came()
}

func (s *story) killed(_ *instance, n *steps) { s.launch([]string{"a", "b"}[n.at%2]) }

// paused continues the instance when its successor has begun to work, or has
// done everything: with what it was at in the middle of before it learns that
// it is an owner no more.
func (s *story) paused(a *instance, n *steps) {
	b := s.launch("b")
	s.until(b.Ready)
	<-time.After(time.Duration(n.at%4) * 400 * time.Millisecond)
	if strings.HasPrefix(n.what, "producer") {
		a.wire.Thaw("producer")
	} else {
		a.wire.Thaw("appender", "tail", "listener", streamtest.Platform)
	}
	<-time.After(500 * time.Millisecond)
	a.wire.Thaw()
}
