package stream

import (
	"cmp"
	"slices"
)

// tailed is a partition of the topics that a task restores itself from. Owned by
// the task's loop.
type tailed struct {
	topicPartition
	state    bool // of a state topic; else it is followed
	unmarked bool
	goal     int64  // offset of the own marker; -1: it is not acknowledged yet
	end      int64  // of a followed one, at the start; 0: it was reached
	next     int64  // read up to, exclusive
	epoch    int32  // of the leader that took what was fetched last
	acked    []read // appended and not read back, by offset
	eased    bool   // the listener reads it
}

type read struct {
	offset int64
	back   func(error)
}

// unread is what of a batch has not been passed to the task: it may have known some
// when they were acknowledged, and two readers overlap when one takes over.
func (p *tailed) unread(records []*Record) []*Record {
	first, _ := slices.BinarySearchFunc(records, p.next, func(rec *Record, next int64) int { return cmp.Compare(rec.Offset, next) })
	return records[first:]
}

// readBack tells of what has been passed.
func (p *tailed) readBack() {
	for len(p.acked) > 0 && p.acked[0].offset < p.next {
		back := p.acked[0].back
		p.acked[0] = read{}
		p.acked = p.acked[1:]
		back(nil)
	}
}
