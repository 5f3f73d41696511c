package stream

import (
	"context"
	"sync/atomic"
	"time"
)

// loop is one task's tenure: from its assignment until it is handed over or
// lost. Fields without another word are owned by the loop's goroutine.
type loop struct {
	session *session // immutable, like the fields down to box
	number  int32
	name    string // of the owner
	member  string // id of the member that the task was given to
	self    *Loop
	ctx     context.Context
	cancel  context.CancelFunc
	parts   []*partition // the leader's first
	held    map[string][]int32
	box     *mailbox
	outbox  *outbox
	acks    acks
	ended   chan struct{} // closed when the goroutine has returned

	task     Task
	prepares Preparing
	topics   map[string]*topicQueues
	state    stateTail
	gate     gate
	timers   map[*time.Timer]bool // running

	round    time.Time   // when the last one began
	opened   atomic.Bool // written by the loop
	closing  bool        // the rest of what was posted is run, and then
	closed   bool        // nothing is
	draining bool
	drained  []func()
	taken    []ack // and done with: room for the next
	underWay int   // inputs handed over and not done

	drainAsked    bool // the task has a Drain of its own,
	drainAnswered bool // and has called back

	runnable []*Input     // next of their keys, to be handed over
	dirty    []*partition // whose window may retire
	works    []Job
	out      []outEntry // since the last flush
}

// topicQueues is what the inputs of one topic wait for.
type topicQueues struct {
	holds int
	busy  map[uint64]*Input // last input of each key that is under way, by the key's hash
}

func (l *loop) partition() int32 { return l.number }

func (l *loop) partitions(topic string) []int32 { return l.held[topic] }

func (l *loop) owner() string { return l.name }

func (l *loop) now() time.Time { return l.session.cfg.Now() }

func (l *loop) context() context.Context { return l.ctx }

func (l *loop) post(f func()) bool { return l.box.post(f) }

func (l *loop) fail(err error) { l.session.fail(err) }

func (l *loop) lease() time.Time {
	if l.ctx.Err() != nil {
		return time.Time{}
	}
	return l.session.lease.until()
}

func (l *loop) after(d time.Duration, f func()) (stop func()) {
	var timer *time.Timer
	timer = time.AfterFunc(d, func() {
		l.post(func() {
			if l.timers[timer] {
				delete(l.timers, timer)
				f()
			}
		})
	})
	l.timers[timer] = true
	return func() {
		delete(l.timers, timer)
		timer.Stop()
	}
}

func (l *loop) emit(out []*Record, committed func()) {
	l.out = append(l.out, outEntry{records: out, committed: committed})
}

func (l *loop) hold(topic string) { l.queues(topic).holds++ }

func (l *loop) release(topic string) {
	if q := l.queues(topic); q.holds > 0 {
		q.holds--
	}
}

func (l *loop) queues(topic string) *topicQueues {
	q := l.topics[topic]
	if q == nil {
		q = &topicQueues{busy: make(map[uint64]*Input)}
		l.topics[topic] = q
	}
	return q
}

// run is the loop's goroutine. What was posted is run in one go; then what
// that made possible is done, once for the whole lot.
func (l *loop) run() {
	defer close(l.ended)
	l.round = l.now()
	l.task = l.session.newTask(l.self)
	l.prepares, _ = l.task.(Preparing)
	l.state.begin()
	l.settle()
	var spare []func()
	for !l.closing {
		<-l.box.wake
		items := l.box.take(spare)
		l.round = l.now()
		for i, f := range items {
			f()
			items[i] = nil
		}
		spare = items
		l.settle()
	}
	l.finish()
}

// settle hands over, retires and passes on what the last functions allowed.
func (l *loop) settle() {
	if l.closing {
		return
	}
	l.pump()
	l.submitWork()
	if len(l.out) > 0 {
		l.outbox.put(l.out)
		clear(l.out)
		l.out = l.out[:0]
	}
	l.checkDrained()
}
