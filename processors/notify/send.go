package notify

import (
	"context"
	"errors"
	"time"

	"doustream/platform/douyin"
	"doustream/platform/sabotage"
	"doustream/schemas"
)

// intend announces a send. The request leaves once the announcement is known
// to be committed, so that a successor sees every request that may have left.
func (t *Task) intend(n *notification, now time.Time) {
	order, err := schemas.DecodeOrder(n.raw)
	if err != nil {
		t.fail("read order again", err)
		return
	}
	a := n.user.app
	a.inFlight++
	n.user.busy = true
	n.attempts++
	n.stage, n.intentAt, n.retryAt = schemas.StageIntent, now, time.Time{}
	t.write(n, order, func() { t.begin(n, order) })
}

// begin sends a notification whose intent is committed, unless there is a
// reason by now not to.
func (t *Task) begin(n *notification, order schemas.Order) {
	if n.stage != schemas.StageIntent || n.sending || t.draining {
		return // withdrawn
	}
	now, a := t.loop.Now(), n.user.app
	token, ok := a.token.usable(now)
	if !ok || !now.Before(n.expiresAt) {
		t.withdraw(n)
		return
	}
	timeout := min(t.cfg.RequestTimeout, t.loop.Lease().Sub(now))
	if timeout < min(minRequest, t.cfg.RequestTimeout) {
		t.loop.After(leaseTick, func() { t.begin(n, order) })
		return
	}
	n.sending = true
	message := douyin.Notification{
		AppID: order.AppID, TemplateID: order.TemplateID, OpenID: order.OpenID, Data: order.Data, Page: order.Page,
	}
	send := t.deps.Platform.NotifyV2
	if a.cfg.Driver == DriverV1 {
		send = t.deps.Platform.NotifyV1
	}
	t.goSend(timeout, func(ctx context.Context) func() {
		logID, err := send(ctx, token, message)
		return func() { t.answer(n, order, token, now, logID, err) }
	})
}

// withdraw takes an intent back whose request has not left and never will.
func (t *Task) withdraw(n *notification) {
	order, err := schemas.DecodeOrder(n.raw)
	if err != nil {
		t.fail("read order again", err)
		return
	}
	n.attempts--
	t.unintend(n)
	t.later(n, order, t.loop.Now())
}

// unintend frees what an intent holds.
func (t *Task) unintend(n *notification) {
	n.user.app.inFlight--
	n.user.busy = false
	n.sending = false
	n.stage = schemas.StageRetry
}

// answer takes what the platform said of a send.
func (t *Task) answer(n *notification, order schemas.Order, token douyin.Token, begun time.Time, logID string, err error) {
	now := t.loop.Now()
	t.metrics.attempt(err, now.Sub(begun))
	t.unintend(n)
	n.user.notBefore = now.Add(t.cfg.UserInterval)
	row := fateOf(err)
	n.last = outcome{status: row.status, reason: row.reason, logID: logID, attempts: n.attempts}
	if e, ok := errors.AsType[*douyin.Error](err); ok {
		n.last.logID = e.LogID
		if e.Present {
			n.last.errNo = &e.No
		}
	}
	t.apply(n, row.effect, token, now, err)
	switch {
	case row.fate == fateDone, row.fate == fateMaybe && t.cfg.Unknown == UnknownReport && !sabotage.SendTwice:
		t.finish(n, n.last)
	default:
		n.maybe = n.maybe || row.fate == fateMaybe
		t.later(n, order, t.nextAttempt(n, row, now))
	}
	t.checkDrained()
}

// apply does to the app what an outcome calls for.
func (t *Task) apply(n *notification, e effect, token douyin.Token, now time.Time, err error) {
	a := n.user.app
	if e != effectDropToken && e != effectUnanswered {
		a.token.failures = 0
	}
	switch e {
	case effectUnanswered:
		if a.gate.unanswered(now) {
			t.log.Warn("the platform does not answer, sending pauses", "app_id", a.ID, "until", a.gate.until, "error", err)
		}
		return
	case effectQuota:
		if a.gate.shut(stopQuota, now) {
			t.log.Error("the platform's quota is used up, sending pauses", "app_id", a.ID, "until", a.gate.until, "error", err)
		}
		return
	case effectStop:
		if a.gate.shut(stopConfig, now) {
			t.log.Error("the platform refuses the app, sending pauses", "app_id", a.ID, "until", a.gate.until, "error", err)
		}
		return
	case effectDropToken:
		t.dropToken(a.token, token)
		return
	case effectSlowDown:
		a.bucket.slow(now)
	}
	if a.gate.open() {
		t.log.Info("sending goes on", "app_id", a.ID)
	}
}

// nextAttempt is when a notification that was refused is sent again: at once
// if it was the token's fault, else after a pause that doubles.
func (t *Task) nextAttempt(n *notification, row fateRow, now time.Time) time.Time {
	if row.effect == effectDropToken {
		return now
	}
	pause := min(t.cfg.RetryMin<<min(max(n.attempts-1, 0), 20), t.cfg.RetryMax)
	return now.Add(time.Duration(float64(pause) * (0.75 + 0.5*t.random())))
}

// later keeps a notification for another attempt.
func (t *Task) later(n *notification, order schemas.Order, at time.Time) {
	now := t.loop.Now()
	if !now.Before(n.expiresAt) {
		t.finish(n, outcome{status: schemas.StatusExpired, reason: reasonExpired})
		return
	}
	n.stage, n.retryAt = schemas.StageRetry, at
	t.watchExpiry(n)
	t.write(n, order, nil)
	t.place(n.user, now)
}
