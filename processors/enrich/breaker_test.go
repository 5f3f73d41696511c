package enrich

import (
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Whatever exchanges come to, and whenever, what is known of the state of a breaker
// without asking is its state: who passes by a closed one asks nothing.
func TestBreakerKnowsItsState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(testApp, prometheus.NewGauge(prometheus.GaugeOpts{Name: "state"}), slog.New(slog.DiscardHandler))
		rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable on purpose
		opened, closed := 0, 0
		for step := range 20_000 {
			down := step/500%2 == 1 // the platform comes and goes
			before := b.closed
			switch n := rng.IntN(100); {
			case n < 5:
				time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
			case !b.admit():
			case down && n < 90:
				b.unanswered()
			default:
				b.answered()
			}
			if b.closed != b.of.IsClosed() || b.open() != b.of.IsOpen() || b.onTrial() != b.of.IsHalfOpen() || b.remaining() != b.of.RemainingDelay() {
				t.Fatalf("step %d: closed %v, open %v, on trial %v, %v remain; it is %v, %v remain",
					step, b.closed, b.open(), b.onTrial(), b.remaining(), b.of.State(), b.of.RemainingDelay())
			}
			if before && !b.closed {
				opened++
			} else if !before && b.closed {
				closed++
			}
		}
		if opened < 10 || closed < 10 {
			t.Errorf("opened %d times, closed %d times: too few to tell", opened, closed)
		}
	})
}
