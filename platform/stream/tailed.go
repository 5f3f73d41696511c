package stream

import (
	"cmp"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
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
	acked    []read // appended and not read back, by offset

	eased   bool            // the listener reads it, unless it is
	resting bool            // not read at all
	awoken  time.Time       // when it was not any more
	place   kgo.EpochOffset // behind what was fetched or is known of what was seen: reading goes on there
	seen    kgo.EpochOffset // the end when it was last looked at
	asked   int64           // next, before that is known
	short   int             // looks in a row that found less than that
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

// fetched takes note of how far the log was read, and of the leader's epoch there.
func (p *tailed) fetched(records []*Record) {
	if last := records[len(records)-1]; last.Offset >= p.place.Offset {
		p.place = kgo.EpochOffset{Epoch: last.LeaderEpoch, Offset: last.Offset + 1}
	}
}

// isShort reports whether a log lacks what was acknowledged. A broker that has lost
// the leadership and does not know it yet may say so too: not as often as that.
func (p *tailed) isShort(end kgo.EpochOffset) bool {
	if end.Offset >= p.asked {
		p.short = 0
		return false
	}
	p.short++
	return p.short >= endTries
}

// await has back told when what stands before offset has been passed, and it.
func (p *tailed) await(offset int64, back func(error)) {
	at, _ := slices.BinarySearchFunc(p.acked, offset, func(r read, offset int64) int { return cmp.Compare(r.offset, offset) })
	p.acked = slices.Insert(p.acked, at, read{offset, back})
	p.readBack()
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
