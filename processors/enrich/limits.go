package enrich

import (
	"log/slog"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/ratelimiter"
	"github.com/prometheus/client_golang/prometheus"
)

// limits are what the exchanges of all tasks share: how many are under way,
// and for each app its rate, its breaker and the concurrency that the platform
// bears. What one app meets holds up no other. A few more have a permit than may
// be under way: those whose SENT is being written (ahead).
type limits struct {
	max      int
	interval time.Duration // between two exchanges of one app; 0: no rate
	apps     map[string]*appLimits
	order    []*appLimits
	metrics  *metrics
	logger   *slog.Logger

	mu sync.Mutex
	// Guarded by mu.
	permits  int
	underWay int
	ahead    ahead
	full     waiters // they found permits at its bound
	turn     int     // of order: whose exchanges are the next to leave
}

type appLimits struct {
	id   string
	rate ratelimiter.RateLimiter[any] // nil: none

	// Guarded by limits.mu.
	breaker   *breaker
	permits   int
	underWay  int
	ahead     ahead
	written   []*slotPermit // their SENT stands, in that order: they wait to be under way
	knee      *knee
	bound     prometheus.Gauge
	full      waiters   // they found the app at its bound
	stalled   stalled   // their last sends wait for an answer
	ceiling   float64   // falls when the platform throttles, recovers with success
	refused   bool      // the platform refuses the app: its secret or id is wrong
	pausedTil time.Time // no exchange before
	ailing    bool      // the last exchange got no answer
	trial     time.Time // meanwhile no code's last send before
}

const (
	refusedPause  = 30 * time.Second // between trials of an app that is refused
	throttlePause = 200 * time.Millisecond
	lastTrial     = 15 * time.Second // between last sends while there are no answers: each may cost a login
)

func newLimits(cfg Config, m *metrics) *limits {
	l := &limits{max: cfg.InFlight, apps: map[string]*appLimits{}, metrics: m, logger: cfg.Logger}
	for _, app := range cfg.Apps {
		a := &appLimits{
			id: app.ID, ceiling: float64(cfg.InFlight), knee: newKnee(cfg.InFlight),
			bound:   m.bound.WithLabelValues(app.ID),
			breaker: newBreaker(app.ID, m.breaker.WithLabelValues(app.ID), cfg.Logger),
		}
		a.bound.Set(a.knee.limit)
		if cfg.AppRate > 0 {
			l.interval = time.Duration(float64(time.Second) / cfg.AppRate)
			a.rate = ratelimiter.NewSmoothBuilderWithMaxRate[any](l.interval).Build()
		}
		l.apps[app.ID] = a
		l.order = append(l.order, a)
	}
	return l
}

func (l *limits) try(app string, last bool, w *waiter) (permit, time.Duration) {
	l.mu.Lock()
	p, wait := l.take(l.apps[app], last, w)
	l.mu.Unlock()
	if p == nil {
		l.passSlot() // whoever waits for a slot of the process may have it
		return nil, wait
	}
	return p, 0
}

func (l *limits) pass(app string) {
	a := l.apps[app]
	l.wake(func() *waiter {
		if a.open(l.max) { // one that finds all slots taken waits for those from then on
			return a.full.take()
		}
		return nil
	})
	l.passSlot()
}

func (l *limits) passSlot() {
	l.wake(func() *waiter {
		if l.hasRoom() {
			return l.full.take()
		}
		return nil
	})
}

// wake wakes the first of whom next answers, with l.mu held, that is still there.
func (l *limits) wake(next func() *waiter) {
	for {
		l.mu.Lock()
		w := next()
		l.mu.Unlock()
		if w == nil || w.wake() {
			return
		}
	}
}

// take is called with l.mu held. A waiter is registered under the same lock
// under which permits come free, so that none is missed.
func (l *limits) take(a *appLimits, last bool, w *waiter) (permit, time.Duration) {
	if wait := until(a.pausedTil); wait > 0 {
		return nil, wait
	}
	if wait := a.breaker.remaining(); wait > 0 {
		return nil, wait
	}
	if last && a.ailing {
		if wait := until(a.trial); wait > 0 {
			a.stalled.add(w)
			return nil, wait
		}
	}
	if !l.hasRoom() {
		l.full.add(w)
		return nil, 0
	}
	if !a.open(l.max) {
		a.full.add(w)
		return nil, 0
	}
	if a.rate != nil && !a.rate.TryAcquirePermit() {
		return nil, max(l.interval, time.Millisecond)
	}
	if !a.breaker.admit() {
		return nil, breakerDelay / 10 // half open: its trials are under way
	}
	if last && a.ailing {
		a.trial = time.Now().Add(lastTrial)
	}
	return l.give(a), 0
}

// until is time.Until without a look at the clock for a time that is not set.
func until(at time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return time.Until(at)
}

func (l *limits) hasRoom() bool { return l.room() > 0 }

func (l *limits) room() float64 {
	return l.ahead.beyond(float64(l.max), l.max) - float64(l.permits)
}

func (a *appLimits) hasRoom(most int) bool { return a.room(most) > 0 }

func (a *appLimits) room(most int) float64 {
	return a.ahead.beyond(a.limit(), most) - float64(a.permits)
}

// limit is how many exchanges of the app may be under way.
func (a *appLimits) limit() float64 { return min(a.ceiling, a.knee.limit) }

// open reports whether the app has room, and is not one that is refused, of which
// one exchange at a time is a trial.
func (a *appLimits) open(most int) bool { return a.hasRoom(most) && (!a.refused || a.permits == 0) }

func (l *limits) give(a *appLimits) *slotPermit {
	l.permits++
	a.permits++
	return &slotPermit{limits: l, app: a, trial: a.refused || a.breaker.onTrial(), since: a.ahead.ended, sinceAll: l.ahead.ended}
}
