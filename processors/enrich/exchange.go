package enrich

import (
	"time"

	"doustream/platform/douyin"
	"doustream/platform/sabotage"
	"doustream/platform/stream"
	"doustream/schemas"
)

// send writes the SENT of a login's next exchange; the request leaves when it
// was read back.
func (t *Task) send(e *event, attempt int, p permit) {
	x := e.exchange
	x.busy, x.attempt, x.stands = true, attempt, false
	t.hold(e, p)
	at := max(t.now(), x.sentAt+1) // an annulment names its SENT by the time: no two of a login bear the same
	if x.failures == 0 {
		e.parkAt = at + t.joinWait // how long it stood in the line does not count
	}
	x.sentAt = at
	if sabotage.SkipLedger {
		t.sent(e, at, nil)
		return
	}
	t.loop.Append(t.sendFact(e, factSent, at), func(err error) { t.sent(e, at, err) })
}

// sendFact is a fact of a login's last send. The loop makes it: there is nothing
// to seal.
func (t *Task) sendFact(e *event, kind factKind, at int64) *stream.Record {
	f := t.factOf(e, kind, at)
	return t.facts.note(&f, t.partition)
}

// factOf is what key and head of a fact of a login's last send say.
func (t *Task) factOf(e *event, kind factKind, at int64) fact {
	return fact{
		session: e.rec.Key, hash: e.p.hash, kind: kind, attempt: uint8(e.exchange.attempt), layout: layoutSlim,
		app: e.p.app, owner: t.ledger.owner, loginOffset: e.rec.Offset, at: at,
	}
}

// hold keeps the permit of a login's exchange until let.
func (t *Task) hold(e *event, p permit) {
	e.exchange.permit, e.exchange.place = p, len(t.sending)
	t.sending = append(t.sending, e)
}

// let answers the permit, which is the caller's from now on; nil: there is none
// any more.
func (t *Task) let(e *event) permit {
	p := e.exchange.permit
	if p == nil {
		return nil
	}
	last := len(t.sending) - 1
	moved := t.sending[last]
	t.sending[e.exchange.place], moved.exchange.place = moved, e.exchange.place
	t.sending[last] = nil
	t.sending = t.sending[:last]
	e.exchange.permit = nil
	return p
}

// sent goes on when the SENT was read back, by which time all that stands
// before it is known: an outcome, or another owner's marker.
func (t *Task) sent(e *event, at int64, err error) {
	x := e.exchange
	p := x.permit
	x.stands = err == nil && !t.ledger.usurped
	switch {
	case p == nil:
	case err != nil:
		t.let(e)
		p.drop()
		t.failed(e, at)
		x.failures++
		x.notBefore = t.now() + t.backoff(x.failures)
		t.logger.Warn("append a SENT, to be done again", "partition", t.partition, "err", err)
		t.again(e)
	default:
		told := func(v verdict) bool { return t.loop.Post(func() { t.leave(e, at, v) }) }
		if v := p.ready(told); v != verdictWait {
			t.leave(e, at, v)
		}
	}
}

// failed deals with a SENT of whose append nobody knows whether it stands: if it
// does it is taken back, now or when it is read. No request leaves for it.
func (t *Task) failed(e *event, at int64) {
	t.ledger.stray = t.disown
	if e.state == stateDone || t.ledger.usurped { // another owner's outcome came first, or its sends do
		return
	}
	if t.ledger.counts(e.p.hash, e.exchange.attempt, at) {
		t.annul(e)
	}
}

// disown takes back a SENT of this task's that stands, unless it is waited for. One
// that came to stand behind a later one under its key is not: compaction keeps the
// last alone, and the send of the other would be forgotten with it.
func (t *Task) disown(f fact) {
	if e := t.logins[f.hash]; e != nil && e.exchange.permit != nil && e.exchange.sentAt == f.at {
		return
	}
	t.ledger.annul(f.hash, int(f.attempt))
	f.kind = factAnnulled
	t.loop.Append(t.facts.note(&f, t.partition), nil)
}

// again looks at a login once more whose SENT was for nothing.
func (t *Task) again(e *event) {
	defer t.checkDrained()
	if t.ledger.usurped || e.state == stateDone { // a successor reckons with no send of ours from here on
		return
	}
	e.exchange.busy = false
	t.decide(e)
}

// leave has the request leave, unless something was learnt meanwhile or it has
// become too late for it: the SENT is taken back then.
func (t *Task) leave(e *event, at int64, v verdict) {
	p, x := t.let(e), e.exchange
	if p == nil {
		return
	}
	if t.ledger.usurped || e.state == stateDone {
		p.drop()
		t.again(e)
		return
	}
	decided, now := t.outcome(e) != nil, t.exactly()
	stale := now > at+t.ledger.deadline/2
	if v == verdictOff || decided || stale {
		p.drop()
		if !decided {
			t.annul(e)
		}
		t.again(e)
		return
	}
	x.sends++
	t.requests++
	left, from, own := millis(at+t.ledger.deadline-now), e.p, &ownResult{fact: t.factOf(e, factResult, 0)}
	t.spawn(func() { t.request(e, p, left, from, own) })
}

// request asks the platform, on a goroutine of its own. A session is written
// down whatever became of the task meanwhile.
func (t *Task) request(e *event, p permit, left time.Duration, from *prepared, own *ownResult) {
	start := time.Now()
	session, err := t.exchanger.ExchangeCode(t.deadlines.within(start, left), t.apps[from.event.AppID],
		douyin.Code(from.login.Code), douyin.Code(from.login.AnonymousCode))
	took := time.Since(start)
	t.metrics.exchanged(took, err)
	p.done(took, err)
	if err == nil {
		own.fact.at = t.clock().UnixMilli()
		own.session = schemas.SessionOutcome{ // without the request's id: nobody asks the platform about one that went well
			SessionKey: string(session.SessionKey), OpenID: session.OpenID, UnionID: session.UnionID, AnonymousOpenID: session.AnonymousOpenID,
		}
		var rec *stream.Record
		if rec, err = t.facts.outcome(&own.fact, from.event.AppID, &own.session, t.partition); err == nil {
			own.value = rec.Value
			e.exchange.own.Store(own)
			t.loop.Append(rec, func(err error) {
				t.requests--
				t.lines[from.event.AppID].heard(nil)
				t.written(rec, 1, err)
				t.checkDrained()
			})
			return
		}
	}
	t.loop.Post(func() { t.answered(e, err) })
}

// written has an outcome whose append failed appended again; Restore has seen
// one that succeeded. One that stands after all, or behind another, is not repeated:
// compaction keeps the last of a key, and which outcome comes first must not change.
func (t *Task) written(rec *stream.Record, tries int, err error) {
	if err == nil || t.closed {
		return
	}
	t.logger.Warn("append an outcome, to be done again", "partition", t.partition, "err", err)
	t.loop.After(millis(t.backoff(tries)), func() {
		if !t.settled(rec) {
			t.loop.Append(rec, func(err error) { t.written(rec, tries+1, err) })
		}
	})
}

// settled reports whether an outcome need not be written any more: its code has one,
// or to say that it failed is a successor's.
func (t *Task) settled(outcome *stream.Record) bool {
	f, _, _ := readFact(outcome)
	_, decided := t.ledger.table.decided(f.session, f.hash)
	return decided || f.kind == factFailed && t.ledger.usurped
}

// fail writes down that a login's code never becomes a session. The login ends
// when that was read back, with whichever outcome stands first.
func (t *Task) fail(e *event, reason schemas.Reason, cause error) {
	x := e.exchange
	x.busy, x.queued = true, false
	if t.ledger.usurped { // what is said of the code is the successor's to say
		return
	}
	x.attempt = max(x.attempt, 1)
	f, appID, o := t.factOf(e, factFailed, t.now()), e.p.event.AppID, schemas.SessionOutcome{Reason: reason}
	o.ErrNo, o.LogID = detailOf(cause)
	t.spawn(func() {
		rec, err := t.facts.outcome(&f, appID, &o, t.partition)
		if err != nil {
			t.logger.Error("seal an outcome", "partition", t.partition, "err", err)
			return
		}
		t.loop.Append(rec, func(err error) { t.written(rec, 1, err) })
	})
}

// annul writes down that the last send certainly changed nothing, so that it
// does not count, for a successor either. The fact bears the time of the SENT
// that it takes back. Nothing waits for it.
func (t *Task) annul(e *event) {
	t.ledger.annul(e.p.hash, e.exchange.attempt)
	t.loop.Append(t.sendFact(e, factAnnulled, e.exchange.sentAt), nil)
}
