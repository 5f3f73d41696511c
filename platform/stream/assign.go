package stream

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
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

// begin makes a task and starts its loop.
func (s *session) begin(number int32, from map[topicPartition]int64) {
	l := s.newLoop(number, from)
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		l.cancel()
		return
	}
	s.held[number] = l
	for _, p := range l.parts {
		s.inputs[topicPartition{p.topic, p.number}] = p
	}
	s.mu.Unlock()
	s.transactor.add(l)
	s.log.Info("task assigned", "partition", number, "owner", l.name)
	go l.run()
}

func (s *session) newLoop(number int32, from map[topicPartition]int64) *loop {
	_, generation := s.group.GroupMetadata()
	self := &Loop{loop{
		session: s, number: number,
		name:   fmt.Sprintf("%s-%d-%d-%016x", s.cfg.member(), number, generation, rand.Uint64()),
		held:   make(map[string][]int32),
		box:    newMailbox(),
		outbox: &outbox{wake: s.transactor.wake},
		ended:  make(chan struct{}),
		topics: make(map[string]*topicQueues),
		timers: make(map[*time.Timer]bool),
	}}
	l := &self.loop
	l.self = self
	l.ctx, l.cancel = context.WithCancel(s.life)
	l.gate.loop = l
	l.state = stateTail{
		loop: l, slots: make(chan struct{}, restoreSlots),
		markers: make(map[topicPartition]bool), ends: make(map[topicPartition]int64),
		next: make(map[topicPartition]int64), acked: make(map[topicPartition][]read),
	}
	for tp, at := range from {
		l.addPartition(tp, at)
	}
	slices.SortFunc(l.parts, func(a, b *partition) int {
		if a.leads != b.leads {
			return map[bool]int{true: -1, false: 1}[a.leads]
		}
		return slices.Index(s.cfg.Inputs, a.topic) - slices.Index(s.cfg.Inputs, b.topic)
	})
	return l
}

func (l *loop) addPartition(tp topicPartition, at int64) {
	cfg := &l.session.cfg
	p := &partition{
		loop: l, topic: tp.topic, number: tp.number, position: at, frontier: at,
		leads:   tp.topic == cfg.Leader,
		follows: cfg.Leader != "" && tp.topic != cfg.Leader,
		queues:  l.queues(tp.topic),
		flow:    flow{maxRecords: cfg.WindowRecords, maxBytes: cfg.WindowBytes},
	}
	p.committed.Store(at)
	p.highWater.Store(at)
	l.parts = append(l.parts, p)
	l.held[tp.topic] = append(l.held[tp.topic], tp.number)
	slices.Sort(l.held[tp.topic])
	if p.leads {
		l.gate.leaders = append(l.gate.leaders, p)
	}
}

// input finds the partition of a task that is held.
func (s *session) input(tp topicPartition) *partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inputs[tp]
}

// leave gives up the membership. A static member does not leave by closing its
// client, so it is taken out by its instance id, and a take-over is immediate.
func (s *session) leave(ctx context.Context) error {
	if err := s.group.LeaveGroupContext(ctx); err != nil {
		return err
	}
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group = s.cfg.Group
	member := kmsg.NewLeaveGroupRequestMember()
	member.InstanceID = kmsg.StringPtr(s.cfg.member())
	member.Reason = kmsg.StringPtr("orderly end")
	req.Members = append(req.Members, member)
	_, err := req.RequestWith(ctx, s.producer)
	return err
}
