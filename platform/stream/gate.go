package stream

import "time"

// sampleLife is how long an end offset of the leading topic counts.
const sampleLife = time.Second

// gate holds followers back while their leader has a backlog: an event of
// another topic waits only while the leading topic has unread records, is not
// itself paused, and the event's timestamp is more than the tolerance past the
// watermark. Owned by the task's loop.
type gate struct {
	loop      *loop
	leaders   []*partition
	mark      time.Time // greatest timestamp of the leading topic that was taken in
	sampling  bool
	retrySet  bool
	sampledBy time.Time // when the last sample was asked for
}

// lead takes note of a record of the leading topic. One from the future tells of
// nothing but its producer's clock: whatever is read later would be before it.
func (g *gate) lead(at time.Time) {
	if at.After(g.mark) && !at.After(g.loop.now().Add(g.loop.session.cfg.LeadTolerance)) {
		g.mark = at
	}
}

// passes reports whether an input need not wait for the leading topic.
func (g *gate) passes(p *partition, in *Input) bool {
	if !p.follows || !in.Record.Timestamp.After(g.mark.Add(g.loop.session.cfg.LeadTolerance)) {
		return true
	}
	now := g.loop.now()
	if g.caughtUp(now) {
		if now.Sub(g.sampledBy) > sampleLife/2 {
			g.sample() // before this one is too old, so that a quiet leader costs nobody a round trip
		}
		return true
	}
	if g.paused(now) {
		return true
	}
	if now.Sub(g.sampledBy) > sampleLife/4 {
		g.sample()
	}
	g.lookAgain()
	return false
}

// caughtUp reports whether everything that the leading topic held when its end
// was sampled, within the last second, has been taken in.
func (g *gate) caughtUp(now time.Time) bool {
	for _, p := range g.leaders {
		if p.sampledAt.IsZero() || now.Sub(p.sampledAt) > sampleLife || p.position < p.end {
			return false
		}
	}
	return len(g.leaders) > 0
}

// paused reports whether a leading partition's window is full or held, or what it
// has to be handed over next waits for something else: who waits for it then may be
// what it waits for, or wait for long.
func (g *gate) paused(now time.Time) bool {
	for _, p := range g.leaders {
		if p.flow.isPaused() || p.queues.holds > 0 || p.heldUp(now) {
			return true
		}
	}
	return false
}

// sample asks for the leaders' end offsets, one request at a time.
func (g *gate) sample() {
	if g.sampling {
		return
	}
	g.sampling, g.sampledBy = true, g.loop.now()
	g.loop.session.sampler.ask(g.loop)
}

// sampled takes an answer in; all is nil when the request failed.
func (g *gate) sampled(at time.Time, all ends) {
	g.sampling = false
	for _, p := range g.leaders {
		if end, ok := all[topicPartition{p.topic, p.number}]; ok {
			p.end, p.sampledAt = end.Offset, at
		}
	}
}

// lookAgain has the held inputs considered again a little later.
func (g *gate) lookAgain() {
	if g.retrySet {
		return
	}
	g.retrySet = true
	g.loop.after(sampleLife/4, func() { g.retrySet = false })
}

func (l *loop) watermark() time.Time {
	g := &l.gate
	if len(g.leaders) == 0 {
		return time.Time{}
	}
	now := l.now()
	if now.Sub(g.sampledBy) > sampleLife/2 {
		g.sample()
	}
	if !g.caughtUp(now) {
		return g.mark
	}
	// Not now: what was appended since the sample has not been seen, and may be
	// older by its timestamp than anything that has.
	at := now
	for _, p := range g.leaders {
		if p.sampledAt.Before(at) {
			at = p.sampledAt
		}
	}
	if at.After(g.mark) {
		return at
	}
	return g.mark
}
