package enrich

import "time"

// gate lets exchanges through. Safe for concurrent use.
type gate interface {
	// try takes a permit for one exchange of an app, or answers after how long
	// to try again; with 0, w is woken once when a permit may have come free.
	// The last send of a code waits while the app's exchanges get no answers.
	try(app string, last bool, w *waiter) (permit, time.Duration)
	// pass hands a wake on that its waiter had no use for.
	pass()
}

// permit is an exchange that may be under way. One of its methods is called,
// once.
type permit interface {
	done(took time.Duration, err error) // the exchange ended so
	drop()                              // nothing was sent
}

// waiter is a task that could not go on for want of a permit.
type waiter struct {
	wake    func() bool // must not block; false: it is gone
	waiting bool        // guarded by limits.mu
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
