package stream

import (
	"context"
	"sync"
)

// lead bounds the bytes that a reader is ahead of all its tasks together: it
// reads state faster than they take it in, and a member may have many. The
// reader waits while there is no room; one batch may always be ahead, however
// large. One goroutine takes, any give back.
type lead struct {
	most int64
	room chan struct{} // holds one signal: something was given back

	mu    sync.Mutex
	ahead int64
}

// mostAhead is a few fetches of all that restore; the listener, who reads what is
// mostly known, has as much as one of them.
const mostAhead = 8 << 20

func newLead(most int64) *lead { return &lead{most: most, room: make(chan struct{}, 1)} }

// take waits until there is room for so many bytes, and reports whether there
// was before ctx ended.
func (l *lead) take(ctx context.Context, bytes int64) bool {
	for !l.tryTake(bytes) {
		select {
		case <-l.room:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (l *lead) tryTake(bytes int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ahead > 0 && l.ahead+bytes > l.most {
		return false
	}
	l.ahead += bytes
	return true
}

// give gives back what was taken. It never blocks.
func (l *lead) give(bytes int64) {
	l.mu.Lock()
	l.ahead -= bytes
	l.mu.Unlock()
	select {
	case l.room <- struct{}{}:
	default:
	}
}
