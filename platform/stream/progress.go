package stream

import "time"

// tellEvery is how often a restore that goes on is told of.
const tellEvery = 5 * time.Second

// tell shows how far a long restore is, for as long as it takes: one that stands
// still is told of too.
func (t *stateTail) tell() {
	l := t.loop
	if l.opened.Load() {
		return
	}
	l.session.log.Info("restoring state", "partition", l.number, "records", t.count, "percent", t.percent(), "since", l.now().Sub(t.began))
	l.after(tellEvery, t.tell)
}

// percent is how much of the offsets up to the own markers was read.
func (t *stateTail) percent() int64 {
	var read, all int64
	for _, p := range t.parts {
		read += min(p.next, max(p.goal, 0))
		all += max(p.goal, 0)
	}
	if all == 0 {
		return 0
	}
	return 100 * read / all
}
