package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// readCounts reads how many partitions each topic has, and checks that tasks
// can be made of them and that they are the topics that were read before.
func (s *session) readCounts(ctx context.Context, client *kgo.Client) (map[string]int32, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	names := slices.Concat(s.cfg.Inputs, s.cfg.State, s.cfg.Follow)
	details, err := kadm.NewClient(client).ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("read topics: %w", err)
	}
	counts := make(map[string]int32, len(names))
	for _, name := range names {
		if err := details[name].Err; err != nil {
			return nil, fmt.Errorf("read topic %s: %w", name, err)
		}
		if err := s.history.sameTopic(name, details[name].ID); err != nil {
			return nil, err
		}
		counts[name] = int32(len(details[name].Partitions))
	}
	if s.cfg.Layout == Copartition {
		for _, name := range names {
			if counts[name] != counts[names[0]] {
				return nil, &OperatorError{
					Advice: "co-partitioned topics need equal partition counts",
					Err:    fmt.Errorf("topic %s has %d partitions, %s has %d", name, counts[name], names[0], counts[names[0]]),
				}
			}
		}
	}
	return counts, nil
}

// watch stops the runtime when a partition count changes: keys would move
// between tasks, away from their state. It measures the lag besides.
func (s *session) watch(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		counts, err := s.readCounts(ctx, s.producer)
		if err != nil {
			if forOperator(err) != nil {
				return err
			}
			s.log.Warn("watch partition counts", "error", err)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			if counts[name] != s.counts[name] {
				return &OperatorError{
					Advice: "a partition count is for life",
					Err:    fmt.Errorf("topic %s has %d partitions, it had %d", name, counts[name], s.counts[name]),
				}
			}
		}
		s.measureLag(ctx)
	}
}

// statePartitions are those of the state topics that belong to a task.
func (s *session) statePartitions(number int32) []topicPartition {
	var all []topicPartition
	for _, topic := range s.cfg.State {
		if s.cfg.Layout == Copartition {
			all = append(all, topicPartition{topic, number})
			continue
		}
		for n := range s.counts[topic] {
			all = append(all, topicPartition{topic, n})
		}
	}
	return all
}

// ownsState reports whether a task may append to a partition.
func (s *session) ownsState(task int32, tp topicPartition) bool {
	if !slices.Contains(s.cfg.State, tp.topic) {
		return false
	}
	if s.cfg.Layout == Copartition {
		return tp.number == task
	}
	return tp.number >= 0 && tp.number < s.counts[tp.topic]
}

// follow reads the ends of the followed topics for l and starts to read them.
func (s *session) follow(l *loop) {
	s.spawn(func(ctx context.Context) error {
		admin := kadm.NewClient(s.producer)
		for {
			ends, all, err := s.listFollowed(ctx, admin)
			if err == nil {
				l.post(func() {
					s.readerOf(l).add(l, fromStart(all))
					l.state.following(ends)
				})
				return nil
			}
			s.log.Warn("read the ends of followed topics, will try again", "error", err)
			if sleep(l.ctx, time.Second) != nil {
				return nil
			}
		}
	})
}

func (s *session) listFollowed(ctx context.Context, admin *kadm.Client) (ends map[topicPartition]int64, all []topicPartition, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	starts, err := admin.ListStartOffsets(ctx, s.cfg.Follow...)
	if err != nil {
		return nil, nil, err
	}
	stable, err := admin.ListCommittedOffsets(ctx, s.cfg.Follow...)
	if err != nil {
		return nil, nil, err
	}
	// Without its start, a log that was emptied would be read for ever.
	if err := errors.Join(starts.Error(), stable.Error()); err != nil {
		return nil, nil, err
	}
	ends = make(map[topicPartition]int64)
	stable.Each(func(end kadm.ListedOffset) {
		tp := topicPartition{end.Topic, end.Partition}
		all = append(all, tp)
		if start, ok := starts.Lookup(end.Topic, end.Partition); ok && start.Offset < end.Offset {
			ends[tp] = end.Offset
		}
	})
	return ends, all, nil
}
