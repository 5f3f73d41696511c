package enrich

import (
	"time"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"

	"doustream/platform/douyin"
)

// slotPermit is a permit of limits.
type slotPermit struct {
	limits *limits
	app    *appLimits
	slot   adaptivelimiter.Permit
}

func (p *slotPermit) drop() {
	p.slot.Drop()
	if p.app.breaker.IsHalfOpen() { // a trial that was not made must not be missed for ever
		p.app.breaker.RecordFailure()
	}
	p.limits.release(p.app, func(*appLimits) {})
}

func (p *slotPermit) done(err error) {
	kind := douyin.KindOf(err)
	if err == nil {
		p.slot.Record()
		p.app.breaker.RecordSuccess()
		p.limits.release(p.app, p.limits.succeeded)
		return
	}
	switch kind {
	case douyin.KindUnknown, douyin.KindNotSent:
		p.slot.Drop()
		p.app.breaker.RecordFailure()
		p.limits.release(p.app, (*appLimits).unanswered)
	case douyin.KindThrottled, douyin.KindRetry, douyin.KindQuota:
		p.slot.Drop()
		p.app.breaker.RecordSuccess() // it answers
		p.limits.release(p.app, (*appLimits).throttled)
	case douyin.KindConfig, douyin.KindToken:
		p.slot.Drop()
		p.app.breaker.RecordSuccess()
		p.limits.release(p.app, func(a *appLimits) { p.limits.refused(a, err) })
	default:
		p.slot.Record()
		p.app.breaker.RecordSuccess()
		p.limits.release(p.app, p.limits.succeeded)
	}
}

// release gives the permit back, has then look at what was learnt, and wakes
// who waits longest: for the app, and for any slot.
func (l *limits) release(a *appLimits, then func(*appLimits)) {
	l.mu.Lock()
	l.inFlight--
	a.inFlight--
	l.metrics.inFlight.Set(float64(l.inFlight))
	then(a)
	w := a.full.take()
	l.mu.Unlock()
	for w != nil && !w.wake() {
		l.mu.Lock()
		w = a.full.take()
		l.mu.Unlock()
	}
	l.pass()
}

// succeeded and the two below are called with limits.mu held.
func (l *limits) succeeded(a *appLimits) {
	if a.refused {
		a.refused = false
		l.metrics.refused.WithLabelValues(a.id).Set(0)
		l.logger.Info("the platform accepts the app again", "app_id", a.id)
	}
	a.ailing = false
	a.ceiling = min(a.ceiling+1/a.ceiling, float64(l.max))
}

func (a *appLimits) unanswered() {
	if !a.ailing {
		a.ailing, a.trial = true, time.Now().Add(lastTrial)
	}
}

func (a *appLimits) throttled() {
	a.ailing = false
	a.ceiling = max(a.ceiling/2, min(leastCeiling, a.ceiling))
	a.pausedTil = later(a.pausedTil, time.Now().Add(throttlePause))
}

func (l *limits) refused(a *appLimits, err error) {
	a.ailing = false
	a.pausedTil = later(a.pausedTil, time.Now().Add(refusedPause))
	if a.refused {
		return
	}
	a.refused = true
	l.metrics.refused.WithLabelValues(a.id).Set(1)
	l.logger.Error("the platform refuses the app: its logins wait; check DOUSTREAM_APPS_n_ID and _SECRET",
		"app_id", a.id, "err", err)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
