package stream

import (
	"fmt"
	"slices"
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
		if readBack != nil && l.acks.add(ack{rec, err, readBack}) {
			l.post(l.takeAcks)
		}
	})
}

// takeAcks takes in what was acknowledged since it was posted.
func (l *loop) takeAcks() {
	for _, a := range l.acks.take() {
		l.state.written(a.rec, a.err, a.back)
	}
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

func (a *acks) take() []ack {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.list
	a.list = nil
	return list
}

// written notes an acknowledged record; the tail may be past it already.
func (t *stateTail) written(rec *Record, err error, back func(error)) {
	if err != nil {
		back(err)
		return
	}
	tp := topicPartition{rec.Topic, rec.Partition}
	waiting := t.acked[tp]
	at, _ := slices.BinarySearchFunc(waiting, rec.Offset, func(r read, offset int64) int { return int(r.offset - offset) })
	t.acked[tp] = slices.Insert(waiting, at, read{rec.Offset, back})
	t.readBack(tp)
}

func (t *stateTail) readBack(tp topicPartition) {
	for waiting := t.acked[tp]; len(waiting) > 0 && waiting[0].offset < t.next[tp]; waiting = t.acked[tp] {
		t.acked[tp] = waiting[1:]
		waiting[0].back(nil)
	}
}
