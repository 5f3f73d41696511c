package notify

import "time"

// gate holds an app's sends back: after errors that stop the app, after a
// quota, and while the platform does not answer. When its pause is over it
// lets one send through at a time as a probe, until one succeeds.
type gate struct {
	until    time.Time
	pause    time.Duration // 0: open
	failures int           // unanswered sends in a row
}

// stop is for how long a gate closes at first, and at most.
type stop struct{ min, max time.Duration }

var (
	stopConfig = stop{time.Minute, 10 * time.Minute}
	stopQuota  = stop{time.Minute, 10 * time.Minute}
	stopOutage = stop{time.Second, 30 * time.Second}
)

// outageAfter is how many unanswered sends in a row make an outage.
const outageAfter = 5

// closed reports whether nothing may be sent now; until is when to ask again,
// or zero when only an answer can change it.
func (g *gate) closed(now time.Time, inFlight int) (closed bool, until time.Time) {
	switch {
	case now.Before(g.until):
		return true, g.until
	case g.pause > 0 && inFlight > 0:
		return true, time.Time{}
	}
	return false, time.Time{}
}

// shut closes the gate, and reports whether it was open to all before. What
// was under way when it closed does not lengthen the pause.
func (g *gate) shut(s stop, now time.Time) (first bool) {
	if now.Before(g.until) {
		return false
	}
	first = g.pause == 0
	g.pause = min(max(g.pause*2, s.min), s.max)
	g.until = now.Add(g.pause)
	return first
}

// unanswered counts a send that the platform did not answer, and reports
// whether it shut the gate that was open.
func (g *gate) unanswered(now time.Time) (first bool) {
	g.failures++
	if g.pause == 0 && g.failures < outageAfter {
		return false
	}
	return g.shut(stopOutage, now)
}

// open lets everything through again: the platform answered, and nothing that
// concerns the app as a whole. It reports whether the gate was not open before.
func (g *gate) open() (reopened bool) {
	reopened = g.pause > 0
	*g = gate{}
	return reopened
}
