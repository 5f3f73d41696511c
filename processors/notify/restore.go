package notify

import (
	"doustream/platform/stream"
	"doustream/schemas"
)

// restore takes in one record of the notifications topic, before Open.
func (t *Task) restore(e *entry) {
	if home := t.codec.home(e.id); e.partition != home || len(t.strays) > 0 {
		if t.strays.passed(e, home, t.known(e)) {
			return
		}
	}
	t.unread.forget(e.id)
	switch {
	case e.err != nil:
		t.unreadable(e.id, e.err)
	case e.credit && !e.deleted:
		t.ledger.restore(e.id, e.creditState)
		if e.stale || e.partition != t.codec.home(e.id) {
			t.stale = append(t.stale, e.id)
		}
	case e.credit: // its life is over
	case e.deleted:
		delete(t.restored, e.id)
		t.dedup.remove(e.id)
	default:
		t.restoreNotification(e.id, e.state)
	}
}

func (t *Task) restoreNotification(i id, s schemas.NotificationState) {
	if s.Stage != schemas.StageResult || s.Result == nil {
		if o, _ := t.dedup.lookup(i, t.loop.Now()); !o.finishedAt.IsZero() && !millis(s.QueuedAt).After(o.finishedAt) {
			return // of an earlier partition count, read behind its own result
		}
		t.dedup.remove(i)
		t.restored[i] = s
		return
	}
	delete(t.restored, i)
	t.dedup.add(i, outcome{
		status: s.Result.Status, errNo: s.Result.ErrNo, reason: s.Result.Reason, logID: s.Result.LogID,
		attempts: int(s.Result.Attempts), finishedAt: millis(s.Result.FinishedAt),
	})
}

// takeUp goes on with a notification that the predecessor left.
func (t *Task) takeUp(i id, s schemas.NotificationState) {
	order, err := schemas.DecodeOrder(s.Order)
	if err != nil || t.apps[s.AppID] == nil {
		t.giveUp(i, s, order, err)
		return
	}
	u := t.user(order.AppID, order.OpenID)
	n := &notification{
		id: i, user: u, raw: s.Order, templateID: order.TemplateID, source: s.Source, owed: s.Owed,
		stage: s.Stage, attempts: int(s.Attempts), queuedAt: millis(s.QueuedAt),
		expiresAt: millis(s.ExpiresAt), retryAt: millis(s.RetryAt), expiryIndex: -1,
	}
	u.enter(n.size())
	t.enqueue(n)
	intended := s.Stage == schemas.StageIntent
	switch n.maybe = intended || s.Result != nil; {
	case !n.maybe:
		t.place(u, t.openedAt)
	case t.cfg.Unknown == UnknownReport:
		t.finish(n, outcome{status: schemas.StatusUnknown, reason: reasonInterrupted})
	case intended:
		n.stage = schemas.StageRetry
		t.later(n, order, t.openedAt)
	default:
		t.place(u, t.openedAt)
	}
}

// giveUp ends a restored notification that nobody can send: its app is no
// longer configured, or the order no longer decodes.
func (t *Task) giveUp(i id, s schemas.NotificationState, order schemas.Order, err error) {
	order.NotificationID, order.AppID = s.NotificationID, s.AppID
	o := outcome{
		status: schemas.StatusInvalid, reason: string(schemas.ReasonAppUnknown),
		attempts: int(s.Attempts), finishedAt: t.openedAt,
	}
	switch {
	case s.Stage == schemas.StageIntent, s.Result != nil:
		o.status, o.reason = schemas.StatusUnknown, reasonInterrupted
	case err != nil:
		o.reason = reasonUnreadable
	}
	t.done(t.results(nil, order, o, append([]schemas.Source{s.Source}, s.Owed...)...), i, o)
	t.metrics.finished(o, t.openedAt.Sub(millis(s.QueuedAt)))
}

// mayAsk reports whether the ledger of consents lets a notification be sent.
func (t *Task) mayAsk(n *notification) bool {
	key := creditID(n.user.app.ID, n.user.openID, n.templateID)
	return t.ledger.permits(key, t.cfg.Credits, t.cfg.Templates[n.templateID].Kind)
}

// consent takes in one fact of the consents topic, and gives the user's order
// that may wait for it its turn.
func (t *Task) consent(rec *stream.Record) {
	if rec.Value == nil {
		return
	}
	f, err := schemas.DecodeConsentFact(rec.Value)
	if err != nil {
		t.metrics.consentsUnread.Inc()
		return
	}
	t.ledger.take(f, rec)
	if !t.opened {
		return
	}
	if a := t.apps[f.AppID]; a != nil {
		if u := a.users[f.OpenID]; u != nil {
			t.place(u, t.loop.Now())
		}
	}
}
