package stream

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ends are the offsets at which logs end, with the epoch of who said so.
type ends map[topicPartition]kgo.EpochOffset

// sampler asks where logs end, for the tasks that want to know: one request serves
// all that asked meanwhile.
type sampler struct {
	session *session
	what    string        // for the log
	pace    time.Duration // before a request, so that more may ask
	list    func(context.Context, *kadm.Client) (kadm.ListedOffsets, error)
	tell    func(*loop, time.Time, ends) // on its loop; since when that is so
	wakeup  chan struct{}
	warned  time.Time // owned by run

	mu    sync.Mutex
	asked []*loop
}

// newLeaderSampler is for the gates. The offsets are last stable ones, since what
// is not committed yet cannot be read.
func newLeaderSampler(s *session) *sampler {
	return &sampler{
		session: s, what: "the leading topic", wakeup: make(chan struct{}, 1),
		list: func(ctx context.Context, admin *kadm.Client) (kadm.ListedOffsets, error) {
			return admin.ListCommittedOffsets(ctx, s.cfg.Leader)
		},
		tell: func(l *loop, at time.Time, all ends) { l.gate.sampled(at, all) },
	}
}

// newStateSampler is for the tails that rest.
func newStateSampler(s *session) *sampler {
	return &sampler{
		session: s, what: "state", pace: lookEvery, wakeup: make(chan struct{}, 1),
		list: func(ctx context.Context, admin *kadm.Client) (kadm.ListedOffsets, error) {
			return admin.ListEndOffsets(ctx, s.cfg.State...)
		},
		tell: func(l *loop, _ time.Time, all ends) { l.state.looked(all) },
	}
}

// ask has l told the ends.
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
		if sleep(ctx, s.pace) != nil {
			return nil
		}
		s.mu.Lock()
		asked := s.asked
		s.asked = nil
		s.mu.Unlock()
		at := s.session.cfg.Now()
		all := s.read(ctx, admin)
		for _, l := range asked {
			l.post(func() { s.tell(l, at, all) })
		}
	}
}

// read answers the ends that can be had while they count: who misses his asks
// again. Those of a partition without a leader, or with a silent one, must not be
// missed by all.
func (s *sampler) read(ctx context.Context, admin *kadm.Client) ends {
	ctx, cancel := context.WithTimeout(ctx, sampleLife*3/4)
	defer cancel()
	listed, err := s.list(ctx, admin)
	if err != nil {
		s.warn(err)
	}
	if unusable(err) != nil {
		return nil
	}
	all := make(ends)
	listed.Each(func(o kadm.ListedOffset) {
		if o.Err == nil {
			all[topicPartition{o.Topic, o.Partition}] = kgo.EpochOffset{Epoch: o.LeaderEpoch, Offset: o.Offset}
		}
	})
	return all
}

// warn tells of what goes on failing now and then.
func (s *sampler) warn(err error) {
	if now := s.session.cfg.Now(); now.Sub(s.warned) >= tellEvery {
		s.warned = now
		s.session.log.Warn("read where logs end", "of", s.what, "error", err)
	}
}
