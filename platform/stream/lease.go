package stream

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// lease is how long nobody else can own what this member owns. It sends
// heartbeats of its own beside the client's: only so are the time of sending
// and the coordinator's answer known for certain, and together. An answer that
// a rebalance is under way does not extend it: a member that is late for the
// rebalance is put out without a session time-out.
type lease struct {
	span time.Duration // session time-out less the margin
	now  func() time.Time

	mu sync.Mutex
	at time.Time // before the last accepted heartbeat was handed to the client
}

// until is the lease's end, on the clock that gives it least; zero when there
// is none. A machine that was suspended finds the wall clock ahead, one whose
// wall clock was set back still has the monotonic one.
func (l *lease) until() time.Time {
	l.mu.Lock()
	at := l.at
	l.mu.Unlock()
	if at.IsZero() {
		return time.Time{}
	}
	now := l.now()
	return now.Add(l.span - elapsed(at, now))
}

// elapsed is how long ago a time was, by the monotonic or the wall clock,
// whichever gives more.
func elapsed(at, now time.Time) time.Duration {
	return max(now.Sub(at), now.Round(0).Sub(at.Round(0)))
}

func (l *lease) extend(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = at
}

// drop ends the lease, before a membership is given up.
func (l *lease) drop() { l.extend(time.Time{}) }

// keep sends heartbeats until ctx ends.
func (l *lease) keep(ctx context.Context, s *session, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		l.beat(ctx, s)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.joined:
		}
	}
}

func (l *lease) beat(ctx context.Context, s *session) {
	member, generation := s.group.GroupMetadata()
	if generation < 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, l.span)
	defer cancel()
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = s.cfg.Group, member, generation
	req.InstanceID = kmsg.StringPtr(s.cfg.member())
	at := l.now()
	resp, err := req.RequestWith(ctx, s.group)
	if err == nil && resp.ErrorCode == 0 && !s.forgotten(s.group) {
		l.extend(at)
	}
}
