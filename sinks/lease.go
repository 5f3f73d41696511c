package sinks

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errLease: our hold on the partition may have ended, so what was under way was
// given up.
var errLease = errors.New("the group's session may have ended")

// lease is until when no other instance can own what this one owns: the send time
// of the last own heartbeat that the coordinator accepted, plus the session
// time-out, less a margin. What a look-up found is acted on only inside it.
// Safe for concurrent use.
type lease struct {
	session, margin time.Duration
	now             func() time.Time
	kicks           chan struct{}

	mu      sync.Mutex
	until   time.Time
	renewed chan struct{} // closed at the next renewal
}

func newLease(session time.Duration, now func() time.Time) *lease {
	return &lease{
		session: session, margin: min(2*time.Second, session/5), now: now,
		kicks: make(chan struct{}, 1), renewed: make(chan struct{}),
	}
}

// kick asks for a heartbeat at once.
func (l *lease) kick() {
	select {
	case l.kicks <- struct{}{}:
	default:
	}
}

// keep renews the lease until ctx ends.
func (l *lease) keep(ctx context.Context, heartbeat func(context.Context) bool) {
	tick := time.NewTicker(l.session / 5)
	defer tick.Stop()
	for {
		sent := l.now()
		bounded, cancel := context.WithTimeout(ctx, l.session/2)
		if heartbeat(bounded) {
			l.extend(sent.Add(l.session - l.margin))
		}
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-l.kicks:
		}
	}
}

func (l *lease) extend(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = until
	close(l.renewed)
	l.renewed = make(chan struct{})
}

// left is what remains of the lease, by the monotonic clock and by the wall
// clock, whichever is less: a machine that slept knows it by one of them only.
func (l *lease) left() (d time.Duration, renewed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	return min(l.until.Sub(now), l.until.Round(0).Sub(now.Round(0))), l.renewed
}

// hold waits for the lease and answers a context that ends when it does, however
// often it was renewed meanwhile. The caller calls release.
func (l *lease) hold(ctx context.Context) (held context.Context, release func(), err error) {
	for {
		left, renewed := l.left()
		if left > 0 {
			break
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-renewed:
		}
	}
	held, cancel := context.WithCancelCause(ctx)
	go l.watch(held, cancel)
	return held, func() { cancel(context.Canceled) }, nil
}

func (l *lease) watch(held context.Context, cancel context.CancelCauseFunc) {
	for {
		left, renewed := l.left()
		if left <= 0 {
			cancel(errLease)
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-held.Done():
		case <-renewed:
		case <-timer.C:
		}
		timer.Stop()
		if held.Err() != nil {
			return
		}
	}
}
