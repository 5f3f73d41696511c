package enrich

import (
	"context"
	"sync"
	"time"
)

// deadlines are contexts that requests share which are to be answered at about
// the same time: a timer of its own, which nearly no request lives to see, is
// dearer than to read its answer. Safe for concurrent use.
type deadlines struct {
	step time.Duration // by so much one may end sooner than was asked for

	mu     sync.Mutex
	last   context.Context // nil: none yet
	ending time.Time       // when it does
}

// sooner is what part of a deadline may be lost to sharing it.
const sooner = 100

func newDeadlines(deadline time.Duration) *deadlines {
	return &deadlines{step: max(deadline/sooner, 1)}
}

// within answers a context that ends after d, or up to a step sooner.
func (s *deadlines) within(now time.Time, d time.Duration) context.Context {
	at := now.Add(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	if sooner := at.Sub(s.ending); s.last == nil || sooner < 0 || sooner >= s.step {
		ctx, cancel := context.WithDeadline(context.Background(), at)
		context.AfterFunc(ctx, cancel) // it lasts as long as who may hold it
		s.last, s.ending = ctx, at
	}
	return s.last
}
