package stream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// begin makes a task and starts its loop.
func (s *session) begin(number int32, from map[topicPartition]kgo.EpochOffset) {
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

func (s *session) newLoop(number int32, from map[topicPartition]kgo.EpochOffset) *loop {
	member, generation := s.group.GroupMetadata()
	self := &Loop{loop{
		session: s, number: number, member: member,
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
	l.state = stateTail{loop: l, slots: make(chan struct{}, restoreSlots), parts: make(map[topicPartition]*tailed)}
	for tp, at := range from {
		l.addPartition(tp, at)
	}
	for _, tp := range s.statePartitions(number) {
		l.held[tp.topic] = append(l.held[tp.topic], tp.number)
	}
	slices.SortFunc(l.parts, func(a, b *partition) int {
		if a.leads != b.leads {
			return map[bool]int{true: -1, false: 1}[a.leads]
		}
		return slices.Index(s.cfg.Inputs, a.topic) - slices.Index(s.cfg.Inputs, b.topic)
	})
	return l
}

func (l *loop) addPartition(tp topicPartition, at kgo.EpochOffset) {
	cfg := &l.session.cfg
	p := &partition{
		loop: l, topic: tp.topic, number: tp.number, position: at.Offset, frontier: at.Offset,
		leads:    tp.topic == cfg.Leader,
		overlaps: slices.Contains(cfg.Overlap, tp.topic),
		follows:  cfg.Leader != "" && tp.topic != cfg.Leader,
		queues:   l.queues(tp.topic),
		flow:     flow{maxRecords: cfg.WindowRecords, maxBytes: cfg.WindowBytes},
	}
	p.committed.Store(at.Offset)
	p.committedEpoch = at.Epoch
	p.highWater.Store(at.Offset)
	l.parts = append(l.parts, p)
	l.held[tp.topic] = append(l.held[tp.topic], tp.number)
	slices.Sort(l.held[tp.topic])
	if p.leads {
		l.gate.leaders = append(l.gate.leaders, p)
	}
}
