package enrich

import (
	"doustream/platform/stream"
	"doustream/schemas"
)

// reject ends an event that can never succeed.
func (t *Task) reject(e *event) {
	t.end(e, e.p.rejected.Reason, e.p.stage)
}

// end makes an event a dead letter. One that is parked stays until its entry
// has retired, for its tombstone must come behind it.
func (t *Task) end(e *event, reason schemas.Reason, stage string) {
	if e.in == nil && !e.settled {
		return
	}
	t.metrics.deadLetter(e.topic, reason)
	t.finish(e, []*stream.Record{t.deadLetter(e, reason, stage)})
}

// finish ends an event with its outputs.
func (t *Task) finish(e *event, out []*stream.Record) {
	e.state = stateDone
	if e.exchange != nil && e.exchange.asks {
		e.exchange.asks = false
		delete(t.logins, e.p.hash)
	}
	if s := e.sess; e.in == nil {
		t.resume(e, out)
	} else {
		if s != nil && e.topic == topicLogin {
			t.leftWindow(e, s)
		} else if s != nil {
			s.stopWaiting(e)
			t.forget(s)
		}
		t.done(e, out, t.retired(e, s))
	}
	if e.exchange != nil {
		e.exchange.own.Store(nil)
	}
	t.byClock.clear(e)
	t.byWatermark.clear(e)
	e.rec, e.p = nil, nil // an alarm may keep the event for a while; its bytes are a fetch's
}

// done hands an input back.
func (t *Task) done(e *event, out []*stream.Record, retired func()) {
	in := e.in
	e.in = nil
	in.Done(out, retired)
}

// work has f done on a worker, and then called from the loop.
func (t *Task) work(f, then func()) {
	t.working++
	t.loop.Work(f, func() {
		t.working--
		then()
		t.checkDrained()
	})
}

// retired answers what is to happen when an input retires; only logins have
// something waiting for that: what depends on a login must not leave before it.
func (t *Task) retired(e *event, s *session) func() {
	if e.topic != topicLogin {
		return nil
	}
	offset := e.rec.Offset
	if s == nil {
		id := string(e.rec.Key)
		return func() {
			t.frontier = max(t.frontier, offset+1)
			if waits := t.active[id]; waits != nil { // a login that is none may have been waited for all the same
				t.evaluate(waits)
			}
		}
	}
	waits := s // not s itself, which every event would have on the heap then
	return func() {
		t.frontier = max(t.frontier, offset+1)
		waits.logins--
		t.evaluate(waits)
	}
}

// Drain lets what is being worked on come to its end, exchanges above all: an
// answer that is waited for now is an outcome less that nobody knows. What only
// waits is left to the successor, who is handed it again.
func (t *Task) Drain(done func()) {
	t.draining, t.drained = true, done
	t.checkDrained()
}

func (t *Task) checkDrained() {
	if done := t.drained; done != nil && t.working == 0 && t.requests == 0 && len(t.sending) == 0 {
		t.drained = nil
		done()
	}
}
