package stream

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// measureLag looks at how far the logs of the inputs go. A fetch says so too, but
// of a partition that is paused, or has no leader for a while, nothing is fetched:
// its lag would stand still while its backlog grows.
func (s *session) measureLag(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	ends, err := kadm.NewClient(s.producer).ListEndOffsets(ctx, s.cfg.Inputs...)
	if err != nil {
		s.log.Warn("read how far the inputs go", "error", err)
	}
	if unusable(err) != nil {
		return
	}
	ends.Each(func(end kadm.ListedOffset) {
		if p := s.input(topicPartition{end.Topic, end.Partition}); p != nil && end.Err == nil {
			p.highWater.Store(max(end.Offset, p.highWater.Load()))
		}
	})
}
