package stream

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// revoked hands tasks over in good order. The client's heartbeats go on
// meanwhile, and so does the work of partitions that stay.
func (s *session) revoked(_ context.Context, client *kgo.Client, gone map[string][]int32) {
	tasks := s.tasksOf(gone)
	if len(tasks) == 0 {
		return
	}
	if s.forgotten(client) {
		s.fail(errForgotten) // with which no hand-over waits
	}
	s.log.Info("handing over", "tasks", len(tasks))
	ctx, cancel := context.WithTimeout(s.life, s.cfg.DrainTimeout+s.cfg.TxnTimeout/2)
	defer cancel()
	s.handOver(ctx, tasks)
	s.partitionsGone()
}

// lost drops tasks that somebody else may own by now: nothing of them may be
// committed any more, and no transaction with their results is left open.
func (s *session) lost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	s.lease.drop()
	tasks := s.tasksOf(gone)
	if len(tasks) == 0 {
		return
	}
	s.log.Warn("tasks lost", "tasks", len(tasks))
	for _, l := range tasks {
		s.discard(l)
	}
	ctx, cancel := context.WithTimeout(s.life, s.cfg.TxnTimeout)
	defer cancel()
	for _, l := range tasks {
		await(ctx, s.transactor.settled(l))
	}
	s.partitionsGone()
}

// partitionsGone ends the session of a single owner: its producer is fenced as
// soon as there is a successor, so that what comes next begins with a new one.
func (s *session) partitionsGone() {
	if s.cfg.Layout == SingleOwner {
		s.fail(errOwnerChanged)
	}
}

// tasksOf finds the tasks of partitions that go. All inputs of a task go
// together.
func (s *session) tasksOf(gone map[string][]int32) []*loop {
	s.mu.Lock()
	defer s.mu.Unlock()
	var tasks []*loop
	seen := make(map[*loop]bool)
	for topic, numbers := range gone {
		for _, number := range numbers {
			p := s.inputs[topicPartition{topic, number}]
			if p != nil && !seen[p.loop] {
				seen[p.loop] = true
				tasks = append(tasks, p.loop)
			}
		}
	}
	return tasks
}

// handOver drains tasks, has what they retired committed, and closes them:
// stop taking, drain within the drain time-out, let the open transaction end,
// run one last, close. What is not committed by then the successor does again.
func (s *session) handOver(ctx context.Context, tasks []*loop) {
	var all sync.WaitGroup
	for _, l := range tasks {
		all.Go(func() {
			drain, cancel := context.WithTimeout(ctx, s.cfg.DrainTimeout)
			defer cancel()
			drained := make(chan struct{})
			l.post(func() { l.drain(func() { close(drained) }) })
			if !await(drain, drained) {
				s.log.Warn("drain is not over, the rest is left to the successor", "partition", l.number)
			}
			if !await(ctx, s.transactor.settled(l)) {
				s.log.Warn("last transaction is not over", "partition", l.number)
			}
			s.discard(l)
		})
	}
	all.Wait()
}

// discard ends a task at once and waits until its loop has. It may be called
// for a task that has ended.
func (s *session) discard(l *loop) {
	s.mu.Lock()
	if s.held[l.number] == l {
		delete(s.held, l.number)
		for _, p := range l.parts {
			delete(s.inputs, topicPartition{p.topic, p.number})
		}
	}
	s.mu.Unlock()
	l.outbox.kill()
	s.transactor.remove(l)
	l.post(l.close)
	<-l.ended
	for _, p := range l.parts { // a later tenure must not find them paused
		s.group.ResumeFetchPartitions(map[string][]int32{p.topic: {p.number}})
	}
}

// await reports whether done came before ctx's end.
func await(ctx context.Context, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
