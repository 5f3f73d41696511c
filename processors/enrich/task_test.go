package enrich

import (
	"testing"
	"time"
)

func TestLoginThenPhone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.code("c1", "o1")
	login, phone, device := b.login("s1", "c1"), b.phone("s1", keyOf("c1")), b.device("s1")
	b.loop.settle()
	b.want(login, "enriched")
	b.want(phone, "enriched")
	b.want(device, "enriched")
	u := b.of(phone).user
	if u.OpenID != "o1" || u.Phone.Masked != "138****1234" || u.UnionID != "union-o1" {
		t.Errorf("phone: %+v %+v", u, u.Phone)
	}
	if len(b.loop.task.active) != 0 || b.loop.task.working != 0 || len(b.loop.task.logins) != 0 {
		t.Errorf("left over: %d active, %d under way", len(b.loop.task.active), b.loop.task.working)
	}
}

func TestPhoneBeforeItsLogin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.code("c1", "o1")
	phone := b.phone("s1", keyOf("c1"))
	b.loop.settle()
	b.none(phone)
	b.loop.advance(5 * time.Second) // parked by now
	if n := len(b.unparked()); n != 1 {
		t.Fatalf("%d parked; want 1", n)
	}
	login := b.login("s1", "c1")
	b.loop.settle()
	b.want(login, "enriched")
	b.want(phone, "enriched")
	if n := len(b.unparked()); n != 0 {
		t.Errorf("%d parked; want 0", n)
	}
}

// A backend that was held up publishes logins and what hangs on them at once,
// older than any wait, and the events are read first: nothing is said of them on
// the word of a sample from before they were read.
func TestNothingIsSaidOfAnEventByASampleFromBeforeIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.code("c1", "o1")
	b.code("c2", "o1")
	b.code("c3", "o3")
	first := b.login("s1", "c1")
	b.loop.settle()
	b.want(first, "enriched")

	rotated, stranger, stray := b.phone("s1", keyOf("c2")), b.device("s2"), b.phone("s1", keyOf("nobody's"))
	b.now = b.now.Add(time.Hour)
	b.loop.sampled = b.now.Add(-100 * time.Millisecond)
	b.loop.settle()
	b.none(rotated)
	b.none(stranger)
	if n := len(b.parked); n != 0 {
		t.Errorf("%d are parked as if no login could come any more", n)
	}

	again, second := b.login("s1", "c2"), b.login("s2", "c3")
	b.loop.settle()
	b.want(again, "enriched")
	b.want(second, "enriched")
	b.want(rotated, "enriched")
	b.want(stranger, "enriched")
	b.none(stray)
	b.loop.sampled = b.now.Add(500 * time.Millisecond)
	b.loop.advance(500 * time.Millisecond)
	b.want(stray, "decrypt_failed")
}

// A login that failed ends what hangs on it, but not an event that the backend
// published a moment before another login.
func TestFailedLoginIsNotTheLastWordForAMoment(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.code("c1", "o1").unknown = true
	b.code("c2", "o2")
	failed := b.login("s1", "c1")
	b.loop.settle()
	b.want(failed, "code_refused")
	phone := b.phone("s1", keyOf("c2"))
	b.loop.sampled = b.now.Add(disorder * time.Millisecond * 9 / 10)
	b.loop.advance(disorder * time.Millisecond)
	b.none(phone)
	again := b.login("s1", "c2")
	b.loop.settle()
	b.want(again, "enriched")
	b.want(phone, "enriched")
	lost := b.phone("s1", keyOf("nobody's"))
	b.loop.sampled = time.Time{}
	b.loop.advance(5 * time.Second)
	b.want(lost, "decrypt_failed")
}

// An event that waits for a session for long ends soon when its login fails.
func TestFailedLoginEndsWhatWaitedForLonger(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	phone := b.phone("s1", keyOf("c1"))
	b.loop.settle()
	login := b.login("s1", "never")
	b.loop.advance(5 * time.Second)
	b.want(login, "code_refused")
	b.want(phone, "login_failed")
}

// What the watermark has passed it has passed, whatever backlog there is again.
func TestWatermarkGoesForthAndNeverBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.loop.sampled = b.now
	before := b.loop.task.mark()
	b.loop.sampled = b.now.Add(-time.Hour)
	if b.loop.task.mark() != before {
		t.Error("the watermark went back")
	}
}

// A line in which only the trials of a platform move that does not answer is no
// line that moves.
func TestLoginsAreParkedWhenNothingIsAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := &slowGate{}
	b.loop.task.gate = g
	b.platform.fault = func(string) fault { return faultNotSent }
	const logins = 100
	for i := range logins {
		id := string(rune(i + 'a'))
		b.code(id, id)
		b.login("s"+id, id)
	}
	for range 50 { // five seconds, a trial in each tenth
		g.left = 1
		b.loop.advance(100 * time.Millisecond)
	}
	if n := len(b.unparked()); n != logins {
		t.Errorf("%d of %d are parked", n, logins)
	}
}

// slowGate lets a number of exchanges through in each period.
type slowGate struct{ left int }

func (g *slowGate) try(string, bool, *waiter) (permit, time.Duration) {
	if g.left == 0 {
		return nil, 100 * time.Millisecond
	}
	g.left--
	return openPermit{}, 0
}
func (*slowGate) pass(string) {}

// fullGate has no room until it is given some, and wakes whom the test says.
type fullGate struct {
	room, passed int
	waiting      *waiter
}

func (g *fullGate) try(_ string, _ bool, w *waiter) (permit, time.Duration) {
	if g.room == 0 {
		g.waiting = w
		return nil, 0
	}
	g.room--
	return openPermit{}, 0
}
func (g *fullGate) pass(string) { g.passed++ }

// Only one is woken for a share of a large bound: who has no use for all of it
// hands the wake on, or the others would wait beside free room.
func TestWakeThatLeavesRoomIsHandedOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := &fullGate{}
	b.loop.task.gate = g
	b.code("c1", "o1")
	b.code("c2", "o2")
	b.login("s1", "c1")
	b.login("s2", "c2")
	b.loop.settle()
	for _, step := range []struct{ room, passed int }{{room: 1, passed: 0}, {room: 2, passed: 1}} {
		g.room = step.room
		g.waiting.wake()
		if b.loop.settle(); g.passed != step.passed {
			t.Errorf("room for %d: handed on %d times; want %d", step.room, g.passed, step.passed)
		}
	}
}

func TestLoginIsParkedWhenItsLineIsStuckAndNotWhileItMoves(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		perTick int
		parked  bool
	}{"moves": {perTick: 1}, "is stuck": {parked: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			g := &slowGate{}
			b.loop.task.gate = g
			for i := range 30 {
				id := string(rune('a' + i))
				b.code(id, id)
				b.login("s"+id, id)
				b.phone("s"+id, keyOf(id))
			}
			for range 40 { // four seconds
				g.left = test.perTick
				b.loop.advance(100 * time.Millisecond)
			}
			if parked := len(b.parked) > 0; parked != test.parked {
				t.Errorf("%d entries were parked", len(b.parked))
			}
			g.left = 1000
			b.loop.advance(time.Second)
			if got, _ := results(t, b.out); len(got) != 60 {
				t.Errorf("%d of 60 events have a result", len(got))
			}
		})
	}
}

func TestLoginEndsWithItsCodesLifeThoughItsLineMoves(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(cfg *Config) { cfg.CodeLife = 40 * time.Second })
	g := &slowGate{}
	b.loop.task.gate = g
	for i := range 250 { // 25 s
		id := string(rune('a' + i))
		b.code(id, id)
		b.login("s"+id, id)
	}
	b.code("old", "o1")
	b.now = b.now.Add(-22 * time.Second)
	old := b.login("s1", "old")
	b.now = b.now.Add(22 * time.Second)
	for range 190 {
		g.left = 1
		b.loop.advance(100 * time.Millisecond)
	}
	if e, ok := b.loop.task.ledger.table.decided(old.Key, hashOf("s1", "old")); !ok || e.kind() != factFailed {
		t.Error("the code's life is over, and it has no outcome")
	}
}

// clockedGate keeps last sends back for long, and the others for a while.
type clockedGate struct {
	b    *bench
	till time.Time
}

func (g *clockedGate) try(_ string, last bool, _ *waiter) (permit, time.Duration) {
	if last {
		return nil, lastTrial
	}
	if wait := g.till.Sub(g.b.now); wait > 0 {
		return nil, wait
	}
	return openPermit{}, 0
}
func (*clockedGate) pass(string) {}

func TestLoginDoesNotWaitForAnothersLastSend(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := &clockedGate{b: b}
	b.loop.task.gate = g
	b.code("c1", "o1")
	b.code("c2", "o2")
	b.platform.fault = func(string) fault { return faultLostBefore }
	b.login("s1", "c1")
	b.loop.advance(3 * time.Second) // its last send waits for an answer now
	b.platform.fault = nil
	g.till = b.now.Add(500 * time.Millisecond)
	login := b.login("s2", "c2")
	b.loop.advance(time.Second)
	b.want(login, "enriched")
}

// The last send of a code is kept back while there are no answers, but not for
// longer than its code lives.
func TestLastSendIsMadeBeforeItsCodeEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.loop.task.gate = &clockedGate{b: b}
	code := b.code("c1", "o1")
	b.platform.fault = func(string) fault { return faultLostBefore }
	login := b.login("s1", "c1")
	b.loop.advance(time.Second)
	b.platform.fault = nil
	b.loop.advance(3*time.Minute - 12*time.Second)
	if code.sends != 1 {
		t.Fatalf("sent %d times while last sends are kept back; want 1", code.sends)
	}
	b.loop.advance(5 * time.Second)
	b.want(login, "enriched")
}

// A code that was sent once, and whose life ends before it can be sent again, has
// not merely expired.
func TestCodeThatEndsAfterALostAnswerHasAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	code := b.code("c1", "o1")
	b.platform.fault = func(string) fault { return faultLostBefore }
	login := b.login("s1", "c1")
	b.loop.until(t, "a send", func() bool { return code.sends == 1 })
	b.platform.fault = func(string) fault { return faultNotSent }
	b.loop.advance(4 * time.Minute)
	b.want(login, "code_outcome_unknown")
	if code.sends != 1 {
		t.Errorf("sent %d times; want 1", code.sends)
	}
}

func TestI9PausedTopicIsReleasedAgain(t *testing.T) {
	t.Parallel()
	for bound, change := range map[string]func(*Config){
		"records": func(c *Config) { c.ParkedRecords = 3 },
		"bytes":   func(c *Config) { c.ParkedBytes = 3 * parkedOverhead },
	} {
		t.Run(bound, func(t *testing.T) {
			t.Parallel()
			pausedAndReleased(t, newBench(t, change))
		})
	}
}

// I9: what is parked keeps a copy of its own, and not the fetch that it came with.
func TestI9ParkedLoginKeepsNoFetch(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.platform.fault = func(string) fault { return faultNotSent }
	b.code("c1", "o1")
	login := b.login("s1", "c1")
	b.loop.advance(5 * time.Second)
	parked := b.loop.task.active["s1"].parked[topicLogin][0]
	if payload := parked.p.event.Payload; len(payload) > 0 {
		t.Errorf("a parked login holds %d bytes of the fetch of %v", len(payload), sourceOf(login))
	}
	b.platform.fault = nil
	b.loop.advance(10 * time.Second)
	b.want(login, "enriched")
}

// I9: headers without a byte take memory too.
func TestI9HeadersOfParkedEventsCount(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config) { c.ParkedBytes = 4 * parkedOverhead })
	for range 2 {
		rec := b.device("s1")
		for range 100 {
			rec.Headers = appendHeader(rec.Headers, "", nil)
		}
	}
	b.loop.advance(5 * time.Second)
	if b.loop.holds[topicDevice] != 1 {
		t.Errorf("I9: %d holds; want one, for 200 headers", b.loop.holds[topicDevice])
	}
}

func pausedAndReleased(t *testing.T, b *bench) {
	for i := range 10 {
		b.device("s" + string(rune('a'+i)))
	}
	b.loop.advance(5 * time.Second)
	if b.loop.holds[topicDevice] != 1 {
		t.Fatalf("I9: %d holds at the bound; want 1", b.loop.holds[topicDevice])
	}
	if b.restart(); b.loop.holds[topicDevice] != 1 {
		t.Fatalf("I9: %d holds at the successor's; want 1", b.loop.holds[topicDevice])
	}
	late := b.device("late")
	b.loop.advance(time.Second)
	if b.loop.handable(topicDevice) >= 0 || len(b.loop.queue[topicDevice]) != 1 {
		t.Error("I9: an event was taken up beyond the bound")
	}
	for i := range 10 {
		id := string(rune('a' + i))
		b.code("c"+id, id)
		b.login("s"+id, "c"+id)
	}
	b.code("c-late", "late")
	b.login("late", "c-late")
	b.loop.advance(5 * time.Second)
	b.want(late, "enriched")
	if b.loop.holds[topicDevice] != 0 || len(b.unparked()) != 0 {
		t.Errorf("%d holds, %d parked; want none", b.loop.holds[topicDevice], len(b.unparked()))
	}
}

func TestParkedEventsOutliveTheirOwner(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.platform.fault = func(string) fault { return faultNotSent }
	b.code("c1", "o1")
	login, phone, second := b.login("s1", "c1"), b.phone("s1", keyOf("c1")), b.phone("s1", keyOf("c1"))
	b.loop.advance(5 * time.Second)
	b.restart()
	third := b.phone("s1", keyOf("c1")) // parks behind
	b.loop.advance(time.Second)
	b.none(third)
	b.platform.fault = nil
	b.loop.advance(10 * time.Second)
	for _, rec := range append(b.inputs[topicPhone], login) {
		b.want(rec, "enriched")
	}
	_, order := results(t, b.out)
	if order[0] != sourceOf(login) || order[1] != sourceOf(phone) || order[2] != sourceOf(second) || order[3] != sourceOf(third) {
		t.Errorf("I4: left as %v", order)
	}
	b.restart()
	b.loop.advance(time.Minute)
	if got, _ := results(t, b.out); len(got) != 4 {
		t.Errorf("%d results; want 4", len(got))
	}
}

// I4: what the session's known key opens does not pass one that waits, parked, for
// another key.
func TestI4EventParksBehindAParkedOneOfItsSessionAndTopic(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.code("c1", "o1")
	b.code("c2", "o1")
	b.login("s1", "c1")
	b.loop.settle()
	waits := b.phone("s1", keyOf("c2"))
	b.loop.sampled = b.now // the login topic has a backlog
	b.loop.advance(5 * time.Second)
	if len(b.unparked()) != 1 {
		t.Fatal("the first is not parked")
	}
	behind, device := b.phone("s1", keyOf("c1")), b.device("s1")
	b.loop.advance(time.Second)
	b.none(behind)
	b.want(device, "enriched") // another topic's
	b.login("s1", "c2")
	b.loop.settle()
	b.want(waits, "enriched")
	b.want(behind, "enriched")
	_, order := results(t, b.out)
	if n := len(order); order[n-2] != sourceOf(waits) || order[n-1] != sourceOf(behind) {
		t.Errorf("I4: left as %v", order)
	}
}

func TestDrainWaitsForAnswersAndNothingElse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := &clockedGate{b: b}
	b.loop.task.gate = g
	code, queued := b.code("c1", "o1"), b.code("c2", "o2")
	b.device("nobody")
	b.login("s1", "c1")
	b.loop.until(t, "request under way", func() bool { return b.loop.task.requests == 1 })
	g.till = b.now.Add(500 * time.Millisecond)
	b.login("s2", "c2")
	b.handLogins()
	drained := false
	b.loop.task.Drain(func() { drained = true })
	if drained {
		t.Error("drained with a request under way")
	}
	b.loop.settle()
	if !drained || code.sends != 1 {
		t.Errorf("drained: %t, sends: %d", drained, code.sends)
	}
	b.loop.advance(time.Second)
	if queued.sends != 0 || len(b.loop.task.sending) != 0 {
		t.Errorf("%d exchanges were begun while the task drains", queued.sends)
	}
}
