package enrich

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"doustream/platform/douyin"
)

// takeAll has exchanges of an app leave until none may.
func takeAll(l *limits, app string, most int) (taken []permit, wait time.Duration) {
	w := idle()
	for len(taken) < most {
		p, wait := l.try(app, false, w)
		if p == nil {
			return taken, wait
		}
		if p.ready(func(verdict) bool { return false }) != verdictGo {
			p.drop()
			return taken, 0
		}
		taken = append(taken, p)
	}
	return taken, 0
}

// leave takes a permit of an app and has the exchange leave; nil: it may not.
func leave(l *limits, app string, last bool) (permit, time.Duration) {
	p, wait := l.try(app, last, idle())
	if p != nil && p.ready(func(verdict) bool { return false }) != verdictGo {
		p.drop()
		return nil, 0
	}
	return p, wait
}

func testLimits(logs *bytes.Buffer, change func(*Config)) *limits {
	cfg := testConfig()
	cfg.Apps = append(cfg.Apps, douyin.App{ID: otherApp, Secret: "x"})
	cfg.Logger = slog.New(slog.NewTextHandler(logs, nil))
	cfg.InFlight = 64
	if change != nil {
		change(&cfg)
	}
	cfg = cfg.withDefaults()
	return newLimits(cfg, newMetrics(cfg.Metrics, cfg))
}

func limited(t *testing.T, change func(*Config), f func(t *testing.T, l *limits, logs *bytes.Buffer)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		f(t, testLimits(&logs, change), &logs)
	})
}

// fill takes permits of an app until there is none; they stay at their SENTs.
func fill(l *limits, app string) (taken []permit) {
	w := idle()
	for {
		p, _ := l.try(app, false, w)
		if p == nil {
			return taken
		}
		taken = append(taken, p)
	}
}

func TestInFlightIsBoundedAndAReleaseWakesOneWaiter(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		taken, _ := takeAll(l, testApp, 64)
		if more, _ := takeAll(l, testApp, 1); len(taken) != 64 || len(more) != 0 {
			t.Fatalf("%d under way and %d more; want 64", len(taken), len(more))
		}
		fill(l, testApp)
		l.full.take() // that was fill's own
		woken := 0
		w := &waiter{wake: func() bool { woken++; return true }}
		for range 3 { // however often it asks, it is woken once
			if p, wait := l.try(otherApp, false, w); p != nil || wait != 0 {
				t.Fatalf("a permit beyond the bound, or a wait of %v", wait)
			}
		}
		taken[0].done(0, nil)
		taken[1].drop()
		if woken != 1 {
			t.Errorf("woken %d times; want 1", woken)
		}
	})
}

func TestGoneWaiterPassesItsWakeOn(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		taken := fill(l, testApp)
		l.full.take() // that was fill's own
		woken := false
		l.try(otherApp, false, &waiter{wake: func() bool { return false }})
		l.try(otherApp, false, &waiter{wake: func() bool { woken = true; return true }})
		taken[0].drop()
		if !woken {
			t.Error("the wake of a task that has closed was lost")
		}
	})
}

// A task that is woken for each of a thousand permits does as much for one
// exchange as for a dozen; none is left waiting for it.
func TestWaitersAreWokenForAShareOfALargeBound(t *testing.T) {
	limited(t, func(c *Config) { c.InFlight = 1024 }, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		for _, bound := range []struct {
			what   string
			limit  float64
			queue  *waiters
			before int // permits that come back without a wake
		}{{"slots", 1024, &l.full, 15}, {"app", 640, &l.apps[testApp].full, 9}} {
			l.apps[testApp].knee.limit = bound.limit
			taken := fill(l, testApp)
			bound.queue.take() // that was fill's own
			woken := 0
			for range 3 {
				l.try(testApp, false, &waiter{wake: func() bool { woken++; return true }})
			}
			for i, p := range taken {
				p.drop()
				if want := min(max(0, i-bound.before+1), 3); woken != want {
					t.Fatalf("%s: %d woken by %d permits; want %d", bound.what, woken, i+1, want)
				}
			}
		}
	})
}

// Who is woken and sends nothing, for what it had is over, hands its wake on to
// the next that its app's bound keeps waiting.
func TestWakeThatIsOfNoUseIsPassedOn(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		l.apps[testApp].knee.limit = 8
		taken := fill(l, testApp)
		l.apps[testApp].full.take() // that was fill's own
		var woken []string
		for _, name := range []string{"first", "second"} {
			l.try(testApp, false, &waiter{wake: func() bool {
				woken = append(woken, name)
				if name == "first" {
					l.pass(testApp)
				}
				return true
			}})
		}
		taken[0].drop()
		if len(woken) != 2 {
			t.Errorf("woken: %v; want both", woken)
		}
		if p, _ := l.try(testApp, false, idle()); p == nil {
			t.Error("there is no room")
		}
	})
}

// An app whose last exchange ends while others have more than all slots: who waits
// for the app waits for a slot from then on.
func TestWaiterOfAnAppIsNotForgottenWhileAllSlotsAreTaken(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		l.apps[testApp].knee.limit = 2
		taken := fill(l, testApp)
		l.apps[testApp].full.take()
		got := 0
		w := &waiter{}
		w.wake = func() bool {
			if p, _ := l.try(testApp, false, w); p != nil {
				got++
			}
			return true
		}
		l.try(testApp, false, w)
		others := fill(l, otherApp)
		l.ahead.mean, l.max = 0, 8 // fewer are ahead of the bound than were
		for _, p := range taken {
			p.done(0, nil)
		}
		for _, p := range others {
			p.done(0, nil)
		}
		if got != 1 {
			t.Errorf("%d permits; want 1", got)
		}
	})
}

func TestLastSendsAreWokenByAnAnswerAndByNothingElse(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		lost, _ := leave(l, testApp, false)
		under, _ := leave(l, testApp, false)
		more, _ := leave(l, testApp, false)
		lost.done(0, kindError(douyin.KindUnknown))
		woken := 0
		for range 3 { // as many tasks, each with a last send
			w := &waiter{}
			w.wake = func() bool {
				woken++
				if p, _ := l.try(testApp, true, w); p == nil {
					l.pass(testApp)
				}
				return true
			}
			if p, _ := l.try(testApp, true, w); p != nil {
				t.Fatal("a last send while nobody answers")
			}
		}
		if under.done(0, kindError(douyin.KindNotSent)); woken != 0 {
			t.Fatalf("woken %d times while nobody answers", woken)
		}
		if more.done(0, nil); woken != 3 {
			t.Errorf("woken %d times by an answer; want all 3", woken)
		}
	})
}

func TestBreakerOpensForOneAppAndClosesWhenItAnswers(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, logs *bytes.Buffer) {
		taken, _ := takeAll(l, testApp, 30)
		for _, p := range taken {
			p.done(0, kindError(douyin.KindUnknown))
		}
		if p, wait := leave(l, testApp, false); p != nil || wait <= 0 || wait > 2*time.Second {
			t.Errorf("an exchange while the breaker is open, or a wait of %v", wait)
		}
		if p, _ := leave(l, otherApp, false); p == nil {
			t.Error("another app is held up")
		}
		time.Sleep(2 * time.Second)
		for range 5 {
			p, _ := leave(l, testApp, false)
			if p == nil {
				t.Fatal("no trial after the pause")
			}
			p.done(0, nil)
		}
		if taken, _ := takeAll(l, testApp, 40); len(taken) != 40 {
			t.Errorf("%d permits after the platform has answered; want 40", len(taken))
		}
		if n := strings.Count(logs.String(), "does not answer"); n != 1 {
			t.Errorf("said %d times; want once", n)
		}
	})
}

func TestDroppedTrialDoesNotStopAnAppForEver(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		taken, _ := takeAll(l, testApp, 30)
		for _, p := range taken {
			p.done(0, kindError(douyin.KindUnknown))
		}
		for range 20 {
			time.Sleep(2 * time.Second)
			if p, _ := leave(l, testApp, false); p != nil {
				p.drop()
			}
		}
		time.Sleep(2 * time.Second)
		if p, _ := leave(l, testApp, false); p == nil {
			t.Error("no permit any more")
		}
	})
}

func TestRefusedAppStopsAloneWithOneError(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, logs *bytes.Buffer) {
		taken, _ := takeAll(l, testApp, 10)
		for _, p := range taken {
			p.done(0, kindError(douyin.KindConfig))
		}
		if p, wait := leave(l, testApp, false); p != nil || wait != refusedPause {
			t.Errorf("a permit for a refused app, or a wait of %v", wait)
		}
		if other, _ := takeAll(l, otherApp, 64); len(other) != 64 {
			t.Errorf("%d permits for another app; want 64", len(other))
		}
		if n := strings.Count(logs.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d errors; want 1", n)
		}
		if strings.Contains(logs.String(), "never-seen") {
			t.Error("I8: the secret is in the log")
		}
	})
}

// A refusal is not forgotten for an answer, to an exchange that was under way, that
// asks for less patience.
func TestShorterPauseDoesNotEndALongerOne(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		taken, _ := takeAll(l, testApp, 2)
		taken[0].done(0, kindError(douyin.KindConfig))
		taken[1].done(0, kindError(douyin.KindThrottled))
		if p, wait := leave(l, testApp, false); p != nil || wait != refusedPause {
			t.Errorf("a permit for a refused app, or a wait of %v; want %v", wait, refusedPause)
		}
	})
}

func TestRefusedAppIsTriedWithOneExchangeAtATime(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, logs *bytes.Buffer) {
		p, _ := leave(l, testApp, false)
		p.done(0, kindError(douyin.KindConfig))
		time.Sleep(refusedPause)
		trials, _ := takeAll(l, testApp, 10)
		if len(trials) != 1 {
			t.Fatalf("%d trials; want 1", len(trials))
		}
		trials[0].done(0, nil)
		if taken, _ := takeAll(l, testApp, 10); len(taken) != 10 || !strings.Contains(logs.String(), "accepts the app again") {
			t.Errorf("%d permits after the app was accepted; want 10", len(taken))
		}
	})
}

func TestThrottlingHalvesTheCeiling(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		p, _ := leave(l, testApp, false)
		p.done(0, kindError(douyin.KindThrottled))
		if p, wait := leave(l, testApp, false); p != nil || wait != throttlePause {
			t.Errorf("an exchange at once, or a wait of %v; want %v", wait, throttlePause)
		}
		time.Sleep(throttlePause)
		if taken, _ := takeAll(l, testApp, 64); len(taken) != 32 {
			t.Errorf("%d permits; want 32", len(taken))
		}
	})
}

// Throttled, it gives way at once, and comes back by and by.
func TestConcurrencyComesBackAfterThrottling(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		for range 3 {
			p, _ := leave(l, testApp, false)
			p.done(0, kindError(douyin.KindThrottled))
			time.Sleep(throttlePause)
		}
		for round, want := range []int{8, 9, 10} { // one more for each round that succeeds
			taken, _ := takeAll(l, testApp, 64)
			if len(taken) != want {
				t.Errorf("%d at once in round %d; want %d", len(taken), round, want)
			}
			for _, p := range taken {
				p.done(0, nil)
			}
		}
	})
}

func TestRateOfAnApp(t *testing.T) {
	limited(t, func(c *Config) { c.AppRate = 10 }, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		granted := 0
		for range 2000 { // two seconds
			if p, _ := leave(l, testApp, false); p != nil {
				granted++
				p.done(0, nil)
			}
			time.Sleep(time.Millisecond)
		}
		if granted < 19 || granted > 21 {
			t.Errorf("%d exchanges in two seconds; want 20", granted)
		}
	})
}

func TestLastSendWaitsForAnAnswer(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		p, _ := leave(l, testApp, false)
		p.done(0, kindError(douyin.KindUnknown))
		if p, wait := leave(l, testApp, true); p != nil || wait != lastTrial {
			t.Fatalf("a last send while nobody answers, or a wait of %v", wait)
		}
		first, _ := leave(l, testApp, false)
		first.done(0, nil)
		if p, _ := leave(l, testApp, true); p == nil {
			t.Error("no last send after an answer")
		}
	})
}

// While nobody answers a last send is made every now and then, and no further
// failure puts it off.
func TestLastSendIsATrialNowAndThen(t *testing.T) {
	limited(t, nil, func(t *testing.T, l *limits, _ *bytes.Buffer) {
		made := 0
		for range 45 { // seconds
			if p, _ := leave(l, testApp, false); p != nil {
				p.done(0, kindError(douyin.KindUnknown))
			}
			if p, _ := leave(l, testApp, true); p != nil {
				p.done(0, kindError(douyin.KindUnknown))
				made++
			}
			time.Sleep(time.Second)
		}
		if made < 2 || made > 3 {
			t.Errorf("%d last sends in three times %v", made, lastTrial)
		}
	})
}

// idle is a waiter that has no use for a wake.
func idle() *waiter { return &waiter{wake: func() bool { return true }} }
