package enrich

import (
	"time"

	"doustream/platform/douyin"
)

// slotPermit is a permit of limits.
type slotPermit struct {
	limits   *limits
	app      *appLimits
	trial    bool // of a platform that had stopped
	since    int  // exchanges that had ended before, of the app
	sinceAll int  // and of all

	// Guarded by limits.mu.
	stage permitStage
	told  func(verdict) bool // while it waits
}

type permitStage uint8

const (
	permitWriting  permitStage = iota // its SENT is being written, or stands
	permitUnderWay                    // the platform has the request
	permitOver
)

func (p *slotPermit) ready(told func(verdict) bool) verdict {
	l, a := p.limits, p.app
	l.mu.Lock()
	defer l.mu.Unlock()
	a.ahead.stands(p.since)
	l.ahead.stands(p.sinceAll)
	v := verdictWait
	if len(a.written) == 0 {
		v = l.judge(p)
	}
	switch v {
	case verdictGo:
		l.begin(p)
	case verdictWait:
		p.told = told
		a.written = append(a.written, p)
	}
	return v
}

func (p *slotPermit) drop() {
	p.limits.release(p, func(a *appLimits) {
		if p.trial && a.breaker.onTrial() { // a trial that was not made must not be missed for ever
			a.breaker.unanswered()
		}
	})
}

func (p *slotPermit) done(took time.Duration, err error) {
	kind := douyin.KindOf(err)
	lost := err != nil && (kind == douyin.KindUnknown || kind == douyin.KindNotSent)
	p.limits.release(p, func(a *appLimits) {
		if lost {
			a.breaker.unanswered()
		} else {
			a.breaker.answered()
		}
		switch {
		case err == nil:
			p.limits.succeeded(a, took)
		case lost:
			a.unanswered(took)
		case kind == douyin.KindThrottled || kind == douyin.KindRetry || kind == douyin.KindQuota:
			a.throttled()
		case kind == douyin.KindConfig || kind == douyin.KindToken:
			p.limits.refused(a, err)
		default:
			p.limits.succeeded(a, took)
		}
	})
}

// release gives the permit back, has then look at what was learnt, and wakes
// who waits longest: to leave, for the app, and for any slot.
func (l *limits) release(p *slotPermit, then func(*appLimits)) {
	a := p.app
	l.mu.Lock()
	if p.stage == permitOver {
		l.mu.Unlock()
		return
	}
	if p.stage == permitUnderWay {
		l.end(p)
	}
	p.stage = permitOver
	l.permits--
	a.permits--
	then(a)
	a.bound.Set(a.limit())
	var room [2]departure // few wait for one that ends, and they need no memory of their own
	leaving := l.leaving(room[:0])
	var stalled stalled
	if !a.ailing {
		stalled, a.stalled = a.stalled, nil
	}
	forApp, forSlot := a.due(l.max), l.due()
	l.mu.Unlock()
	leaving.tell()
	for w := range stalled {
		w.wake()
	}
	if forApp != nil && !forApp.wake() {
		l.pass(a.id)
	}
	if forSlot != nil && !forSlot.wake() {
		l.passSlot()
	}
}

// wakeShare is what part of a bound has to be free for who waits to be woken: a
// task that is woken for each permit does as much for one exchange as for a
// dozen. The others are under way meanwhile, and wake it when they end.
const wakeShare = 64

// due takes out who is to be woken when a permit of the app came back. It and
// the one below are called with limits.mu held.
func (a *appLimits) due(most int) *waiter {
	if !a.open(most) || a.room(most) < a.limit()/wakeShare {
		return nil
	}
	return a.full.take()
}

func (l *limits) due() *waiter {
	if room := l.room(); room <= 0 || room < float64(l.max)/wakeShare {
		return nil
	}
	return l.full.take()
}

// succeeded and the two below are called with limits.mu held.
func (l *limits) succeeded(a *appLimits, took time.Duration) {
	if a.refused {
		a.refused = false
		l.metrics.refused.WithLabelValues(a.id).Set(0)
		l.logger.Info("the platform accepts the app again", "app_id", a.id)
	}
	a.ailing = false
	a.knee.answered(time.Now(), took)
	a.ceiling = min(a.ceiling+1/a.ceiling, float64(l.max))
}

func (a *appLimits) unanswered(after time.Duration) {
	a.knee.unanswered(time.Now(), after)
	if !a.ailing {
		a.ailing, a.trial = true, time.Now().Add(lastTrial)
	}
}

func (a *appLimits) throttled() {
	a.ailing = false
	a.ceiling = max(a.ceiling/2, min(leastInFlight, a.ceiling))
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
