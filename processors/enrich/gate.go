package enrich

import "time"

// gate lets exchanges through. Safe for concurrent use.
type gate interface {
	// try takes a permit for one exchange of an app, or answers after how long
	// to try again; with 0, w is woken once when a permit may have come free.
	// The last send of a code waits while the app's exchanges get no answers: w is
	// woken by the first answer, if that comes before.
	try(app string, last bool, w *waiter) (permit, time.Duration)
	// pass hands a wake of an app's on that its waiter had no use for.
	pass(app string)
}

// permit is an exchange that may be written down, and made once that stands.
// Either done or drop is called, once.
type permit interface {
	// ready asks whether the exchange, whose SENT stands, leaves now. Of one that
	// waits told is called later, from any goroutine, with one of the other
	// verdicts; it must not block, and answers false when nobody is left to act
	// on it.
	ready(told func(verdict) bool) verdict
	done(took time.Duration, err error) // the exchange ended so
	drop()                              // nothing was sent
}

// verdict is what becomes of an exchange whose SENT stands.
type verdict uint8

const (
	verdictWait verdict = iota // as many are under way as may be
	verdictGo                  // it leaves now, and is under way from here on
	verdictOff                 // the platform has stopped meanwhile: it is not to leave
)

// waiter is a task that could not go on for want of a permit.
type waiter struct {
	wake    func() bool // must not block; false: it is gone
	waiting bool        // guarded by limits.mu
}

// stalled are waiters that are woken all at once.
type stalled map[*waiter]bool

func (s *stalled) add(w *waiter) {
	if *s == nil {
		*s = stalled{}
	}
	(*s)[w] = true
}

// waiters are woken first come, first served.
type waiters []*waiter

func (q *waiters) add(w *waiter) {
	if !w.waiting {
		w.waiting = true
		*q = append(*q, w)
	}
}

func (q *waiters) take() *waiter {
	if len(*q) == 0 {
		return nil
	}
	w := (*q)[0]
	*q = (*q)[1:]
	w.waiting = false
	return w
}
