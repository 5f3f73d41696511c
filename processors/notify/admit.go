package notify

import (
	"bytes"
	"container/heap"
	"slices"
	"time"

	"doustream/platform/stream"
	"doustream/schemas"
)

// arrival is an order that was handed over and is not taken in yet.
type arrival struct {
	rec      *stream.Record
	prepared *prepared
	done     func(out []*stream.Record, retired func())
}

// handle ends what is not an order, holds back what there is no room for, and
// takes the rest into the state when its offset retires: state record and
// offset leave in one transaction, in offset order (I1).
func (t *Task) handle(a arrival) {
	if a.prepared.rejection != nil {
		a.done(t.reject(a), nil)
		return
	}
	order := a.prepared.order
	if n := t.live[idOf(order.AppID, order.NotificationID)]; n != nil && len(n.owed) >= maxOwed {
		n.waiting = append(n.waiting, a)
		return
	}
	u := t.user(order.AppID, order.OpenID)
	if u.size >= t.cfg.UserQueue {
		u.stalled = append(u.stalled, a)
		return
	}
	u.size++
	a.done(nil, func() { t.admit(a, u) })
}

func (t *Task) user(appID, openID string) *user {
	return t.apps[appID].user(openID, t.openedAt.Add(t.cfg.UserInterval))
}

// reject answers an order that cannot be sent: with a result if it says whose,
// else with a dead letter.
func (t *Task) reject(a arrival) []*stream.Record {
	order, r := a.prepared.order, a.prepared.rejection
	now := t.loop.Now()
	if order.NotificationID == "" {
		t.metrics.deadLetters.Inc()
		return []*stream.Record{t.deps.Output.DeadLetter(a.rec, schemas.DeadLetter{
			Reason: r.Reason, Stage: "decode", Role: "notify", Source: sourceOf(a.rec),
			SourceTimestamp: a.rec.Timestamp.UnixMilli(), FailedAt: now.UnixMilli(),
		})}
	}
	o := outcome{status: schemas.StatusInvalid, reason: string(r.Reason), finishedAt: now}
	t.metrics.results[schemas.StatusInvalid].Inc()
	return t.results(nil, order, o, sourceOf(a.rec))
}

// admit takes an order into the state. It is called when the order's offset
// retires.
func (t *Task) admit(a arrival, u *user) {
	now, order := t.loop.Now(), a.prepared.order
	i, source := idOf(order.AppID, order.NotificationID), sourceOf(a.rec)
	if n := t.live[i]; n != nil {
		t.repeat(n, u, source)
		return
	}
	if o, ok := t.dedup.lookup(i, now); ok {
		t.leave(u, now)
		t.metrics.repeats.Inc()
		t.emit(t.results(nil, order, o, source), nil)
		return
	}
	n := &notification{ // the record's own bytes hold its whole fetch in memory
		id: i, user: u, raw: bytes.Clone(a.rec.Value), templateID: order.TemplateID, source: source,
		stage: schemas.StageQueued, queuedAt: now, expiresAt: t.expiry(a.rec, order, now), expiryIndex: -1,
	}
	t.dedup.remove(i)
	t.enqueue(n)
	t.write(n, order, nil)
	t.place(u, now)
}

// repeat adds a repeated order to the first one's record, which owes two
// results from now on.
func (t *Task) repeat(n *notification, u *user, source schemas.Source) {
	t.metrics.repeats.Inc()
	t.leave(u, t.loop.Now())
	if n.source == source || slices.Contains(n.owed, source) {
		return
	}
	n.owed = append(n.owed, source)
	order, err := schemas.DecodeOrder(n.raw)
	if err != nil {
		t.fail("read order again", err)
		return
	}
	t.write(n, order, nil)
}

// enqueue puts a notification behind those of its user.
func (t *Task) enqueue(n *notification) {
	t.live[n.id] = n
	t.bytes += n.size()
	n.user.queue = append(n.user.queue, n)
	heap.Push(&t.expiries, n)
	if n.expiryIndex == 0 {
		t.armExpiry()
	}
	if !t.held && (len(t.live) >= t.cfg.Queue || t.bytes >= t.cfg.QueueBytes) {
		t.held = true
		for _, topic := range t.cfg.Orders {
			t.loop.Hold(topic)
		}
	}
}

// leave takes an order out of its user's count, and lets in one that had no
// room.
func (t *Task) leave(u *user, now time.Time) {
	u.size--
	for len(u.stalled) > 0 && u.size < t.cfg.UserQueue && !t.draining {
		a := u.stalled[0]
		u.stalled = u.stalled[1:]
		if len(u.stalled) == 0 {
			u.stalled = nil
		}
		t.handle(a)
	}
	t.place(u, now)
}

// place gives a user its turn and wakes its app.
func (t *Task) place(u *user, now time.Time) {
	u.app.place(u, now)
	t.wake(u.app)
}

// release lets orders in again once a fifth of the room is free.
func (t *Task) release() {
	if !t.held || t.draining || len(t.live) > t.cfg.Queue/5*4 || t.bytes > t.cfg.QueueBytes/5*4 {
		return
	}
	t.held = false
	for _, topic := range t.cfg.Orders {
		t.loop.Release(topic)
	}
}

// write puts a notification's state into the transaction.
func (t *Task) write(n *notification, order schemas.Order, committed func()) {
	rec, err := t.codec.notification(n.id, n.state(order))
	if err != nil {
		t.fail("write notification state", err)
		return
	}
	t.emit([]*stream.Record{rec}, committed)
}
