package notify

import "time"

// bucket limits an app's sends per second. Throttling by the platform halves
// its rate, at most once a second; the rate then grows back by a twentieth of
// the limit each second. It starts empty.
type bucket struct {
	limit    float64 // per second
	rate     float64 // now, at most limit
	tokens   float64
	filledAt time.Time
	slowedAt time.Time
}

// burst is how much of a second's sends may leave at once: what the timers'
// resolution needs, and no more.
const burst = 0.05

// recovery is the share of the limit that the rate regains in a second.
const recovery = 0.05

func newBucket(limit float64, now time.Time) *bucket {
	return &bucket{limit: limit, rate: limit, filledAt: now}
}

// take takes one send, or tells how long to wait for it.
func (b *bucket) take(now time.Time) (ok bool, wait time.Duration) {
	b.fill(now)
	if b.tokens >= 1 {
		b.tokens--
		return true, 0
	}
	return false, time.Duration((1 - b.tokens) / b.rate * float64(time.Second))
}

// slow answers a throttled request.
func (b *bucket) slow(now time.Time) {
	b.fill(now)
	if now.Sub(b.slowedAt) < time.Second {
		return
	}
	b.slowedAt = now
	b.rate = max(b.rate/2, min(1, b.limit))
	b.tokens = 0
}

func (b *bucket) fill(now time.Time) {
	passed := now.Sub(b.filledAt).Seconds()
	if passed <= 0 {
		return
	}
	b.filledAt = now
	b.tokens = min(b.tokens+passed*b.rate, max(b.rate*burst, 1))
	b.rate = min(b.rate+passed*recovery*b.limit, b.limit)
}
