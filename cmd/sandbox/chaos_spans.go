package main

import (
	"slices"
	"time"
)

// span is a time in which an answer or a request may have been lost that
// somebody had in hand, by no fault of theirs. The platform's bad days are no
// spans, for its own ledger tells them; but what it had in hand when it began to
// refuse connections, which cuts those that there are, has one. A SIGTERM, an
// instance that leaves and a stop below the session time-out have none: whoever
// ends in good order, or only stands still, loses nothing. ClickHouse holds no
// answers.
type span struct {
	from, to time.Time
	role     string // whose process; empty: a broker's or the platform's, which everybody feels
}

const (
	// brokerFelt is how long a broker's fault is felt: a session time-out and a
	// take-over.
	brokerFelt = 15 * time.Second
	// killFelt covers what lies between the signal, or the word to the platform, and
	// the note of it.
	killFelt = 500 * time.Millisecond
)

// spanOf is the span of a fault, if it has one.
func spanOf(f fault, from, healed time.Time) (s span, loses bool) {
	struck := healed.Add(-f.lasts) // from may be before: one fault at a time for each
	switch f.kind {
	case faultKill:
		return span{struck.Add(-killFelt), struck.Add(killFelt), roleOf(f.target)}, true
	case faultPause:
		return span{struck.Add(-killFelt), healed.Add(killFelt), roleOf(f.target)}, true
	case faultBroker, faultNode, faultReboot, faultStall, faultErrors, faultCoords, faultEnd:
		return span{from, healed.Add(brokerFelt), ""}, true
	case faultRefuse:
		return span{from, from.Add(killFelt), ""}, true
	}
	return span{}, false
}

// suffered says whether a process of that role may have lost what it had in
// hand between two moments.
func (o *oracle) suffered(role string, from, to time.Time) bool {
	return slices.ContainsFunc(o.spans, func(s span) bool {
		return (s.role == role || s.role == "") && !s.from.After(to) && !s.to.Before(from)
	})
}
