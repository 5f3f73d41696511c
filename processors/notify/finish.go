package notify

import (
	"container/heap"

	"doustream/platform/stream"
	"doustream/schemas"
)

// finish gives a notification its result, and one to each repeat of it. The
// results, the state and what the ledger changes leave in one transaction.
func (t *Task) finish(n *notification, o outcome) {
	now := t.loop.Now()
	o.finishedAt, o.attempts = now, n.attempts
	if o.errNo == nil && o.logID == "" { // what the platform said last, if it said anything
		o.errNo, o.logID = n.last.errNo, n.last.logID
	}
	order, err := schemas.DecodeOrder(n.raw)
	if err != nil {
		t.fail("read order again", err)
		return
	}
	if n.maybe && (o.reason == reasonExpired || o.reason == reasonNoConsent) { // our word alone, that it was not sent
		o.status, o.reason = schemas.StatusUnknown, reasonOutcomeUnknown
	}
	out := t.results(nil, order, o, append([]schemas.Source{n.source}, n.owed...)...)
	out = t.account(out, order, o)
	t.done(out, n.id, o)
	size := n.size()
	t.forget(n)
	t.metrics.finished(o, now.Sub(n.queuedAt))
	t.leave(n.user, size, now)
	t.letIn(n.id)
}

// done writes the state of a notification that has its result, with what a
// repeat of it is to be told; the rest a repeat says itself.
func (t *Task) done(out []*stream.Record, i id, o outcome) {
	rec, err := t.codec.notification(i, &schemas.NotificationState{
		Stage: schemas.StageResult, Result: result(schemas.Order{}, o, schemas.Source{}),
	})
	if err != nil {
		t.fail("write notification state", err)
		return
	}
	t.emit(t.recall(append(out, rec), prefixNotification, i), nil)
	t.dedup.add(i, o)
}

// account changes the ledger by an outcome of the platform's.
func (t *Task) account(out []*stream.Record, order schemas.Order, o outcome) []*stream.Record {
	key := creditID(order.AppID, order.OpenID, order.TemplateID)
	var state schemas.CreditState
	var changed bool
	switch {
	case o.status == schemas.StatusSent:
		state, changed = t.ledger.spend(key)
	case o.status == schemas.StatusNoCredit && o.reason == reasonNotSubscribed:
		state, changed = t.ledger.refuse(key, o.finishedAt)
	}
	if !changed {
		return out
	}
	rec, err := t.codec.credit(key, state)
	if err != nil {
		t.fail("write credit state", err)
		return out
	}
	return t.recall(append(out, rec), prefixCredit, key)
}

// forget takes a notification out of what is under way.
func (t *Task) forget(n *notification) {
	n.done = true
	n.user.done(n.size())
	delete(t.live, n.id)
	t.bytes -= n.size()
	n.raw = nil
	if n.expiryIndex >= 0 {
		heap.Remove(&t.expiries, n.expiryIndex)
	}
}

// watchExpiry puts a notification whose time had been left to its answer back
// among those that expire.
func (t *Task) watchExpiry(n *notification) {
	if n.expiryIndex < 0 {
		heap.Push(&t.expiries, n)
		t.armExpiry()
	}
}

// results appends one result for each source.
func (t *Task) results(out []*stream.Record, order schemas.Order, o outcome, sources ...schemas.Source) []*stream.Record {
	for _, source := range sources {
		rec, err := t.deps.Output.Result(result(order, o, source))
		if err != nil {
			t.fail("encode result", err)
			return out
		}
		out = append(out, rec)
	}
	return out
}

func result(order schemas.Order, o outcome, source schemas.Source) *schemas.NotificationResult {
	return &schemas.NotificationResult{
		NotificationID: order.NotificationID, AppID: order.AppID, OpenID: order.OpenID,
		TemplateID: order.TemplateID, OrderID: order.OrderID, Status: o.status, ErrNo: o.errNo,
		Reason: o.reason, LogID: o.logID, Attempts: clampInt32(o.attempts),
		FinishedAt: toMillis(o.finishedAt), Source: source,
	}
}
