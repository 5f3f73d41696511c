package enrich

import (
	"fmt"
	"testing"
	"time"

	"doustream/schemas"
)

func TestLoginsOfASessionAreExchangedAtOnceAndLeaveInTurn(t *testing.T) {
	t.Parallel()
	const logins = 50
	b := newBench(t)
	for i := range logins {
		code := fmt.Sprint("c", i)
		b.code(code, "o1")
		b.login("s1", code)
	}
	b.handLogins()
	if n := len(b.loop.task.sending); n != logins {
		t.Fatalf("%d of %d are on their way", n, logins)
	}
	phone := b.phone("s1", keyOf(fmt.Sprint("c", logins-1)))
	for steps := b.loop.steps(); len(steps) > 0; steps = b.loop.steps() {
		steps[len(steps)-1]() // what comes last is done first
	}
	b.loop.settle()
	_, order := results(t, b.out)
	if len(order) != logins+1 || order[logins] != sourceOf(phone) {
		t.Fatalf("%d results, the last %v", len(order), order[len(order)-1])
	}
	for i, source := range order[:logins] {
		if source != sourceOf(b.inputs[topicLogin][i]) {
			t.Fatalf("I4: %d left as number %d", source.Offset, i)
		}
	}
	if n := len(b.loop.task.active); n != 0 {
		t.Errorf("%d sessions are left over", n)
	}
}

func TestLoginsBehindAParkedOneOfTheirSessionArePastNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.platform.fault = func(code string) fault {
		if code == "slow" {
			return faultNotSent
		}
		return faultNone
	}
	for _, code := range []string{"slow", "quick", "quicker"} {
		b.code(code, "o1")
		b.login("s1", code)
	}
	b.loop.settle()
	if quick := b.platform.codes["quick"]; quick.sends != 1 || len(b.out) != 0 {
		t.Fatalf("the second was sent %d times, and %d results have left", quick.sends, len(b.out))
	}
	b.code("other", "o2")
	other := b.login("s2", "other")
	b.loop.advance(10 * time.Second)
	b.want(other, "enriched") // the window is free
	if n := len(b.unparked()); n != 3 {
		t.Errorf("%d are parked; want 3", n)
	}
	b.platform.fault = nil
	b.loop.advance(10 * time.Second)
	got, order := results(t, b.out)
	if len(got) != 4 || order[1].Offset != 0 || order[2].Offset != 1 || order[3].Offset != 2 {
		t.Errorf("I4: left as %v", order)
	}
}

// The one before it is parked while a login's outcome is being read.
func TestLoginThatIsReadyBehindAParkedOneIsParked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.platform.fault = func(code string) fault {
		if code == "slow" {
			return faultNotSent
		}
		return faultNone
	}
	b.code("slow", "o1")
	b.code("quick", "o1")
	slow, quick := b.login("s1", "slow"), b.login("s1", "quick")
	b.loop.until(t, "the outcome is being read", func() bool {
		e := b.loop.task.logins[hashOf("s1", "quick")]
		return e != nil && e.state == stateWorking && len(b.loop.jobs) == 1
	})
	reading := b.loop.jobs
	b.loop.jobs = nil
	b.loop.advance(5 * time.Second)
	if n := len(b.unparked()); n != 1 {
		t.Fatalf("%d are parked; want the first", n)
	}
	b.loop.jobs = append(b.loop.jobs, reading...)
	b.loop.settle()
	b.platform.fault = nil
	b.loop.advance(10 * time.Second)
	b.want(slow, "enriched")
	b.want(quick, "enriched")
	if _, order := results(t, b.out); order[0] != sourceOf(slow) {
		t.Errorf("I4: left as %v", order)
	}
}

func TestI3ACodePublishedTwiceInARowIsSentOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	code := b.code("c1", "o1")
	first, second := b.login("s1", "c1"), b.login("s1", "c1")
	b.handLogins()
	b.loop.settle()
	b.want(first, "enriched")
	b.want(second, "enriched")
	if code.sends != 1 {
		t.Errorf("I3: sent %d times", code.sends)
	}
}

// handLogins hands all logins over before anything else happens.
func (b *bench) handLogins() {
	for b.loop.fetched[topicLogin] < len(b.inputs[topicLogin]) {
		b.loop.fetch(topicLogin)
		b.loop.hand(topicLogin, 0)
	}
}

// I4: two of one session would let its events overtake one another.
func TestI4ASessionThatWasForgottenTakesNoOtherAway(t *testing.T) {
	t.Parallel()
	task := newBench(t).loop.task
	old := task.activate("s1")
	task.forget(old)
	young := task.activate("s1")
	task.forget(old) // by what was posted meanwhile
	if task.activate("s1") != young {
		t.Error("there are two of the session")
	}
}

func TestALoginThatTakesAnothersPlaceKeepsIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	task := b.loop.task
	s := task.activate("s1")
	for range 2 {
		rec := b.login("s1", "c1")
		e := task.newEvent(&directInput{}, rec, task.prepare(rec))
		e.sess = s
		s.logins++
		s.window = append(s.window, e)
	}
	first, second := s.window[0], s.window[1]
	if !task.takeUp(first) || task.takeUp(second) {
		t.Fatal("the one behind asks")
	}
	s.leaveWindow(first)
	if !task.takeUp(second) {
		t.Fatal("the one that leaves next does not ask")
	}
	task.finish(first, nil)
	if task.logins[hashOf("s1", "c1")] != second {
		t.Error("the outcome of the code would reach nobody")
	}
}

// I3: a login that stands in line while another of its code asks is not told of the
// outcome, and is not sent behind it all the same.
func TestI3ALoginWhosePlaceWasTakenKnowsTheOutcome(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	task := b.loop.task
	var both []*event
	for range 2 {
		rec := b.login("s1", "c1")
		e := task.newEvent(&directInput{}, rec, task.prepare(rec))
		e.sess, e.taken = &session{window: []*event{e}}, task.now()
		both = append(both, e)
	}
	for _, e := range both {
		if !task.takeUp(e) {
			t.Fatal("one that leaves next does not ask")
		}
		e.exchange.busy, e.exchange.queued = false, true
	}
	if task.sendable(both[0]) == 0 {
		t.Fatal("a code without an outcome may not be sent")
	}
	both[1].state = stateParking
	f := task.factOf(both[1], factResult, task.now())
	f.attempt = 1
	rec, err := task.facts.outcome(&f, testApp, &schemas.SessionOutcome{OpenID: "o1"}, 0)
	must(t, err)
	task.Restore(rec)
	for i, e := range both {
		if task.sendable(e) != 0 {
			t.Errorf("login %d of the code is sent again", i)
		}
	}
}
