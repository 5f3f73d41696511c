package enrich

import (
	"doustream/schemas"
)

// sessionKeys is how many session keys of a session are tried, newest first.
const sessionKeys = 2

// disorder is how much (ms) the backend may have published a login later, by its
// timestamp, than an event that followed it.
const disorder = 1000

// lineage names logins by their offset plus one, newest first; 0: none.
type lineage [sessionKeys]int64

// known is what the task knows of an event's session, of the logins that have
// retired.
type known struct {
	facts  [sessionKeys]entry // RESULTs, newest login first
	logins lineage            // theirs
	failed int64              // the newest login that failed, as in lineage
}

// known looks a session up. A login that has not retired is not there yet:
// nothing that depends on it may leave before it.
func (t *Task) known(e *event) (k known) {
	table := t.ledger.table
	newest := table.newest(e.rec.Key)
	if table.entry(newest).crowded() {
		t.knownOfCrowd(&k, e, table.crowds[string(e.rec.Key)].apps[e.p.app])
		return k
	}
	for f := table.entry(newest); f != nil; {
		s := f.spread()
		if s.app == e.p.app {
			t.note(&k, e, f, &s.fact)
		}
		f = table.entry(table.wide(s.before))
	}
	return k
}

// knownOfCrowd looks at the newest logins alone.
func (t *Task) knownOfCrowd(k *known, e *event, l *ladder) {
	if l == nil {
		return
	}
	table := t.ledger.table
	below(l.results, t.frontier, func(at place) bool {
		f := table.entry(at)
		s := f.spread()
		return t.note(k, e, f, &s.fact) && k.logins[sessionKeys-1] == 0
	})
	below(l.failed, t.frontier, func(at place) bool {
		f := table.entry(at)
		s := f.spread()
		return t.note(k, e, f, &s.fact) && k.failed == 0
	})
}

// note takes in an outcome, unless it is not one yet; false: it is too old.
func (t *Task) note(k *known, e *event, f entry, head *fact) (alive bool) {
	switch s := t.active[e.p.event.SessionID]; {
	case head.at < t.now()-t.sessionLife:
		return false
	case head.loginOffset >= t.frontier || s != nil && s.parkedLogin(head.loginOffset):
	case head.kind == factFailed:
		k.failed = max(k.failed, head.loginOffset+1)
	default:
		k.insert(f, head.loginOffset+1)
	}
	return true
}

func (k *known) insert(f entry, login int64) {
	for i := range k.logins {
		if login > k.logins[i] {
			copy(k.logins[i+1:], k.logins[i:])
			copy(k.facts[i+1:], k.facts[i:])
			k.logins[i], k.facts[i] = login, f
			return
		}
	}
}

// decideJoin joins an event with its session, unless the sessions known were
// tried already; then it is spoken on.
//
// Nothing is said of an event before the watermark has come to when it was read.
// A backend that an outage held up publishes a login and what hangs on it in one
// go, minutes old: the event may be read first, while the watermark is long past
// its timestamp, and knows nothing of a login that was appended just before it.
func (t *Task) decideJoin(e *event) {
	k := t.known(e)
	if k.logins[0] != 0 && k.logins != e.tried {
		e.tried = k.logins
		e.start(k.facts)
		return
	}
	reason, past := t.outlook(e, &k)
	past = max(past, e.taken+1)
	unfinished := t.loginUnfinished(e)
	if !unfinished && t.mark() >= past {
		t.end(e, reason, stageJoin)
		return
	}
	t.wait(e, past, unfinished)
}

// outlook answers how an event ends if no login comes, and what the watermark
// must have passed before that can be said.
func (t *Task) outlook(e *event, k *known) (schemas.Reason, int64) {
	at := e.believed(e.timestamp())
	switch {
	case (k.logins[0] == 0 || e.barren) && k.failed > 0:
		return schemas.ReasonLoginFailed, at + disorder
	case k.logins[0] == 0 || e.barren:
		return schemas.ReasonSessionMissing, at + t.sessionWait
	case e.keyless:
		return schemas.ReasonSessionAnonymous, at + disorder
	case k.failed > k.logins[0]:
		return schemas.ReasonLoginFailed, at + t.joinWait
	default:
		return schemas.ReasonDecryptFailed, at + t.joinWait
	}
}

// loginUnfinished reports whether a login of the event's session was taken in
// and has not retired, so that nothing can be said of the session.
func (t *Task) loginUnfinished(e *event) bool {
	s := t.active[e.p.event.SessionID]
	return s != nil && s.logins > 0 || t.loop.Queued(t.names.inputs[topicLogin], e.rec.Key)
}

// loginInWindow reports, of a session with an unfinished login, whether one is
// in the window or about to enter it, not parked or held back: as long as that
// one is worth the wait, so is what depends on it.
func (t *Task) loginInWindow(s *session) bool {
	if s.logins == 0 { // it was not handed over yet
		return !t.parked[topicLogin].held
	}
	return s.logins > len(s.parked[topicLogin])
}

// wait leaves an event where it is until its session changes or the watermark
// passes, and parks it when that takes too long. One that the watermark has
// left behind has no login coming soon, and is parked at once.
func (t *Task) wait(e *event, past int64, unfinished bool) {
	if e.sess == nil {
		e.sess = t.activate(e.p.event.SessionID)
		e.sess.waiting = append(e.sess.waiting, e)
	}
	if e.in != nil {
		late := !unfinished && t.mark() >= max(e.believed(e.timestamp())+t.joinWait, e.taken+1)
		if late || t.now() >= e.parkAt && !(unfinished && t.loginInWindow(e.sess)) {
			t.park(e, whySession)
			return
		}
		wake := e.parkAt
		if t.now() >= wake { // when its login parks, so does it, at once
			wake = t.now() + t.joinWait
		}
		t.wakeAt(e, wake)
	}
	if !unfinished {
		t.wakePast(e, past)
	}
}

// mark is how far (ms) the watermark has come. That it has passed a moment
// stays true when the login topic has a backlog again.
func (t *Task) mark() int64 {
	t.passed = max(t.passed, t.loop.Watermark().UnixMilli())
	return t.passed
}
