package enrich

import (
	"errors"
	"time"

	"doustream/platform/stream"
)

// Task is one partition number of the six input topics. All its methods but
// Prepare are called from its loop, which owns its fields.
type Task struct {
	*processor
	loop      loop
	errands   *errands
	spawn     func(func())
	partition int32
	owner     string

	ledger   *ledger
	frontier int64               // login offset below which every login has retired
	passed   int64               // ms, how far the watermark has come
	swept    int64               // ms, when what is past its life was looked for last
	active   map[string]*session // sessions with something unfinished
	logins   map[codeHash]*event // logins under way, by code
	lines    map[string]*line    // by app: logins that wait for a permit
	sending  []*event            // logins with a permit, whose request has not left
	restored map[string][]byte   // parked entries, until Open

	parked [topicCount]tally
	shown  struct { // what the task adds to the gauges
		facts int
		bytes int64
	}
	working  int // jobs with the workers
	requests int // exchanges between their SENT and their outcome
	opened   bool
	closed   bool
	yielding bool   // another owner's marker stands behind ours
	draining bool   // no exchange is begun any more
	drained  func() // called once nothing is being worked on; then nil

	byClock     alarms
	byWatermark alarms
	armed       int64  // ms of the timer that is set; 0: none
	disarm      func() // stops it
}

func (p *processor) newTask(l loop) *Task {
	t := &Task{
		processor: p, loop: l, partition: l.Partition(), owner: l.Owner(),
		active: map[string]*session{}, logins: map[codeHash]*event{}, lines: map[string]*line{},
		errands:     newErrands(),
		restored:    map[string][]byte{},
		byClock:     alarms{at: func(e *event) *int64 { return &e.wakeClock }},
		byWatermark: alarms{at: func(e *event) *int64 { return &e.wakeMark }},
	}
	if t.spawn = p.spawn; t.spawn == nil {
		t.spawn = t.errands.run
	}
	t.ledger = &ledger{
		owner: hashOwner(t.owner), name: t.owner, deadline: p.cfg.Deadline.Milliseconds(),
		table: newTable(), open: map[codeHash]sends{},
		skipped: p.metrics.skip, logger: p.logger, marker: p.marker, now: t.now,
	}
	t.ledger.horizon = t.forgetBefore()
	for _, app := range p.cfg.Apps {
		t.lines[app.ID] = t.newLine(app.ID)
	}
	return t
}

// Restore takes in one record of doustream.sessions or doustream.parked.
func (t *Task) Restore(rec *stream.Record) {
	if rec.Topic == t.names.parked {
		t.restoreParked(rec)
		return
	}
	f, decided := t.ledger.take(rec)
	if t.ledger.usurped && !t.yielding {
		t.yield()
	}
	if !decided {
		return
	}
	t.observeGrowth()
	if e := t.logins[f.hash]; e != nil {
		t.learn(e)
		t.decide(e)
	}
}

// mostYield is for how long a task stands back for an owner that may be another:
// more than a member goes on that the group has dropped.
const mostYield = 20 * time.Second

var errMarkerLate = errors.New("another owner's marker stands behind ours, and the partition is ours still: restore anew")

// yield stands back for a successor, of which the group is about to tell. If it
// does not, a predecessor's marker came late: whoever wrote it sends as long as
// it believes in it, and nobody does after it is gone, until there is a marker
// behind it.
func (t *Task) yield() {
	t.yielding = true
	t.logger.Warn("another owner's marker: no code is sent for now", "partition", t.partition)
	t.loop.After(mostYield, func() { t.loop.Fail(errMarkerLate) })
}

// Open takes up what a predecessor parked.
func (t *Task) Open() {
	t.frontier = t.loop.Frontier(t.names.inputs[topicLogin], t.partition)
	t.opened = true
	t.unpark()
	t.sweep()
}

// Prepare decodes one record, on a worker.
func (t *Task) Prepare(rec *stream.Record) any { return t.prepare(rec) }

// Handle takes one event up.
func (t *Task) Handle(in *stream.Input) {
	p, ok := in.Prepared.(*prepared)
	if !ok {
		p = t.prepare(in.Record)
	}
	t.handle(in, in.Record, p)
}

func (t *Task) handle(in finisher, rec *stream.Record, p *prepared) {
	e := t.newEvent(in, rec, p)
	t.checkPartition(rec)
	if p.rejected != nil {
		t.reject(e)
		return
	}
	e.taken = t.now()
	e.parkAt = e.taken + t.joinWait
	var s *session
	if e.topic != topicLogin {
		s = t.active[p.event.SessionID]
	} else {
		s = t.activate(p.event.SessionID)
		s.logins++
		s.window = append(s.window, e)
		e.sess = s
	}
	if s != nil && len(s.parked[e.topic]) > 0 {
		t.park(e, whyBehind)
		return
	}
	t.decide(e)
}

// decide looks at an event anew: it is taken a step further, ended, parked, or
// goes on waiting. It may be called at any time.
func (t *Task) decide(e *event) {
	if e.state != stateIdle || t.closed || !e.first() {
		return
	}
	switch {
	case e.p == nil:
		t.prepareAgain(e)
	case e.p.rejected != nil:
		t.reject(e)
	case e.topic == topicLogin:
		t.decideLogin(e)
	default:
		t.decideJoin(e)
	}
}

// activate answers the active session with that id, making it if need be.
func (t *Task) activate(id string) *session {
	s := t.active[id]
	if s == nil {
		s = &session{id: id}
		s.window = s.alone[:0]
		t.active[id] = s
	}
	return s
}

// forget drops a session that has nothing unfinished.
func (t *Task) forget(s *session) {
	if !s.forgotten && s.idle() {
		s.forgotten = true
		delete(t.active, s.id)
	}
}

// evaluate decides anew what of a session waits: a login of it has ended.
func (t *Task) evaluate(s *session) {
	for _, e := range append([]*event(nil), s.waiting...) {
		t.decide(e)
	}
	for i := range s.parked {
		if len(s.parked[i]) > 0 {
			t.decide(s.parked[i][0])
		}
	}
	t.forget(s)
}

// Close ends the task; exchanges that are under way still write their RESULT. Those
// that have not left never will: their SENTs are taken back, if they were read back.
// One that is on its way yet may come to stand behind a SENT of the successor's for
// the same code, under the same key: compaction keeps the later one alone, and to
// take that back would have the successor's send forgotten.
func (t *Task) Close() {
	t.closed = true
	if t.disarm != nil {
		t.disarm()
	}
	for len(t.sending) > 0 {
		e := t.sending[0]
		t.let(e).drop()
		if e.state != stateDone && e.exchange.stands {
			t.annul(e)
		}
	}
	for _, l := range t.lines {
		l.leave()
	}
	t.errands.close()
	t.close()
}

var errClockBack = errors.New("the clock was set back: restore anew")

// sweep forgets what is past its life, once a minute. Of a clock that was set back
// meanwhile whatever waits for a moment of it would wait for as much longer, and
// the watermark be ahead of it: the next owner begins with the new one.
func (t *Task) sweep() {
	now := t.now()
	if now < t.swept {
		t.loop.Fail(errClockBack)
		return
	}
	t.swept = now
	t.ledger.expire(t.forgetBefore())
	t.observe()
	t.loop.After(time.Minute, t.sweep)
}

// forgetBefore is the time (ms) before which facts are of no use: the sessions
// are past their life, and so are the codes, which might be sent again else.
func (t *Task) forgetBefore() int64 {
	return t.now() - max(t.sessionLife, 2*t.cfg.CodeLife.Milliseconds())
}

// now is the time (ms) at which what is handled in one go began to be.
func (t *Task) now() int64 { return t.loop.Round().UnixMilli() }

// exactly is the time (ms), for what must not happen after it.
func (t *Task) exactly() int64 { return t.loop.Now().UnixMilli() }

func millis(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
