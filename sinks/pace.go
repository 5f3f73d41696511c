package sinks

import (
	"context"
	"sync"
	"time"
)

// pace spaces the inserts into one table out. Safe for concurrent use; who comes
// first goes first.
type pace struct {
	gap time.Duration

	mu   sync.Mutex
	next time.Time // when the next insert may begin
}

// newPace allows so many inserts a second, two at once where nothing went before.
func newPace(perSecond float64) *pace {
	return &pace{gap: time.Duration(float64(time.Second) / perSecond)}
}

// wait returns when the caller's turn has come, or with ctx's error.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	turn := p.next
	if earliest := now.Add(-p.gap); turn.Before(earliest) {
		turn = earliest
	}
	p.next = turn.Add(p.gap)
	p.mu.Unlock()
	return pause(ctx, turn.Sub(now))
}

// try takes a turn if it has come.
func (p *pace) try() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.next.After(now) {
		return false
	}
	if earliest := now.Add(-p.gap); p.next.Before(earliest) {
		p.next = earliest
	}
	p.next = p.next.Add(p.gap)
	return true
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
