package enrich

// alarm has an event looked at again at a moment in ms, of the clock or of the
// login topic's watermark. What an alarm does is always the same: the event is
// decided anew. One too many does no harm.
type alarm struct {
	at int64
	e  *event
}

// alarms are those of one clock. An event has one that counts; what it does not
// count any more is stale, and thrown out before there is more of it than of the
// others: an event that ended keeps nothing.
type alarms struct {
	heap  []alarm             // the earliest first
	at    func(*event) *int64 // when the one that counts is due, ms; 0: there is none
	stale int
}

// set gives e an alarm instead of the one that it has.
func (a *alarms) set(e *event, at int64) {
	a.clear(e)
	*a.at(e) = at
	a.heap = append(a.heap, alarm{at, e})
	a.up(len(a.heap) - 1)
}

// clear takes back the alarm of e, if it has one.
func (a *alarms) clear(e *event) {
	at := a.at(e)
	if *at == 0 {
		return
	}
	*at = 0
	if a.stale++; a.stale > fewAlarms+len(a.heap)/2 {
		a.thin()
	}
}

// fewAlarms are not worth a clearing.
const fewAlarms = 64

// thin throws out what is stale.
func (a *alarms) thin() {
	counts := a.heap[:0]
	for _, one := range a.heap {
		if *a.at(one.e) == one.at {
			counts = append(counts, one)
		}
	}
	clear(a.heap[len(counts):])
	a.heap, a.stale = counts, 0
	for i := len(counts)/2 - 1; i >= 0; i-- {
		a.down(i)
	}
}

// next answers when (ms) the first is due that counts; 0: none.
func (a *alarms) next() int64 {
	for len(a.heap) > 0 {
		if first := a.heap[0]; *a.at(first.e) == first.at {
			return first.at
		}
		a.pop()
	}
	return 0
}

// due takes the earliest alarm out if it is not after now.
func (a *alarms) due(now int64) (*event, bool) {
	if at := a.next(); at == 0 || at > now {
		return nil, false
	}
	e := a.heap[0].e
	*a.at(e) = 0
	a.stale++ // for pop, which counts it out
	a.pop()
	return e, true
}

// pop takes the first out, which is stale by now.
func (a *alarms) pop() {
	last := len(a.heap) - 1
	a.heap[0], a.heap[last] = a.heap[last], alarm{}
	a.heap = a.heap[:last]
	a.stale = max(a.stale-1, 0)
	a.down(0)
}

func (a *alarms) up(i int) {
	for h := a.heap; i > 0; {
		parent := (i - 1) / 2
		if h[parent].at <= h[i].at {
			break
		}
		h[parent], h[i] = h[i], h[parent]
		i = parent
	}
}

func (a *alarms) down(i int) {
	for h := a.heap; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child].at < h[least].at {
				least = child
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// wakeAt has e decided anew at a moment of the clock, unless it will be
// earlier.
func (t *Task) wakeAt(e *event, at int64) {
	if at <= 0 || e.wakeClock != 0 && e.wakeClock <= at {
		return
	}
	t.byClock.set(e, at)
	if t.armed == 0 || at < t.armed { // the timer that is set comes sooner, and looks at all of them
		t.arm()
	}
}

// wakePast has e decided anew when the watermark reaches a moment.
func (t *Task) wakePast(e *event, at int64) {
	if e.wakeMark == at {
		return
	}
	t.byWatermark.set(e, at)
	t.arm()
}

// markEvery is how often, in ms, the watermark is looked at while an event
// waits for it.
const markEvery = 100

// arm sets the one timer to the next moment at which something is due.
func (t *Task) arm() {
	next, now := t.byClock.next(), t.now()
	if mark := now + markEvery; t.byWatermark.next() != 0 && (next == 0 || mark < next) {
		next = mark
	}
	if next == 0 || t.armed != 0 && t.armed <= next {
		return
	}
	if t.disarm != nil {
		t.disarm()
	}
	t.armed = next
	t.disarm = t.loop.After(millis(max(next-now, 1)), t.ring)
}

// ring decides anew whatever is due. What that sets anew is for the next time.
func (t *Task) ring() {
	t.armed, t.disarm = 0, nil
	var due []*event
	now, mark := t.now(), t.mark()
	for e, ok := t.byClock.due(now); ok; e, ok = t.byClock.due(now) {
		due = append(due, e)
	}
	for e, ok := t.byWatermark.due(mark); ok; e, ok = t.byWatermark.due(mark) {
		due = append(due, e)
	}
	for _, e := range due {
		if !t.staysInLine(e, now) {
			t.decide(e)
		}
	}
	t.arm()
}
