package stream

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// sampler reads end offsets of the leading topic for the gates that ask: one
// request serves all that asked meanwhile. The offsets are last stable ones,
// since what is not committed yet cannot be read.
type sampler struct {
	session *session
	wakeup  chan struct{}
	warned  time.Time // owned by run

	mu    sync.Mutex
	asked []*loop
}

// ask has the gate of l told the ends.
func (s *sampler) ask(l *loop) {
	s.mu.Lock()
	s.asked = append(s.asked, l)
	s.mu.Unlock()
	select {
	case s.wakeup <- struct{}{}:
	default:
	}
}

func (s *sampler) run(ctx context.Context) error {
	admin := kadm.NewClient(s.session.group)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wakeup:
		}
		s.mu.Lock()
		asked := s.asked
		s.asked = nil
		s.mu.Unlock()
		at := s.session.cfg.Now()
		ends := s.read(ctx, admin)
		for _, l := range asked {
			l.post(func() { l.gate.sampled(at, ends) })
		}
	}
}

// read answers the ends that can be had while they count: the gates of others ask
// again. Those of a partition without a leader, or with a silent one, must not be
// missed by all.
func (s *sampler) read(ctx context.Context, admin *kadm.Client) map[int32]int64 {
	ctx, cancel := context.WithTimeout(ctx, sampleLife*3/4)
	defer cancel()
	listed, err := admin.ListCommittedOffsets(ctx, s.session.cfg.Leader)
	if err != nil {
		s.warn(err)
	}
	if unusable(err) != nil {
		return nil
	}
	ends := make(map[int32]int64)
	listed.Each(func(o kadm.ListedOffset) {
		if o.Err == nil {
			ends[o.Partition] = o.Offset
		}
	})
	return ends
}

// warn tells of what goes on failing now and then.
func (s *sampler) warn(err error) {
	if now := s.session.cfg.Now(); now.Sub(s.warned) >= tellEvery {
		s.warned = now
		s.session.log.Warn("read the leading topic's end", "topic", s.session.cfg.Leader, "error", err)
	}
}
