package enrich

import (
	"log/slog"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/prometheus/client_golang/prometheus"
)

// breaker stops the exchanges of an app that the platform does not answer. As long
// as it is closed, which is nearly always, it lets everybody through and changes in
// nothing but what became of exchanges, all of which it is told: so that it need not
// be asked, four times for each, under a lock of its own. All methods are called with
// limits.mu held, so that what is known of its state is its state.
type breaker struct {
	of     circuitbreaker.CircuitBreaker[any]
	closed bool // as of says when it is asked
}

const breakerDelay = time.Second

func newBreaker(app string, state prometheus.Gauge, logger *slog.Logger) *breaker {
	b := &breaker{closed: true}
	b.of = circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(0.5, 20, 10*time.Second).
		WithSuccessThresholdRatio(3, 5).
		WithDelay(breakerDelay).WithJitterFactor(0.25).
		OnStateChanged(func(ev circuitbreaker.StateChangedEvent) { // from within one of the methods below
			b.closed = ev.NewState == circuitbreaker.ClosedState
			state.Set(float64(ev.NewState))
			if ev.OldState == circuitbreaker.ClosedState {
				logger.Warn("the platform does not answer: logins wait", "app_id", app)
			} else if b.closed {
				logger.Info("the platform answers again", "app_id", app)
			}
		}).Build()
	return b
}

// remaining answers how long it lets nobody through; 0 where it may.
func (b *breaker) remaining() time.Duration {
	if b.closed {
		return 0
	}
	return b.of.RemainingDelay()
}

// admit takes a permit for one exchange; false: it is open, or its trials are under way.
func (b *breaker) admit() bool { return b.closed || b.of.TryAcquirePermit() }

func (b *breaker) open() bool { return !b.closed && b.of.IsOpen() }

// onTrial reports whether those that are let through are trials.
func (b *breaker) onTrial() bool { return !b.closed && b.of.IsHalfOpen() }

// answered and unanswered tell it what became of an exchange.
func (b *breaker) answered()   { b.of.RecordSuccess() }
func (b *breaker) unanswered() { b.of.RecordFailure() }
