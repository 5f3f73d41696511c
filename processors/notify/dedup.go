package notify

import "time"

// dedup remembers the outcome of every notification that is done, for a life,
// in about 60 bytes each and without pointers: an arena of outcomes in order of
// their end, one log per partition of the state topic, and an index by id.
// Beyond max the oldest are forgotten early. Owned by the task's loop.
type dedup struct {
	life  time.Duration
	max   int
	arena arena
	index index
	logs  []outcomeLog
}

func newDedup(life time.Duration, limit, partitions int) *dedup {
	d := &dedup{life: life, max: limit, logs: make([]outcomeLog, max(partitions, 1))}
	d.index.arena = &d.arena
	return d
}

func (d *dedup) len() int { return d.index.n }

// add remembers an outcome, in place of an earlier one of the same id.
func (d *dedup) add(i id, o outcome) {
	at := d.logs[i.partition(len(d.logs))].append(&d.arena, i, o)
	d.index.put(i, at)
}

// lookup answers the outcome of a notification within its life.
func (d *dedup) lookup(i id, now time.Time) (outcome, bool) {
	at, ok := d.index.get(i)
	if !ok {
		return outcome{}, false
	}
	o := d.arena.outcome(at)
	return o, now.Before(o.finishedAt.Add(d.life))
}

// has reports whether an outcome is remembered, of whatever age.
func (d *dedup) has(i id) bool {
	_, ok := d.index.get(i)
	return ok
}

// remove forgets one, and frees what stands before the first of its log that
// is remembered: a restore reads many lives of a log that was not compacted.
func (d *dedup) remove(i id) {
	if !d.index.remove(i) {
		return
	}
	for l := &d.logs[i.partition(len(d.logs))]; !l.empty() && !d.stands(l.head(&d.arena)); {
		l.pop(&d.arena)
	}
}

// stands reports whether an entry is the one that is remembered of its id.
func (d *dedup) stands(at position) bool {
	current, known := d.index.get(d.arena.id(at))
	return known && current == at
}

// expire forgets up to limit outcomes that are past their life or beyond max,
// and answers their ids: their state records are to be deleted.
func (d *dedup) expire(now time.Time, limit int) []id {
	var gone []id
	for len(gone) < limit {
		l := d.oldest()
		if l == nil {
			break
		}
		at := l.head(&d.arena)
		i, stands := d.arena.id(at), d.stands(at)
		if stands && d.len() <= d.max && now.Before(d.arena.finishedAt(at).Add(d.life)) {
			break
		}
		if stands {
			d.index.remove(i)
			gone = append(gone, i)
		}
		l.pop(&d.arena)
	}
	return gone
}

// oldest is the log whose first outcome is the oldest, or nil.
func (d *dedup) oldest() *outcomeLog {
	var first *outcomeLog
	var when time.Time
	for i := range d.logs {
		l := &d.logs[i]
		if l.empty() {
			continue
		}
		if at := d.arena.finishedAt(l.head(&d.arena)); first == nil || at.Before(when) {
			first, when = l, at
		}
	}
	return first
}
