package sinks

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	fetchBytes          = 16 << 20 // of one fetch, over all partitions of a broker
	fetchPartitionBytes = 4 << 20
	pollRecords         = 50_000
)

func (s *ClickHouse) clientOptions() []kgo.Opt {
	var topics []string
	for _, t := range tables {
		topics = append(topics, s.cfg.Prefix+t.topic)
	}
	return append(append(newRecycler().options(), s.cfg.Connect...),
		kgo.ConsumerGroup(s.cfg.Group),
		kgo.ConsumeTopics(topics...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		// What was polled is in its partition's queue before a rebalance goes on:
		// records of an ownership that ended must not reach the next one's.
		kgo.BlockRebalanceOnPoll(),
		kgo.SessionTimeout(s.cfg.SessionTimeout),
		kgo.HeartbeatInterval(s.cfg.SessionTimeout/5),
		kgo.RebalanceTimeout(s.cfg.RebalanceTimeout),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		kgo.ProducerBatchMaxBytes(deadLetterMaxBytes+512),
		kgo.OnPartitionsAssigned(s.assigned),
		kgo.OnOffsetsFetched(s.fetched),
		kgo.OnPartitionsRevoked(func(_ context.Context, client *kgo.Client, revoked map[string][]int32) {
			within := s.drainTimeout(client)
			s.release(s.take(revoked), within)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
			s.release(s.take(lost), 0)
		}),
	)
}

// assigned makes the partitions; they start when their offsets are known.
func (s *ClickHouse) assigned(_ context.Context, client *kgo.Client, assigned map[string][]int32) {
	member, _ := client.GroupMetadata()
	forgotten := s.forgotten(member)
	s.mu.Lock()
	defer s.mu.Unlock()
	if forgotten {
		s.forget(errForgotten)
		return
	}
	s.joined = true
	for topic, numbers := range assigned {
		table, ok := tableOf(s.cfg.Prefix, topic)
		if !ok {
			continue
		}
		for _, number := range numbers {
			s.partitions[topicPartition{topic, number}] = newPartition(s, member, place{topic, number, table.name}, table)
		}
	}
	s.lease.kick()
}

// fetched starts what was assigned from where the group stands: its offset, the
// range in its metadata, and where the log ends. A partition without a leader
// waits for that by itself; it must not hold up the others.
func (s *ClickHouse) fetched(ctx context.Context, client *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
	starts := make(map[topicPartition]takeover)
	var topics []string
	for _, group := range resp.Groups {
		for _, topic := range group.Topics {
			topics = append(topics, topic.Topic)
			for _, p := range topic.Partitions {
				starts[topicPartition{topic.Topic, p.Partition}] = newTakeover(p.Offset, p.LeaderEpoch, p.Metadata)
			}
		}
	}
	if len(topics) == 0 {
		return nil
	}
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topics...)
	if err = unusable(err); err != nil {
		return fmt.Errorf("list end offsets: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for tp, start := range starts {
		end, ok := ends.Lookup(tp.topic, tp.partition)
		if start.end = end.Offset; !ok || end.Err != nil {
			s.log.Warn("a partition has nobody to ask for its end", "topic", tp.topic, "partition", tp.partition, "error", end.Err)
			start.end = unknownEnd
		}
		if p := s.partitions[tp]; p != nil {
			p.start(start)
		}
	}
	return nil
}

// take removes partitions that this instance no longer owns.
func (s *ClickHouse) take(gone map[string][]int32) []*partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*partition
	for topic, numbers := range gone {
		for _, number := range numbers {
			tp := topicPartition{topic, number}
			if p := s.partitions[tp]; p != nil {
				out = append(out, p)
				delete(s.partitions, tp)
			}
		}
	}
	return out
}

func (s *ClickHouse) all() []*partition {
	gone := make(map[string][]int32)
	s.mu.Lock()
	for tp := range s.partitions {
		gone[tp.topic] = append(gone[tp.topic], tp.partition)
	}
	s.mu.Unlock()
	return s.take(gone)
}

// release ends partitions: an insert under way has the time given to finish and
// be committed. When it returns nothing of them acts any more (I2).
func (s *ClickHouse) release(gone []*partition, within time.Duration) {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	expired := make(chan struct{})
	var drains sync.WaitGroup
	for _, p := range gone {
		drains.Go(func() { p.stop(expired) })
	}
	drained := make(chan struct{})
	go func() { drains.Wait(); close(drained) }()
	select {
	case <-drained:
	case <-deadline.C:
		close(expired)
		<-drained
	}
}

// poll hands records to their partitions until ctx ends.
func (s *ClickHouse) poll(ctx context.Context) {
	for {
		fetches := s.client.PollRecords(ctx, pollRecords)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			s.client.AllowRebalance()
			return
		}
		fetches.EachError(s.fetchFailed)
		fetches.EachPartition(func(f kgo.FetchTopicPartition) {
			if p := s.lookup(f.Topic, f.Partition); p != nil {
				p.enqueue(fetched{records: f.Records, logStart: f.LogStartOffset, highWatermark: f.HighWatermark})
			}
		})
		s.client.AllowRebalance()
	}
}

func (s *ClickHouse) lookup(topic string, number int32) *partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.partitions[topicPartition{topic, number}]
}

// share is how many record bytes one partition may hold.
func (s *ClickHouse) share() int64 {
	s.mu.Lock()
	n := int64(max(1, len(s.partitions)))
	s.mu.Unlock()
	return max(1<<20, min(2*s.cfg.BlockBytes, s.cfg.MemoryBytes/n))
}

// heartbeat tells whether the coordinator still takes us for a member; a
// rebalance under way does not end the membership.
func (s *ClickHouse) heartbeat(ctx context.Context) bool {
	member, generation := s.client.GroupMetadata()
	if generation < 0 {
		return false
	}
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = s.cfg.Group, member, generation
	resp, err := req.RequestWith(ctx, s.client)
	accepted := err == nil && (resp.ErrorCode == 0 || resp.ErrorCode == kerr.RebalanceInProgress.Code)
	return accepted && !s.forgotten(member)
}
