package stream

import (
	"fmt"
	"sync"
)

// append writes a record outside of transactions.
func (l *loop) append(rec *Record, readBack func(error)) {
	if !l.session.ownsState(l.number, topicPartition{rec.Topic, rec.Partition}) {
		if readBack != nil {
			l.post(func() {
				readBack(fmt.Errorf("append to %s/%d: not a state partition of task %d", rec.Topic, rec.Partition, l.number))
			})
		}
		return
	}
	l.session.journal.write(rec, func(rec *Record, err error) {
		if l.acks.add(ack{rec, err, readBack}) {
			l.post(l.takeAcks)
		}
	})
}

// takeAcks takes in what was acknowledged since it was posted.
func (l *loop) takeAcks() {
	list := l.acks.take(l.taken)
	for _, a := range list {
		l.state.written(a.rec, a.err, a.back)
	}
	clear(list)
	l.taken = list
}

// ack is what became of an append.
type ack struct {
	rec  *Record
	err  error
	back func(error)
}

// acks are on their way to the loop: those of one batch come at once, and are
// one message. They are bounded by what the client buffers. Safe for concurrent
// use.
type acks struct {
	mu   sync.Mutex
	list []ack
}

// add reports whether the loop has to be told.
func (a *acks) add(one ack) (first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, one)
	return len(a.list) == 1
}

// take hands over what has come; spare is reused for what comes.
func (a *acks) take(spare []ack) []ack {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.list
	a.list = spare[:0]
	return list
}

// written takes in an acknowledged record. All replicas have it: where everything
// before it has been passed to the task, it is what comes next, and nobody has to
// fetch it. Otherwise the tail is waited for, which brings what stands between; it
// may be past the record already.
func (t *stateTail) written(rec *Record, err error, back func(error)) {
	p := t.of(topicPartition{rec.Topic, rec.Partition})
	switch {
	case err != nil:
		if back != nil {
			back(err)
		}
	case rec.Offset == p.next && t.loop.opened.Load():
		t.ease(p)
		t.pass(p, rec)
		p.next = rec.Offset + 1
		if back != nil {
			back(nil)
		}
	default:
		if p.resting && rec.Offset > p.next {
			t.wake(p)
		}
		if back != nil {
			p.await(rec.Offset, back)
		}
	}
}
