package enrich

// alarm has an event looked at again at a moment in ms, of the clock or of the
// login topic's watermark. What an alarm does is always the same: the event is
// decided anew. One too many does no harm.
type alarm struct {
	at int64
	e  *event
}

// alarms is a heap, the earliest first.
type alarms []alarm

func (a *alarms) push(one alarm) {
	h := append(*a, one)
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if h[parent].at <= h[i].at {
			break
		}
		h[parent], h[i] = h[i], h[parent]
		i = parent
	}
	*a = h
}

// due takes the earliest alarm out if it is not after now.
func (a *alarms) due(now int64) (*event, bool) {
	h := *a
	if len(h) == 0 || h[0].at > now {
		return nil, false
	}
	e := h[0].e
	last := len(h) - 1
	h[0], h[last] = h[last], alarm{}
	h = h[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if h[child].at < h[least].at {
				least = child
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	*a = h
	return e, true
}

// wakeAt has e decided anew at a moment of the clock, unless it will be
// earlier.
func (t *Task) wakeAt(e *event, at int64) {
	if at <= 0 || e.wakeClock != 0 && e.wakeClock <= at {
		return
	}
	e.wakeClock = at
	t.byClock.push(alarm{at, e})
	t.arm()
}

// wakePast has e decided anew when the watermark reaches a moment.
func (t *Task) wakePast(e *event, at int64) {
	if e.wakeMark == at {
		return
	}
	e.wakeMark = at
	t.byWatermark.push(alarm{at, e})
	t.arm()
}

// markEvery is how often, in ms, the watermark is looked at while an event
// waits for it.
const markEvery = 100

// arm sets the one timer to the next moment at which something is due.
func (t *Task) arm() {
	var next int64
	if len(t.byClock) > 0 {
		next = t.byClock[0].at
	}
	now := t.now()
	if mark := now + markEvery; len(t.byWatermark) > 0 && (next == 0 || mark < next) {
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
		e.wakeClock = 0
		due = append(due, e)
	}
	for e, ok := t.byWatermark.due(mark); ok; e, ok = t.byWatermark.due(mark) {
		e.wakeMark = 0
		due = append(due, e)
	}
	for _, e := range due {
		t.decide(e)
	}
	t.arm()
}
