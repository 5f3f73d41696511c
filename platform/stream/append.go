package stream

import (
	"fmt"
	"slices"
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
		if readBack != nil {
			l.post(func() { l.state.written(rec, err, readBack) })
		}
	})
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
