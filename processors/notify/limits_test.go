package notify

import (
	"fmt"
	"testing"
	"time"

	"doustream/platform/douyin"
	"doustream/schemas"
)

// A bucket starts empty, lets its rate through, is halved by throttling at most
// once a second and grows back by a twentieth of its limit each second.
func TestBucket(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	b := newBucket(100, now)
	if ok, wait := b.take(now); ok || wait != 10*time.Millisecond {
		t.Errorf("at its start it gives %v, or a wait of %v; want 10ms", ok, wait)
	}
	in := func(d time.Duration) (taken int) {
		for end := now.Add(d); now.Before(end); now = now.Add(time.Millisecond) {
			if ok, _ := b.take(now); ok {
				taken++
			}
		}
		return taken
	}
	if n := in(10 * time.Second); n < 990 || n > 1005 {
		t.Errorf("%d in ten seconds, want 1000", n)
	}
	now = now.Add(time.Hour)
	if n := in(time.Millisecond); n > 1 {
		t.Errorf("%d at once after an hour", n)
	}
	b.slow(now)
	b.slow(now.Add(500 * time.Millisecond))
	if b.rate < 50 || b.rate > 53 {
		t.Errorf("throttled twice in a second the rate is %v, want half", b.rate)
	}
	b.slow(now.Add(1100 * time.Millisecond))
	if b.rate > 30 {
		t.Errorf("throttled again a second later the rate is %v, want a quarter", b.rate)
	}
	for range 100 {
		now = now.Add(2 * time.Second)
		b.slow(now)
	}
	if b.rate < 1 {
		t.Errorf("throttled for long the rate is %v, want at least one a second", b.rate)
	}
	in(21 * time.Second)
	if b.rate != 100 {
		t.Errorf("left alone the rate is %v, want the limit again", b.rate)
	}
}

// A platform that takes less than the configured rate is asked for about what
// it takes, and every order is sent.
func TestRateAdaptsToThrottling(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{Rate: 400})
	var second int64
	taken, throttled := 0, 0
	w.platform.send = func(douyin.Notification, douyin.Token) error {
		if s := w.now.Unix(); s != second {
			second, taken = s, 0
		}
		if taken >= 50 {
			throttled++
			return fault(douyin.KindThrottled)
		}
		taken++
		return nil
	}
	for n := range 3000 {
		w.publish(int32(n%2), orderJSON(fmt.Sprint("n", n), fmt.Sprint("u", n)))
	}
	w.start()
	begin := w.now
	w.run(begin.Add(5 * time.Minute))
	if got := statusCounts(w); got["SENT"] != 3000 {
		t.Fatalf("results %v", got)
	}
	if throttled > 1000 {
		t.Errorf("%d requests throttled for 3000 sent", throttled)
	}
	if took := w.platform.sends[len(w.platform.sends)-1].at.Sub(begin); took > 2*time.Minute {
		t.Errorf("3000 at 50 a second took %v", took)
	}
}

// A quota that is used up stops its app for a minute at least, then one order
// asks whether it is filled again.
func TestQuotaPausesTheApp(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{InFlight: 1})
	w.platform.send = func(douyin.Notification, douyin.Token) error {
		if len(w.platform.sends) < 2 {
			return fault(douyin.KindQuota)
		}
		return nil
	}
	for n := range 10 {
		w.publish(0, orderJSON(fmt.Sprint("n", n), fmt.Sprint("u", n)))
	}
	w.start()
	w.run(w.now.Add(10 * time.Minute))
	sends := w.platform.sends
	if len(sends) != 12 {
		t.Fatalf("%d sends of ten orders, two of them refused", len(sends))
	}
	for n, least := range []time.Duration{time.Minute, 2 * time.Minute} {
		if d := sends[n+1].at.Sub(sends[n].at); d < least {
			t.Errorf("after refusal %d the next came after %v, want %v", n+1, d, least)
		}
	}
	if d := sends[11].at.Sub(sends[2].at); d > time.Second {
		t.Errorf("with the quota filled the rest took %v", d)
	}
}

// An order whose token was refused goes again as soon as there is another.
func TestRefusedTokenDelaysNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{RetryMin: time.Hour, RetryMax: time.Hour, UserInterval: time.Millisecond})
	w.start()
	w.run(w.now.Add(time.Hour))
	w.platform.send = func(_ douyin.Notification, token douyin.Token) error {
		if token == "clt.1" {
			return fault(douyin.KindToken)
		}
		return nil
	}
	w.publish(0, orderJSON("n1", "u1"))
	w.run(w.now.Add(2 * time.Second))
	if got := statusCounts(w); got["SENT"] != 1 {
		t.Errorf("results %v, want it sent at once by the new token", got)
	}
}

// A refusal that passes is asked about again after a pause that doubles, give or
// take a quarter; a successor waits out what is left of it.
func TestRetriesPause(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{RetryMin: 10 * time.Minute, RetryMax: 30 * time.Minute})
	w.jitter = func() float64 { return 0 }
	w.platform.send = func(douyin.Notification, douyin.Token) error {
		if len(w.platform.sends) < 4 {
			return fault(douyin.KindRetry)
		}
		return nil
	}
	w.publish(0, orderJSON("n1", "u1"))
	w.start()
	for range 40 {
		w.run(w.now.Add(4 * time.Minute))
		w.current.crash()
		w.start()
	}
	sends := w.platform.sends
	if len(sends) != 5 {
		t.Fatalf("%d sends, want four refused and one accepted", len(sends))
	}
	for n, want := range []time.Duration{450 * time.Second, 900 * time.Second, 1350 * time.Second, 1350 * time.Second} {
		if d := sends[n+1].at.Sub(sends[n].at); d < want || d > want+10*time.Second {
			t.Errorf("pause %d is %v, want %v", n+1, d, want)
		}
	}
}

// A successor keeps each user's order, its predecessor's second between two
// messages, and its rate: it does not know what was sent just before.
func TestSuccessorKeepsOrderAndLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{Rate: 20})
	for n := range 5 {
		for u := range 4 {
			w.publish(int32(u%2), orderJSON(fmt.Sprintf("n%d-%d", u, n), fmt.Sprint("u", u)))
		}
	}
	w.start()
	for range 100 {
		w.run(w.now.Add(1300 * time.Millisecond))
		w.current.crash()
		w.start()
	}
	w.run(w.now.Add(time.Minute))
	if got := statusCounts(w); got["SENT"] != 20 {
		t.Fatalf("results %v", got)
	}
	last, next := map[string]time.Time{}, map[string]int{}
	for _, s := range w.platform.sends {
		if d := s.at.Sub(last[s.OpenID]); d < time.Second {
			t.Errorf("two messages to %s within %v", s.OpenID, d)
		}
		if want := fmt.Sprintf("text of n%s-%d", s.OpenID[1:], next[s.OpenID]); s.Data["thing"] != want {
			t.Errorf("sent %q, want %q", s.Data["thing"], want)
		}
		last[s.OpenID] = s.at
		next[s.OpenID]++
	}
}

// I9: what expires behind a user's order that goes on waiting is not kept.
func TestWhatExpiresBehindAnOrderIsNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(Config{})
	w.platform.issue = func() (douyin.Issued, error) { return douyin.Issued{}, fault(douyin.KindConfig) }
	first := w.publish(0, orderJSON("first", "u1", `"expires_at":"9999-12-31T00:00:00Z"`))
	i := w.start()
	for n := range 200 {
		end := w.now.Add(2 * time.Second).UnixMilli()
		for m := range 5 {
			w.publish(0, orderJSON(fmt.Sprintf("n%d-%d", n, m), "u1", fmt.Sprintf(`"expires_at":%d`, end)))
		}
		w.run(w.now.Add(3 * time.Second))
	}
	u := i.task.apps["tt1"].users["u1"]
	if n := len(u.queue); u.waiting != 1 || n > 50 {
		t.Errorf("%d places in the queue for %d orders that wait", n, u.waiting)
	}
	last := w.publish(0, orderJSON("last", "u1"))
	w.platform.issue = nil
	w.run(w.now.Add(15 * time.Minute))
	for n, source := range []schemas.Source{first, last} {
		if r := one(t, w, source); r.Status != schemas.StatusSent || len(w.platform.sends) != 2 || w.platform.sends[n].Data["thing"] != "text of "+r.NotificationID {
			t.Errorf("%+v after %d sends", r, len(w.platform.sends))
		}
	}
	if got := statusCounts(w); got["EXPIRED"] != 1000 {
		t.Errorf("results %v", got)
	}
}
