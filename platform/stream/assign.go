package stream

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// assigned comes before the offsets of added partitions are fetched. A single
// owner fences its predecessor here: what that one commits afterwards is
// refused, what it committed before is in the offsets that come next.
func (s *session) assigned(ctx context.Context, _ *kgo.Client, added map[string][]int32) {
	select {
	case s.joined <- struct{}{}:
	default:
	}
	if s.cfg.Layout != SingleOwner || len(added) == 0 {
		return
	}
	if err := s.initProducer(ctx); err != nil {
		s.fail(err)
	}
}

// fetchedOffsets gets the committed offsets of added partitions, after stable
// reading: transactions of a predecessor that were open have ended. The tasks
// begin here, with their markers still to be written.
func (s *session) fetchedOffsets(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	// A client joins its group while it is still being made, so that partitions
	// may be given before the session has it.
	select {
	case <-s.standing:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	starts, err := s.startOffsets(ctx, offsets)
	if err != nil {
		return nil, err
	}
	byTask := make(map[int32]map[topicPartition]int64)
	adjusted := make(map[string]map[int32]kgo.Offset)
	for topic, numbers := range offsets {
		adjusted[topic] = make(map[int32]kgo.Offset)
		for number, offset := range numbers {
			tp := topicPartition{topic, number}
			at := offset.EpochOffset().Offset
			if at < starts[tp] {
				if at >= 0 {
					s.log.Error("inputs were deleted before they were read", "topic", topic, "partition", number, "from", at, "to", starts[tp])
				}
				at = starts[tp]
			}
			adjusted[topic][number] = kgo.NewOffset().At(at)
			task := s.taskOf(number)
			if byTask[task] == nil {
				byTask[task] = make(map[topicPartition]int64)
			}
			byTask[task][tp] = at
		}
	}
	for task, from := range byTask {
		if len(from) != s.inputsOfTask() {
			return nil, fmt.Errorf("begin task %d: %d of %d input partitions were assigned", task, len(from), s.inputsOfTask())
		}
		if s.holds(task) {
			return nil, fmt.Errorf("begin task %d: it is held already", task)
		}
	}
	for task, from := range byTask {
		s.begin(task, from)
	}
	return adjusted, nil
}

func (s *session) holds(task int32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[task] != nil
}

// inputsOfTask is how many input partitions a task must have.
func (s *session) inputsOfTask() int {
	if s.cfg.Layout == Copartition {
		return len(s.cfg.Inputs)
	}
	total := 0
	for _, topic := range s.cfg.Inputs {
		total += int(s.counts[topic])
	}
	return total
}

func (s *session) taskOf(number int32) int32 {
	if s.cfg.Layout == SingleOwner {
		return 0
	}
	return number
}

// startOffsets lists where the logs begin, for partitions without a commit and
// to notice what was deleted unread.
func (s *session) startOffsets(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[topicPartition]int64, error) {
	if len(offsets) == 0 {
		return nil, nil
	}
	listed, err := kadm.NewClient(s.producer).ListStartOffsets(ctx, slices.Sorted(maps.Keys(offsets))...)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list start offsets: %w", err)
	}
	starts := make(map[topicPartition]int64)
	listed.Each(func(o kadm.ListedOffset) { starts[topicPartition{o.Topic, o.Partition}] = o.Offset })
	return starts, nil
}

// input finds the partition of a task that is held.
func (s *session) input(tp topicPartition) *partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inputs[tp]
}
