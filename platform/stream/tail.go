package stream

import (
	"fmt"
	"slices"
	"time"
)

// topicPartition names one partition.
type topicPartition struct {
	topic  string
	number int32
}

// stateTail is a task's view of the topics that it restores itself from. Owned
// by the task's loop.
type stateTail struct {
	loop     *loop
	slots    chan struct{} // bounds what the reader has posted and the loop not taken
	parts    map[topicPartition]*tailed
	unmarked int     // parts whose own marker has not been read
	unended  int     // followed ones, whose end at the start was not reached
	listing  bool    // the ends are not known yet
	listed   bool    // and have been asked for: once the state is restored
	later    []batch // read past a marker before the task was open
	looking  bool    // at where the logs end
	count    int
	began    time.Time
}

// of answers a partition's part, which there is from then on.
func (t *stateTail) of(tp topicPartition) *tailed {
	p := t.parts[tp]
	if p == nil {
		p = &tailed{topicPartition: tp, goal: -1, state: slices.Contains(t.loop.session.cfg.State, tp.topic)}
		t.parts[tp] = p
	}
	return p
}

type batch struct {
	from    topicPartition
	records []*Record
}

// begin writes the markers and starts the reading. The offsets of the inputs
// were fetched before: whatever they cover stands before the markers.
func (t *stateTail) begin() {
	l := t.loop
	t.began = l.now()
	state := l.session.statePartitions(l.number)
	for _, tp := range state {
		t.of(tp).unmarked = true
		t.unmarked++
		t.mark(tp)
	}
	l.session.readerOf(l).add(l, fromStart(state))
	t.listing = len(l.session.cfg.Follow) > 0
	t.check()
	l.after(tellEvery, t.tell)
}

// mark writes the owner's marker, until it stands. One that is refused ends the
// session: the next has a producer that was not.
func (t *stateTail) mark(tp topicPartition) {
	l := t.loop
	l.session.journal.write(newMarker(tp.topic, tp.number, l.name), func(rec *Record, err error) {
		if err == nil {
			l.post(func() {
				p := t.of(tp)
				p.goal = rec.Offset
				t.missed(p)
			})
			return
		}
		if refusedForGood(err) {
			l.fail(fmt.Errorf("write marker to %s/%d: %w", tp.topic, tp.number, err))
			return
		}
		l.post(func() {
			l.session.log.Warn("write marker, will try again", "topic", tp.topic, "partition", tp.number, "error", err)
			l.after(time.Second, func() { t.mark(tp) })
		})
	})
}

// following takes in the ends of the followed partitions.
func (t *stateTail) following(ends map[topicPartition]int64) {
	t.listing = false
	for tp, end := range ends {
		if p := t.of(tp); p.next < end {
			p.end = end
			t.unended++
		}
	}
	t.check()
}

// restore passes records to the task: up to the marker at once, past it when
// the task is open.
func (t *stateTail) restore(b batch) {
	l, p := t.loop, t.of(b.from)
	p.fetched(b.records)
	b.records = p.unread(b.records)
	done := 0
	for later := t.waits(p); done < len(b.records) && !later; done++ {
		rec := b.records[done]
		p.next = rec.Offset + 1
		if !rec.Attrs.IsControl() && t.pass(p, rec) {
			later = t.waits(p)
		}
	}
	if done < len(b.records) {
		t.later = append(t.later, batch{b.from, b.records[done:]})
	}
	l.session.metrics.restored.Add(float64(done))
	t.missed(p)
	p.readBack()
	if p.end > 0 && p.next >= p.end {
		p.end = 0
		t.unended--
	}
	t.check()
}

// pass passes one record to the task, and reports whether it is its own marker.
func (t *stateTail) pass(p *tailed, rec *Record) (own bool) {
	if owner, ok := marker(rec); ok && owner == t.loop.name {
		own = true
		if p.unmarked {
			p.unmarked = false
			t.unmarked--
		}
	}
	t.loop.task.Restore(rec)
	t.count++
	return own
}

// waits reports whether a state partition is restored while others are not.
func (t *stateTail) waits(p *tailed) bool { return p.state && !p.unmarked && !t.loop.opened.Load() }

// check opens the task when everything has been read, unless it is closing: what
// waits for the opening would be looked at and put back without end.
func (t *stateTail) check() {
	l := t.loop
	if l.closing || l.opened.Load() {
		return
	}
	if t.listing && !t.listed && t.unmarked == 0 {
		t.listed = true
		l.session.follow(l)
	}
	if t.unmarked > 0 || t.unended > 0 || t.listing {
		return
	}
	if t.count > 0 {
		l.session.log.Info("state restored", "partition", l.number, "records", t.count, "took", l.now().Sub(t.began))
	}
	l.open()
	later := t.later
	t.later = nil
	for _, b := range later {
		t.restore(b)
	}
}

func (t *stateTail) end() {
	l := t.loop
	l.session.readerOf(l).remove(l)
	l.session.listener.remove(l)
}
