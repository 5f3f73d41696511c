package enrich

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"doustream/platform/stream"
)

// world is what survives a crash: the logs, what was committed, the clock.
type world struct {
	now       time.Time
	names     *names
	inputs    [topicCount][]*stream.Record
	committed [topicCount]int64
	sessions  []*stream.Record // nil: compacted away
	parked    []*stream.Record
	out       []*stream.Record // committed outputs, in their order
	owners    int
}

func newWorld() *world {
	return &world{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), names: newNames("")}
}

// produce appends an event to its topic.
func (w *world) produce(t topic, key string, value []byte) *stream.Record {
	rec := &stream.Record{
		Topic: w.names.inputs[t], Offset: int64(len(w.inputs[t])), Timestamp: w.now, Key: []byte(key), Value: value,
	}
	w.inputs[t] = append(w.inputs[t], rec)
	return rec
}

// compact is what Kafka does to the logs of state, up to an offset of sessions: of
// each key the last record stays, and no tombstone.
func (w *world) compact(end int) {
	last := map[string]int{}
	for i, rec := range w.sessions[:end] {
		if rec != nil {
			last[string(rec.Key)] = i
		}
	}
	for i, rec := range w.sessions[:end] {
		if rec != nil && last[string(rec.Key)] > i {
			w.sessions[i] = nil
		}
	}
	left := w.unparked()
	w.parked = slices.DeleteFunc(w.parked, func(rec *stream.Record) bool { return !left[string(rec.Key)] })
}

// unparked reports which parked entries stand without a tombstone.
func (w *world) unparked() map[string]bool {
	left := map[string]bool{}
	for _, rec := range w.parked {
		if rec.Value == nil {
			delete(left, string(rec.Key))
		} else {
			left[string(rec.Key)] = true
		}
	}
	return left
}

// fakeLoop is a deterministic stand-in for stream.Loop: everything that the
// runtime would do at some time is a step, and whoever drives it decides which
// step comes next.
type fakeLoop struct {
	w    *world
	task *Task
	name string

	mailbox []func()        // posted, first in first out
	jobs    []func()        // on workers or goroutines of the task's own, in any order
	appends []pendingAppend // sent, not in the log yet, in any order
	waiting []readBack      // in the log, not read back
	tail    int             // sessions read up to

	fetched  [topicCount]int
	queue    [topicCount][]*fakeInput // fetched, not handed over
	busy     map[string]bool          // topic|key under way
	windows  [topicCount][]*fakeInput
	holds    [topicCount]int
	frontier [topicCount]int64
	mark     time.Time
	sampled  time.Time // zero: the login topic's end is always known
	timers   []*fakeTimer
	pending  []fakeEntry // retired or emitted, not committed
	retiring bool        // what is emitted belongs to what retires

	round   time.Time // when the one that is under way began; zero: now
	fenced  bool      // a successor has taken over: nothing is committed any more
	closed  bool
	crashed bool
}

// fakeEntry is what leaves in one transaction, whatever else that holds: one
// Emit, or an input with what was emitted as it retired. next is the offset
// that it makes committable; 0: none.
type fakeEntry struct {
	records []*stream.Record
	topic   topic
	next    int64
}

type pendingAppend struct {
	rec  *stream.Record
	back func(error)
}

type readBack struct {
	offset int
	back   func(error)
}

type fakeTimer struct {
	at time.Time
	f  func()
}

type fakeInput struct {
	loop    *fakeLoop
	topic   topic
	rec     *stream.Record
	p       *prepared
	done    bool
	out     []*stream.Record
	retired func()
}

// newLoop is a new owner: it writes its marker, restores up to it and opens.
func (w *world) newLoop(p *processor) *fakeLoop {
	w.owners++
	l := &fakeLoop{w: w, name: fmt.Sprintf("owner-%d", w.owners), busy: map[string]bool{}}
	mine := *p
	mine.spawn = func(f func()) { l.jobs = append(l.jobs, f) }
	mine.clock = func() time.Time { return w.now }
	mine.random = func() float64 { return 0.5 }
	l.task = mine.newTask(l)
	for t := range topicCount {
		l.fetched[t], l.frontier[t] = int(w.committed[t]), w.committed[t]
	}
	w.sessions = append(w.sessions, &stream.Record{Topic: w.names.sessions, Key: []byte("\x00marker|" + w.names.sessions + "|0"), Value: []byte(l.name)})
	for _, rec := range w.parked {
		l.task.Restore(rec)
	}
	for l.tail < len(w.sessions) {
		l.readTail()
	}
	l.task.Open()
	return l
}

func (l *fakeLoop) Partition() int32  { return 0 }
func (l *fakeLoop) Owner() string     { return l.name }
func (l *fakeLoop) Now() time.Time    { return l.w.now }
func (l *fakeLoop) Do(job stream.Job) { l.Work(job.Work, job.Worked) }

// Round is Now, unless the round goes on for long.
func (l *fakeLoop) Round() time.Time {
	if !l.round.IsZero() {
		return l.round
	}
	return l.w.now
}

func (l *fakeLoop) Work(f, then func()) {
	l.jobs = append(l.jobs, func() {
		f()
		l.mailbox = append(l.mailbox, then)
	})
}

func (l *fakeLoop) Post(f func()) bool {
	if l.closed {
		return false
	}
	l.mailbox = append(l.mailbox, f)
	return true
}

func (l *fakeLoop) After(d time.Duration, f func()) func() {
	timer := &fakeTimer{l.w.now.Add(d), f}
	l.timers = append(l.timers, timer)
	return func() { l.timers = slices.DeleteFunc(l.timers, func(t *fakeTimer) bool { return t == timer }) }
}

func (l *fakeLoop) Emit(out []*stream.Record, _ func()) {
	if l.retiring {
		last := &l.pending[len(l.pending)-1]
		last.records = append(slices.Clip(last.records), out...)
		return
	}
	l.pending = append(l.pending, fakeEntry{records: out})
}

func (l *fakeLoop) Append(rec *stream.Record, back func(error)) {
	if !l.crashed {
		l.appends = append(l.appends, pendingAppend{rec, back})
	}
}

func (l *fakeLoop) Watermark() time.Time {
	if !l.sampled.IsZero() {
		return l.sampled
	}
	if l.fetched[topicLogin] == len(l.w.inputs[topicLogin]) && l.w.now.After(l.mark) {
		return l.w.now
	}
	return l.mark
}

func (l *fakeLoop) Frontier(string, int32) int64 { return l.frontier[topicLogin] }

func (l *fakeLoop) Queued(name string, key []byte) bool {
	return slices.ContainsFunc(l.queue[l.w.names.byName[name]], func(in *fakeInput) bool { return string(in.rec.Key) == string(key) })
}

func (l *fakeLoop) Hold(name string)    { l.holds[l.w.names.byName[name]]++ }
func (l *fakeLoop) Release(name string) { l.holds[l.w.names.byName[name]]-- }

// Fail ends the ownership: whoever comes next restores everything.
func (l *fakeLoop) Fail(error) { l.close() }

// Done is the input's; like the runtime's it hands nothing over itself.
func (in *fakeInput) Done(out []*stream.Record, retired func()) {
	if in.done {
		panic("Done twice")
	}
	in.done, in.out, in.retired = true, out, retired
	delete(in.loop.busy, in.key())
}

func (in *fakeInput) key() string { return fmt.Sprint(in.topic, "|", string(in.rec.Key)) }

// steps lists what may happen next, in a fixed order.
func (l *fakeLoop) steps() []func() {
	if l.crashed {
		return nil
	}
	var steps []func()
	for i := range l.appends {
		steps = append(steps, func() { l.land(i) })
	}
	for i := range l.jobs {
		steps = append(steps, func() { l.runJob(i) })
	}
	if l.closed {
		return steps
	}
	if len(l.mailbox) > 0 {
		steps = append(steps, l.runMail)
	}
	if l.tail < len(l.w.sessions) {
		steps = append(steps, l.readTail)
	}
	for i, timer := range l.timers {
		if !timer.at.After(l.w.now) {
			steps = append(steps, func() { l.fire(i) })
		}
	}
	for t := range topicCount {
		if l.fetched[t] < len(l.w.inputs[t]) {
			steps = append(steps, func() { l.fetch(t) })
		}
		if i := l.handable(t); i >= 0 {
			steps = append(steps, func() { l.hand(t, i) })
		}
		if len(l.windows[t]) > 0 && l.windows[t][0].done {
			steps = append(steps, func() { l.retire(t) })
		}
	}
	return steps
}

func (l *fakeLoop) land(i int) {
	a := l.appends[i]
	l.appends = slices.Delete(l.appends, i, i+1)
	a.rec.Offset = int64(len(l.w.sessions))
	l.w.sessions = append(l.w.sessions, a.rec)
	if !l.closed && a.back != nil {
		l.waiting = append(l.waiting, readBack{len(l.w.sessions) - 1, a.back})
		l.backs()
	}
}

// timeOut ends an append: it stands, or not, or will some time, and its writer
// learns nothing of it.
func (l *fakeLoop) timeOut(i int, stands, late bool) {
	a := l.appends[i]
	l.appends = slices.Delete(l.appends, i, i+1)
	switch {
	case late:
		l.appends = append(l.appends, pendingAppend{rec: a.rec})
	case stands:
		a.rec.Offset = int64(len(l.w.sessions))
		l.w.sessions = append(l.w.sessions, a.rec)
	}
	if !l.closed && a.back != nil {
		a.back(errors.New("timed out"))
	}
}

func (l *fakeLoop) runJob(i int) {
	job := l.jobs[i]
	l.jobs = slices.Delete(l.jobs, i, i+1)
	job()
}

func (l *fakeLoop) runMail() {
	f := l.mailbox[0]
	l.mailbox = l.mailbox[1:]
	f()
}

func (l *fakeLoop) readTail() {
	rec := l.w.sessions[l.tail]
	l.tail++
	if rec != nil {
		l.task.Restore(rec)
	}
	l.backs()
}

func (l *fakeLoop) backs() {
	for i := 0; i < len(l.waiting); {
		if w := l.waiting[i]; w.offset < l.tail {
			l.waiting = slices.Delete(l.waiting, i, i+1)
			w.back(nil)
			continue
		}
		i++
	}
}

func (l *fakeLoop) fire(i int) {
	timer := l.timers[i]
	l.timers = slices.Delete(l.timers, i, i+1)
	timer.f()
}

func (l *fakeLoop) fetch(t topic) {
	rec := l.w.inputs[t][l.fetched[t]]
	l.fetched[t]++
	in := &fakeInput{loop: l, topic: t, rec: rec, p: l.task.prepare(rec)}
	l.queue[t] = append(l.queue[t], in)
	l.windows[t] = append(l.windows[t], in)
	if t == topicLogin && rec.Timestamp.After(l.mark) {
		l.mark = rec.Timestamp
	}
}

// handable answers the first input of a topic that may be handed over.
func (l *fakeLoop) handable(t topic) int {
	if l.holds[t] > 0 {
		return -1
	}
	seen := map[string]bool{}
	for i, in := range l.queue[t] {
		backlog := l.fetched[topicLogin] < len(l.w.inputs[topicLogin]) && l.holds[topicLogin] == 0
		if t != topicLogin && backlog && in.rec.Timestamp.After(l.Watermark().Add(time.Second)) {
			return -1
		}
		if t == topicLogin || !l.busy[in.key()] && !seen[in.key()] {
			return i
		}
		seen[in.key()] = true
	}
	return -1
}

func (l *fakeLoop) hand(t topic, i int) {
	in := l.queue[t][i]
	l.queue[t] = slices.Delete(l.queue[t], i, i+1)
	l.busy[in.key()] = true
	l.task.handle(in, in.rec, in.p)
}

func (l *fakeLoop) retire(t topic) {
	in := l.windows[t][0]
	l.windows[t] = l.windows[t][1:]
	l.frontier[t] = in.rec.Offset + 1
	l.pending = append(l.pending, fakeEntry{in.out, t, in.rec.Offset + 1})
	if in.retired != nil {
		l.retiring = true
		in.retired()
		l.retiring = false
	}
}

// commit makes durable what has retired, unless a successor has fenced us.
func (l *fakeLoop) commit() { l.commitSome(len(l.pending)) }

// commitSome is a transaction that ends behind the first n entries: the runtime
// may cut anywhere between two.
func (l *fakeLoop) commitSome(n int) {
	if l.fenced || l.closed || l.crashed {
		return
	}
	for _, entry := range l.pending[:n] {
		for _, rec := range entry.records {
			if rec.Topic == l.w.names.parked {
				l.w.parked = append(l.w.parked, rec)
			} else {
				l.w.out = append(l.w.out, rec)
			}
		}
		if entry.next > 0 {
			l.w.committed[entry.topic] = entry.next
		}
	}
	l.pending = l.pending[n:]
}

// settle takes every step there is, without the clock moving.
func (l *fakeLoop) settle() {
	for range 100_000 {
		steps := l.steps()
		if len(steps) == 0 {
			l.commit()
			return
		}
		steps[0]()
	}
	panic("the loop does not settle")
}

// advance moves the clock in small steps, settling after each.
func (l *fakeLoop) advance(d time.Duration) {
	for end := l.w.now.Add(d); l.w.now.Before(end); {
		l.w.now = l.w.now.Add(min(50*time.Millisecond, end.Sub(l.w.now)))
		l.settle()
	}
}

// close ends the ownership in good order of the runtime: the task is told.
func (l *fakeLoop) close() {
	l.task.Close()
	l.closed = true
	l.timers, l.mailbox, l.waiting = nil, nil, nil
}

// crash ends the process: what was sent may or may not have arrived.
func (l *fakeLoop) crash(arrives func() bool) {
	for len(l.appends) > 0 {
		if arrives() {
			l.land(0)
		} else {
			l.appends = l.appends[1:]
		}
	}
	l.crashed, l.closed = true, true
}
