package enrich

import (
	"doustream/platform/stream"
	"doustream/schemas"
)

// job is the part of an event's work that a worker does: open the session,
// decrypt, check and encode. It holds its own results until the loop takes
// them.
type job struct {
	facts   [sessionKeys]entry // RESULTs, newest login first
	outcome entry              // of a login; nil: it is another event
	now     int64              // ms
	one     [1]*stream.Record
	out     []*stream.Record
	reason  schemas.Reason // the event ends; stage says where
	stage   string
	keyless bool // sessions were read, and none has a key
	barren  bool // no session could be read
}

// start hands an event to a worker, with what is known of its session.
func (e *event) start(facts [sessionKeys]entry) {
	e.state = stateWorking
	e.job = job{facts: facts, now: e.task.now()}
	e.task.working++ // as Task.work, without its closures
	e.task.loop.Do((*eventJob)(e))
}

// eventJob is an event as the runtime's workers see it.
type eventJob event

// Work runs on a worker.
func (w *eventJob) Work() {
	if e := (*event)(w); e.job.outcome != nil {
		e.readOutcome()
	} else {
		e.work()
	}
}

// Worked takes the results, from the loop.
func (w *eventJob) Worked() {
	e := (*event)(w)
	e.task.working--
	e.conclude()
	e.task.checkDrained()
}

func (e *event) work() {
	j := &e.job
	j.barren, j.keyless = true, true
	for _, f := range j.facts {
		if f == nil {
			break
		}
		session, ok := e.task.openSession(f, e.p.event.AppID)
		if !ok {
			continue
		}
		j.barren = false
		if e.p.needsKey() && session.SessionKey == "" {
			continue
		}
		j.keyless = false
		if e.enrich(&session) {
			return
		}
	}
}

func (e *event) conclude() {
	t, j := e.task, &e.job
	e.state = stateIdle
	if !t.closed && !e.leads() {
		e.state = stateReady
		if len(e.sess.parked[topicLogin]) > 0 {
			t.park(e, whyBehind)
		}
		return
	}
	switch {
	case t.closed:
	case j.reason != "":
		t.end(e, j.reason, j.stage)
	case len(j.out) > 0:
		t.metrics.enriched(e.p.kind)
		t.finish(e, j.out)
	default:
		e.keyless, e.barren = j.keyless, j.barren
		t.decide(e)
	}
}

// openSession opens one RESULT; one that does not open is passed over.
func (p *processor) openSession(f entry, appID string) (schemas.SessionOutcome, bool) {
	kept := f.spread()
	session, err := p.facts.open(&kept.fact, kept.sealed, appID)
	if err != nil {
		p.metrics.skip("sessions")
		p.logger.Error("skip a session that does not open", "login_offset", kept.loginOffset, "err", err)
		return schemas.SessionOutcome{}, false
	}
	return session, true
}

// enrich makes the outputs of an event with one session of its; false: that
// session's key is not the one.
func (e *event) enrich(session *schemas.SessionOutcome) bool {
	j := &e.job
	w := takeWorkbench()
	defer w.release()
	w.user = schemas.EnrichedUser{
		EventID: e.p.event.EventID, Kind: e.p.kind, AppID: e.p.event.AppID, SessionID: e.p.event.SessionID,
		OpenID: session.OpenID, UnionID: session.UnionID, AnonymousOpenID: session.AnonymousOpenID,
		OccurredAt: e.p.event.OccurredAt, EnrichedAt: j.now, Source: e.source(),
	}
	reason, opened := e.task.fill(w, e.p, session)
	if !opened {
		return false
	}
	if reason != "" {
		j.reason, j.stage = reason, stageDecrypt
		return true
	}
	rec, err := e.task.output.Enriched(&w.user)
	if err != nil {
		j.reason, j.stage = schemas.ReasonInvalid, stageEncode
		return true
	}
	if recordSize(rec) > largestResult {
		j.reason, j.stage = schemas.ReasonTooLarge, stageEncode
		return true
	}
	j.one[0] = rec
	j.out = append(j.one[:1], e.task.consents(&w.user, e.p)...)
	return true
}
