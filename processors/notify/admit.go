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

func (a arrival) size() int64 { return int64(len(a.rec.Value) + overhead) }

// handle ends what is not an order, holds back what its app has no room for,
// and takes the rest into the state when its offset retires: state record and
// offset leave in one transaction, in offset order (I1).
func (t *Task) handle(a arrival) {
	if t.failed {
		return // its offset must not be committed without its state
	}
	if a.prepared.rejection != nil {
		a.done(t.reject(a), nil)
		return
	}
	order := a.prepared.order
	if app := t.apps[order.AppID]; t.full(app) {
		app.stalled = append(app.stalled, a)
		return
	}
	i := idOf(order.AppID, order.NotificationID)
	if !t.join(i, a) {
		return
	}
	u := t.user(order.AppID, order.OpenID)
	u.enter(a.size())
	a.done(nil, func() {
		t.admit(a, u)
		t.crowds[i].entering--
		t.letIn(i)
	})
}

// full reports whether an app has its share of what may be taken in.
func (t *Task) full(a *app) bool {
	size, bytes := t.share()
	return a.size >= size || a.bytes >= bytes
}

// share is what each app may take in.
func (t *Task) share() (size int, bytes int64) {
	return t.cfg.Queue / len(t.apps), t.cfg.QueueBytes / int64(len(t.apps))
}

// flooded reports whether as many of a user's orders wait as may: no more than
// half of what its app may take in, or the app's other users would wait for one.
func (t *Task) flooded(u *user) bool {
	size, bytes := t.share()
	return u.waiting >= min(t.cfg.UserQueue, max(size/2, 1)) || u.waiting > 0 && u.bytes >= bytes/2
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
		t.repeat(n, source)
		t.leave(u, a.size(), now)
		return
	}
	if o, ok := t.dedup.lookup(i, now); ok {
		t.metrics.repeats.Inc()
		t.emit(t.results(nil, order, o, source), nil)
		t.leave(u, a.size(), now)
		return
	}
	if t.flooded(u) {
		t.refuse(order, source, now)
		t.leave(u, a.size(), now)
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

// refuse ends an order of a user who has too many. It is not remembered.
func (t *Task) refuse(order schemas.Order, source schemas.Source, now time.Time) {
	o := outcome{status: schemas.StatusRefused, reason: reasonUserFlooded, finishedAt: now}
	t.metrics.results[o.status].Inc()
	t.emit(t.results(nil, order, o, source), nil)
}

// repeat adds a repeated order to the first one's record, which owes two
// results from now on.
func (t *Task) repeat(n *notification, source schemas.Source) {
	t.metrics.repeats.Inc()
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
	n.user.waiting++
	n.user.bytes += n.size()
	heap.Push(&t.expiries, n)
	if n.expiryIndex == 0 {
		t.armExpiry()
	}
}

// leave takes an order out of its user's and its app's count, and lets in what
// had no room.
func (t *Task) leave(u *user, size int64, now time.Time) {
	u.leave(size)
	t.place(u, now)
	app := u.app
	for len(app.stalled) > 0 && !t.full(app) && !t.draining {
		a := app.stalled[0]
		app.stalled[0] = arrival{}
		app.stalled = app.stalled[1:]
		t.handle(a)
	}
	if len(app.stalled) == 0 {
		app.stalled = nil
	}
}

// place gives a user its turn and wakes its app.
func (t *Task) place(u *user, now time.Time) {
	u.app.place(u, now)
	t.wake(u.app)
}

// write puts a notification's state into the transaction.
func (t *Task) write(n *notification, order schemas.Order, committed func()) {
	rec, err := t.codec.notification(n.id, n.state(order))
	if err != nil {
		t.fail("write notification state", err)
		return
	}
	t.emit(t.recall([]*stream.Record{rec}, prefixNotification, n.id), committed)
}
