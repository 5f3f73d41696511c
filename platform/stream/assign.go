package stream

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// assigned comes before the offsets of added partitions are fetched. A single
// owner fences its predecessor here: what that one commits afterwards is
// refused, what it committed before is in the offsets that come next.
func (s *session) assigned(ctx context.Context, client *kgo.Client, added map[string][]int32) {
	select {
	case s.joined <- struct{}{}:
	default:
	}
	if s.forgotten(client) {
		s.fail(errForgotten)
		return
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
	byTask := make(map[int32]map[topicPartition]kgo.EpochOffset)
	adjusted := make(map[string]map[int32]kgo.Offset)
	for topic, numbers := range offsets {
		adjusted[topic] = make(map[int32]kgo.Offset)
		for number := range numbers {
			tp := topicPartition{topic, number}
			at := starts[tp]
			adjusted[topic][number] = kgo.NewOffset().At(at.Offset).WithEpoch(at.Epoch)
			task := s.taskOf(number)
			if byTask[task] == nil {
				byTask[task] = make(map[topicPartition]kgo.EpochOffset)
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
	if !await(ctx, s.poller.barrier()) {
		return nil, ctx.Err()
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

// input finds the partition of a task that is held.
func (s *session) input(tp topicPartition) *partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inputs[tp]
}
