package enrich

import (
	"log/slog"

	"doustream/platform/stream"
)

// maxAttempts is how many sends of one code may have an outcome that is
// unknown.
const maxAttempts = 2

// skew is how far the clocks of two instances may be apart, in ms.
const skew = 1000

// ledger is what doustream.sessions says of codes: the outcome of each, which
// is its first decisive fact in log order, whoever wrote it, and the sends of
// those that have none yet. Everything in it came through Restore, in log
// order, so that all instances agree. The task's loop alone uses it.
type ledger struct {
	owner    uint64
	name     string
	deadline int64 // ms that an exchange may take
	table    *table
	open     map[codeHash]sends // codes without an outcome; the hash covers the session
	horizon  int64              // ms; what is older is forgotten, and not taken in
	now      func() int64       // ms
	read     int64              // ms, what now answered last
	marked   bool               // this owner's marker was seen,
	since    int64              // then (ms)
	usurped  bool               // and after it another owner's: this task may not send any more
	stray    func(fact)         // told of own SENTs that stand, once one was reported as failed; nil before
	skipped  func(why string)
	logger   *slog.Logger
	marker   func(*stream.Record) (string, bool)
}

// sends are the sends of a code without outcome; attempt n is sends[n-1].
type sends [maxAttempts]send

type send struct {
	sent  bool   // a SENT stands, and nothing says that it came to nothing
	own   bool   // this owner's: nothing to wait for
	owner uint64 // who wrote it
	at    int64  // ms, when its SENT was written
}

// take takes in one record, and answers it when it is the outcome of a code.
func (l *ledger) take(rec *stream.Record) (f fact, decided bool) {
	if owner, ok := l.marker(rec); ok {
		l.mark(owner)
		return fact{}, false
	}
	f, sealed, ok := readFact(rec)
	switch {
	case !ok:
		l.skip(rec)
	case f.at < l.horizon:
	case f.decisive():
		delete(l.open, f.hash)
		return f, l.table.add(&f, sealed, l.clock(f.at))
	case f.kind == factSent:
		l.sent(&f)
	default:
		l.annulled(&f)
	}
	return fact{}, false
}

// clock answers a time (ms) that has been: that of the last look at the clock, or
// a new one for a fact that is dated after it. A look for each of millions is dear.
func (l *ledger) clock(at int64) int64 {
	if at > l.read {
		l.read = l.now()
	}
	return l.read
}

// annulled takes one send back: the one that was written at the same time by
// the same owner. A later send under the same number stands.
func (l *ledger) annulled(f *fact) {
	if s := l.open[f.hash][f.attempt-1]; s.at == f.at && s.owner == f.owner {
		l.annul(f.hash, int(f.attempt))
	}
}

// mark notes whose the newest marker is. A marker of another owner after one's
// own is a successor's: it restored all that stands before it, and reckons
// with no send that does not.
func (l *ledger) mark(owner string) {
	if owner == l.name {
		l.marked, l.since = true, l.now()
	} else if l.marked {
		l.usurped = true
	}
}

// sent notes a SENT. Another owner's that stands after our marker never left:
// its writer reads it back behind our marker.
func (l *ledger) sent(f *fact) {
	own := f.owner == l.owner
	if l.marked && !own {
		return
	}
	if _, ok := l.table.decided(f.session, f.hash); ok {
		return
	}
	s := l.open[f.hash]
	before := s[f.attempt-1]
	s[f.attempt-1] = send{sent: true, own: own, owner: f.owner, at: f.at}
	l.open[f.hash] = s
	if l.stray != nil && own && !before.sent && !l.usurped {
		l.stray(*f)
	}
}

// counts reports whether a send of this owner's stands that was written so (ms).
func (l *ledger) counts(hash codeHash, attempt int, at int64) bool {
	s := l.open[hash][attempt-1]
	return s.sent && s.own && s.at == at
}

// next answers which attempt may be sent now (1 or 2), or 0 when both are used
// up; until is when (ms) the answer counts: the exchange of another owner may
// still be under way before. Its SENT was written before this owner's marker, even if
// its clock was ahead.
func (l *ledger) next(hash codeHash) (attempt int, until int64) {
	for i, one := range l.open[hash] {
		switch {
		case !one.sent && attempt == 0:
			attempt = i + 1
		case one.sent && !one.own:
			until = max(until, min(one.at, l.since)+l.deadline+skew)
		}
	}
	return attempt, until
}

// unknown reports whether a send of the code has an outcome nobody knows.
func (l *ledger) unknown(hash codeHash) bool {
	s := l.open[hash]
	return s[0].sent || s[1].sent
}

// annul notes that a send of our own certainly changed nothing.
func (l *ledger) annul(hash codeHash, attempt int) {
	if s, ok := l.open[hash]; ok {
		s[attempt-1] = send{}
		l.open[hash] = s
	}
}

// expire forgets what is older than before (ms).
func (l *ledger) expire(before int64) {
	l.horizon = before
	l.table.expire(before)
	for hash, s := range l.open {
		if max(s[0].at, s[1].at) < before {
			delete(l.open, hash)
		}
	}
}

// skip passes over a record that cannot be read. The value is not looked at:
// a record without one is what retention or an operator left.
func (l *ledger) skip(rec *stream.Record) {
	if len(rec.Value) == 0 {
		return
	}
	l.skipped("sessions")
	l.logger.Error("skip a record of doustream.sessions that is none of ours",
		"partition", rec.Partition, "offset", rec.Offset)
}
