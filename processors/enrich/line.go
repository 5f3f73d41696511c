package enrich

import (
	"sync/atomic"
	"time"
)

// line is where the logins of one app wait for permits, first come first
// served. It holds no more than the window and the parked logins do. A code
// that has one send left waits apart: while the platform does not answer, it
// is not spent on finding out.
type line struct {
	app     string
	first   []*event
	last    []*event
	waiter  *waiter
	leave   func() // has the waiter keep nothing of the task any more
	pumping bool
	served  int    // how many were sent
	silent  int    // how many in a row got no answer
	timer   func() // stops the timer that is set; nil: none
	due     int64  // ms, when it is
}

// newLine makes the line of an app. Who may give permits keeps its waiter for as
// long as the platform gives no answer, and must not keep the task with it.
func (t *Task) newLine(app string) *line {
	l := &line{app: app}
	wake := func() bool { return t.loop.Post(func() { t.woken(l) }) }
	held := new(atomic.Pointer[func() bool])
	held.Store(&wake)
	l.leave = func() { held.Store(nil) }
	l.waiter = &waiter{wake: func() bool {
		wake := held.Load()
		return wake != nil && (*wake)()
	}}
	return l
}

func (t *Task) enqueue(e *event) {
	l := t.lines[e.p.event.AppID]
	e.exchange.queued = true
	e.exchange.ticket, e.exchange.served = l.served+len(l.first), l.served
	if t.ledger.unknown(e.p.hash) {
		l.last = append(l.last, e)
	} else {
		l.first = append(l.first, e)
	}
	t.pump(l)
}

// woken pumps; a wake that leaves room is handed on.
func (t *Task) woken(l *line) {
	if t.closed || !t.pump(l) || len(l.first)+len(l.last) == 0 {
		t.gate.pass(l.app)
	}
}

// pump sends as many of the line as there are permits for, and reports whether
// it sent any.
func (t *Task) pump(l *line) bool {
	if l.pumping || t.closed || t.draining || t.ledger.usurped {
		return false
	}
	l.pumping = true
	defer func() { l.pumping = false }()
	first := t.pumpQueue(l, &l.first, false)
	last := t.pumpQueue(l, &l.last, true)
	return first || last
}

func (t *Task) pumpQueue(l *line, queue *[]*event, last bool) (any bool) {
	for len(*queue) > 0 {
		e := (*queue)[0]
		attempt := t.sendable(e)
		if attempt == 0 {
			shift(queue)
			t.decide(e)
			continue
		}
		p, wait := t.gate.try(l.app, last && t.now() < t.expiry(e)-lastMinute, l.waiter)
		if p == nil {
			t.pumpAfter(l, wait)
			return any
		}
		shift(queue)
		l.served++
		t.send(e, attempt, p)
		any = true
	}
	return any
}

// lastMinute is how long (ms) before the end of a code's life its last send is
// made whatever the platform's state: later it would not be made at all.
const lastMinute = 10_000

// sendable answers which attempt a login of the line may be sent as now; 0:
// none any more.
func (t *Task) sendable(e *event) int {
	if e.state == stateDone || e.exchange.busy || !e.exchange.queued {
		return 0
	}
	now := t.now()
	attempt, until := t.ledger.next(e.p.hash)
	if t.outcome(e) != nil || until > now || now > t.expiry(e) {
		return 0
	}
	return attempt
}

func shift(queue *[]*event) {
	(*queue)[0].exchange.queued = false
	(*queue)[0] = nil
	*queue = (*queue)[1:]
}

// pumpAfter has the line pumped later; with 0 it is woken. The two queues wait
// for different times: the timer is that of the sooner.
func (t *Task) pumpAfter(l *line, wait time.Duration) {
	due := t.now() + wait.Milliseconds()
	if wait <= 0 || l.timer != nil && l.due <= due {
		return
	}
	if l.timer != nil {
		l.timer()
	}
	l.due = due
	l.timer = t.loop.After(wait, func() {
		l.timer = nil
		t.pump(l)
	})
}
