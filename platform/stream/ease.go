package stream

import (
	"context"
	"slices"
	"time"
)

// ease gives windows that are full a commit interval to get room before they
// are paused. In a backlog they are full all the time, and to pause is dear:
// the client throws away what it has fetched meanwhile, and when all are paused
// at once its next fetch, of nothing but quiet inputs, stands before the one
// that fetches them again. What the client has fetched for others waits with
// them; that is why it is not longer.
func (p *poller) ease(ctx context.Context) {
	if len(p.full) == 0 {
		return
	}
	p.session.transactor.press()
	timer := time.NewTimer(p.session.cfg.CommitInterval)
	defer timer.Stop()
	for waiting := true; waiting && len(p.full) > 0; {
		select {
		case <-p.room:
		case <-timer.C:
			waiting = false
		case <-ctx.Done(): // somebody waits for a poll, or the session has ended
			waiting = false
		}
		p.full = slices.DeleteFunc(p.full, func(part *partition) bool {
			return part.flow.hasRoom() || !p.session.fetches(part)
		})
	}
	for _, part := range p.full {
		if part.flow.pause() {
			p.session.pause(part)
			p.session.transactor.press()
		}
	}
	p.full = p.full[:0]
}

// hasRoom tells the poller that a window has room again. Safe from any
// goroutine; never blocks.
func (p *poller) hasRoom() {
	select {
	case p.room <- struct{}{}:
	default:
	}
}
