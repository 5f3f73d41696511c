package enrich

import (
	"bytes"
	"sync/atomic"

	"doustream/schemas"
)

// exchange is what becomes of a login's code at the hands of this task.
type exchange struct {
	asks      bool   // it is the one in Task.logins
	busy      bool   // a SENT, a request or an outcome is under way
	queued    bool   // waits for a permit
	stands    bool   // its SENT was read back, and no other owner's marker stands before it
	sends     int32  // by this task, and before the login was parked
	outcome   entry  // of its code, as long as it asks; nil: there is none yet
	attempt   int    // the last that was sent,
	sentAt    int64  // and when (ms) its SENT was written
	failures  int    // in a row, for the backoff
	notBefore int64  // ms
	permit    permit // while its SENT is being written, or waits to leave
	place     int    // in Task.sending, meanwhile
	ticket    int    // of its place in the line
	served    int    // how far the line was when it was last looked at

	own atomic.Pointer[ownResult] // written by the request, before its RESULT is appended
}

// ownResult is a RESULT of this task's: when it turns out to be the outcome, it
// need not be opened.
type ownResult struct {
	fact    fact   // its key and head
	value   []byte // of its record, which ends with what is sealed
	session schemas.SessionOutcome
}

// decideLogin takes a login a step further: to the outcome that the ledger
// holds, or towards one.
func (t *Task) decideLogin(e *event) {
	if !e.exchange.asks && !t.takeUp(e) {
		return // published twice: the first one asks
	}
	if outcome := t.outcome(e); outcome != nil {
		t.conclude(e, outcome)
		return
	}
	wake := int64(0)
	if !e.exchange.busy {
		wake = t.pursue(e)
	}
	if e.state != stateIdle || e.in == nil || !e.leads() {
		t.wakeAt(e, wake)
		return
	}
	if t.now() >= e.parkAt && !t.patient(e) {
		t.park(e, whyPlatform)
		return
	}
	t.wakeAt(e, earlier(wake, e.parkAt))
}

// takeUp has a login ask for its code, unless another does. One that leaves next
// takes the other's place.
func (t *Task) takeUp(e *event) bool {
	if first := t.logins[e.p.hash]; first != nil {
		if !e.leads() {
			return false
		}
		first.exchange.asks = false
	}
	t.logins[e.p.hash], e.exchange.asks = e, true
	t.learn(e)
	return true
}

// learn has the login that asks for a code know its outcome, if the ledger has it.
func (t *Task) learn(e *event) {
	e.exchange.outcome, _ = t.ledger.table.decided(e.rec.Key, e.p.hash)
}

// outcome answers what the ledger has as the outcome of a login's code; nil: nothing. The
// login that asks has learnt it: what came later it was told of by Restore.
func (t *Task) outcome(e *event) entry {
	if e.exchange.asks {
		return e.exchange.outcome
	}
	found, _ := t.ledger.table.decided(e.rec.Key, e.p.hash)
	return found
}

// pursue gets a login whose code has no outcome towards one, and answers when (ms)
// it is to be looked at again at the latest; 0: when something has become of it.
func (t *Task) pursue(e *event) (wake int64) {
	x, now, expiry := e.exchange, t.now(), t.expiry(e)
	attempt, until := t.ledger.next(e.p.hash)
	switch {
	case until > now: // another owner's exchange may still be under way
		wake = until
	case attempt == 0:
		t.fail(e, schemas.ReasonCodeOutcomeUnknown, nil)
	case now > expiry && t.ledger.unknown(e.p.hash):
		t.fail(e, schemas.ReasonCodeOutcomeUnknown, nil)
	case now > expiry:
		t.fail(e, schemas.ReasonCodeExpired, nil)
	case x.notBefore > now:
		wake = min(x.notBefore, expiry+1)
	case !x.queued:
		t.enqueue(e)
	case now >= expiry-lastMinute:
		t.pump(t.lines[e.p.event.AppID])
	}
	if x.queued { // it waits for a permit: the end of its code's life does not
		wake = earlier(wake, nextOf(now, expiry-lastMinute, expiry+1))
	}
	return wake
}

// earlier answers the first of two moments, where 0 is none.
func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// follow lets the logins of a session go on that stand in the window behind one
// that has left it: the first may leave now; behind a parked one all are parked.
func (t *Task) follow(s *session) {
	if len(s.window) == 0 || t.closed {
		return
	}
	if len(s.parked[topicLogin]) == 0 {
		if e := s.window[0]; e.state == stateReady {
			e.conclude()
		} else {
			t.decide(e)
		}
		return
	}
	for _, e := range s.window {
		if e.state == stateIdle || e.state == stateReady {
			t.park(e, whyBehind)
		}
	}
}

// leftWindow has the logins of the session behind one that left looked at.
func (t *Task) leftWindow(e *event, s *session) {
	s.leaveWindow(e)
	if len(s.window) > 0 {
		t.loop.Post(func() { t.follow(s) })
	}
}

// nextOf answers the first of two moments that lies after now.
func nextOf(now, sooner, later int64) int64 {
	if sooner > now {
		return sooner
	}
	return later
}

// expiry is until when (ms) a login's code may be sent: a code is past its
// life only if both of its timestamps say so.
func (t *Task) expiry(e *event) int64 {
	return e.believed(max(e.p.event.OccurredAt, e.timestamp())) + t.cfg.CodeLife.Milliseconds()
}

// conclude ends a login with the outcome of its code.
func (t *Task) conclude(e *event, outcome entry) {
	if e.in == nil && !e.settled {
		return
	}
	e.state = stateWorking
	e.job = job{now: t.now(), outcome: outcome}
	t.working++ // as Task.work, without its closures
	t.loop.Do((*eventJob)(e))
}

// readOutcome runs on a worker. An outcome that does not open is lost: the
// code is used up and nobody has its session.
func (e *event) readOutcome() {
	outcome := e.job.outcome
	session, ok := e.ownSession(outcome)
	if !ok {
		session, ok = e.task.openSession(outcome, e.p.event.AppID)
	}
	switch {
	case !ok:
		e.job.reason, e.job.stage = schemas.ReasonCodeOutcomeUnknown, stageExchange
	case outcome.kind() == factFailed:
		e.job.reason, e.job.stage = session.Reason, stageExchange
	default:
		e.enrich(&session)
	}
}

// ownSession answers the session of an outcome that this task wrote down: no
// two facts seal to the same bytes.
func (e *event) ownSession(outcome entry) (session schemas.SessionOutcome, ok bool) {
	own := e.exchange.own.Load()
	if own == nil || !bytes.HasSuffix(own.value, outcome.spread().sealed) {
		return session, false
	}
	return own.session, true
}
