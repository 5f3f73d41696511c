package enrich

import "time"

// line is where the logins of one app wait for permits, first come first
// served. It holds no more than the window and the parked logins do.
type line struct {
	app     string
	queue   []*event
	waiter  *waiter
	pumping bool
	timer   func() // stops the timer that is set; nil: none
}

func (t *Task) newLine(app string) *line {
	l := &line{app: app}
	l.waiter = &waiter{wake: func() bool { return t.loop.Post(func() { t.woken(l) }) }}
	return l
}

func (t *Task) enqueue(e *event) {
	l := t.lines[e.p.event.AppID]
	e.exchange.queued = true
	l.queue = append(l.queue, e)
	t.pump(l)
}

// woken pumps; a wake that sends nothing is handed on.
func (t *Task) woken(l *line) {
	if t.closed || !t.pump(l) {
		t.gate.pass()
	}
}

// pump sends as many of the line as there are permits for, and reports whether
// it sent any.
func (t *Task) pump(l *line) (any bool) {
	if l.pumping {
		return false
	}
	l.pumping = true
	defer func() { l.pumping = false }()
	for len(l.queue) > 0 && !t.closed && !t.ledger.usurped {
		e := l.queue[0]
		attempt := t.sendable(e)
		if attempt == 0 {
			t.shift(l)
			t.decide(e)
			continue
		}
		p, wait := t.gate.try(l.app, l.waiter)
		if p == nil {
			t.pumpAfter(l, wait)
			return any
		}
		t.shift(l)
		t.send(e, attempt, p)
		any = true
	}
	return any
}

// sendable answers which attempt a login of the line may be sent as now; 0:
// none any more.
func (t *Task) sendable(e *event) int {
	if e.state == stateDone || e.exchange.busy || !e.exchange.queued {
		return 0
	}
	now := t.now()
	attempt, until := t.ledger.next(e.p.hash)
	_, decided := t.ledger.table.decided(e.p.event.SessionID, e.p.hash)
	if decided || until > now || now > t.expiry(e) {
		return 0
	}
	return attempt
}

func (t *Task) shift(l *line) {
	l.queue[0].exchange.queued = false
	l.queue[0] = nil
	l.queue = l.queue[1:]
}

// pumpAfter has the line pumped later; with 0 it is woken.
func (t *Task) pumpAfter(l *line, wait time.Duration) {
	if wait <= 0 || l.timer != nil {
		return
	}
	l.timer = t.loop.After(wait, func() {
		l.timer = nil
		t.pump(l)
	})
}
