package notify

import (
	"time"

	"doustream/schemas"
)

// wake has the app's queue looked at once the current work of the loop is
// done.
func (t *Task) wake(a *app) {
	if a.pumping || t.draining {
		return
	}
	a.pumping = t.loop.Post(func() {
		a.pumping = false
		t.pump(a)
	})
}

// pump gives intents to as many users' heads as the app's limits allow, and
// sets a timer for the next.
func (t *Task) pump(a *app) {
	if t.draining {
		return
	}
	now := t.loop.Now()
	a.promote(now)
	var wait time.Duration
	for u := a.next(now); u != nil; u = a.next(now) {
		n := u.head()
		if done := t.decide(n, now); done {
			continue
		}
		var ok bool
		if ok, wait = t.allowed(a, now); !ok {
			break
		}
		a.unready()
		t.intend(n, now)
	}
	t.arm(a, now, wait)
}

// decide ends or defers a notification that needs no request, and reports
// whether it did.
func (t *Task) decide(n *notification, now time.Time) bool {
	a := n.user.app
	if !now.Before(n.expiresAt) {
		t.finish(n, outcome{status: schemas.StatusExpired, reason: reasonExpired})
		return true
	}
	if t.mayAsk(n) {
		return false
	}
	if until := n.queuedAt.Add(t.cfg.ConsentWait); now.Before(until) {
		a.unready()
		a.later.put(n.user, until)
		return true
	}
	t.finish(n, outcome{status: schemas.StatusNoCredit, reason: reasonNoConsent})
	return true
}

// allowed takes the app's leave to send one message. When it has none, wait is
// when to ask again; 0: something else will wake the app.
func (t *Task) allowed(a *app, now time.Time) (ok bool, wait time.Duration) {
	if a.inFlight >= a.cfg.InFlight {
		return false, 0
	}
	if closed, until := a.gate.closed(now, a.inFlight); closed {
		if until.IsZero() {
			return false, 0
		}
		return false, until.Sub(now)
	}
	if _, ok := a.token.usable(now); !ok {
		t.tendToken(a.token)
		return false, 0
	}
	return a.bucket.take(now)
}

// minTick keeps the timers of a busy app apart: several sends leave at one
// tick.
const minTick = 5 * time.Millisecond

// arm sets the app's timer for the first user that is due, or for the end of
// what holds the ready ones back.
func (t *Task) arm(a *app, now time.Time, wait time.Duration) {
	if a.stop != nil {
		a.stop()
		a.stop = nil
	}
	if len(a.later) > 0 {
		if due := a.later[0].due.Sub(now); wait == 0 || due < wait {
			wait = due
		}
	}
	if wait == 0 {
		return
	}
	a.stop = t.loop.After(max(wait, minTick), func() {
		a.stop = nil
		t.pump(a)
	})
}
