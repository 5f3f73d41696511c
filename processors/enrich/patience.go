package enrich

import "doustream/platform/douyin"

// patient gives a login more time in the window that only stands in a line
// which moves: a backlog is no reason to park. It is, when its turn is so far
// off that others in the window would be held up for long, or when what moves
// is only the trials of a platform that does not answer.
func (t *Task) patient(e *event) bool {
	x, l := e.exchange, t.lines[e.p.event.AppID]
	if !x.queued || x.failures > 0 {
		return false
	}
	moved := l.served - x.served
	if moved == 0 || l.silent >= outage || x.ticket-l.served > patience*moved {
		return false
	}
	x.served = l.served
	e.parkAt = t.now() + t.joinWait
	return true
}

// staysInLine has a login go on waiting that does so for its turn alone: it need
// not be looked at before, since whatever is learnt of its code has it decided.
func (t *Task) staysInLine(e *event, now int64) bool {
	x := e.exchange
	if x == nil || !x.queued || !x.asks || e.state != stateIdle || e.in == nil {
		return false
	}
	last := t.expiry(e) - lastMinute
	if now >= last || !e.leads() || !t.patient(e) {
		return false
	}
	t.wakeAt(e, min(e.parkAt, last))
	return true
}

// patience is how many times JoinWait a login may be off in a line that moves.
const patience = 30

// outage is how many exchanges in a row without an answer are one.
const outage = 3

// heard notes whether the platform answered an exchange of the line.
func (l *line) heard(err error) {
	kind := douyin.KindOf(err)
	if err != nil && (kind == douyin.KindUnknown || kind == douyin.KindNotSent) {
		l.silent++
	} else {
		l.silent = 0
	}
}
