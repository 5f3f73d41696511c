package notify

import (
	"crypto/sha256"
	"time"

	"doustream/platform/stream"
	"doustream/schemas"
)

// ledger is what is known of the users' consents: facts of the consents topic,
// less what was sent since. An entry that a send has changed is kept as a
// snapshot in the state topic, with the offset of the last fact in it, so that
// a restart counts no fact twice and forgets no send. Owned by the task's loop.
type ledger struct {
	max     int
	entries map[id]schemas.CreditState
	full    bool // facts were left out: that an entry is missing says nothing
}

// clockTolerance is how much earlier than a refusal by the platform an accept
// may claim to be and still count as the later one: two machines' clocks.
const clockTolerance = 5 * time.Second

func newLedger(limit int) *ledger {
	return &ledger{max: limit, entries: map[id]schemas.CreditState{}}
}

func creditID(appID, openID, templateID string) id {
	sum := sha256.Sum256([]byte(appID + "|" + openID + "|" + templateID))
	return id(sum[:16])
}

// restore takes in a snapshot, before any fact.
func (l *ledger) restore(key id, s schemas.CreditState) { l.entries[key] = s }

// take takes in a fact. The snapshot that may hold it already was restored
// before: the runtime reads followed topics behind all state.
func (l *ledger) take(f schemas.ConsentFact, rec *stream.Record) {
	key := creditID(f.AppID, f.OpenID, f.TemplateID)
	s, known := l.entries[key]
	if known && includes(s, f, rec) {
		return
	}
	if !known && len(l.entries) >= l.max {
		l.full = true
		return
	}
	s.Partition, s.Offset = rec.Partition, rec.Offset
	switch f.Status {
	case schemas.ConsentAccept:
		if s.RefusedAt == 0 || f.OccurredAt > s.RefusedAt-clockTolerance.Milliseconds() {
			s.Credits++
			s.Standing = true
			s.AcceptedAt = max(s.AcceptedAt, f.OccurredAt)
			s.RefusedAt = 0
		}
	case schemas.ConsentReject, schemas.ConsentBan:
		if f.OccurredAt >= s.AcceptedAt {
			s.Standing = false
			s.RejectedAt = f.OccurredAt
		}
	default:
		if !known {
			return
		}
	}
	l.entries[key] = s
}

// includes reports whether a fact went into a snapshot already. Facts of one
// user stand in one partition, unless their topic was given more.
func includes(s schemas.CreditState, f schemas.ConsentFact, rec *stream.Record) bool {
	if s.Partition == rec.Partition {
		return rec.Offset <= s.Offset
	}
	return f.OccurredAt <= max(s.AcceptedAt, s.RejectedAt)
}

// permits reports whether the platform may be asked to send: under advise
// unless the ledger knows of a no, under enforce only on a yes. kind is the
// template's, or empty when it is not configured.
func (l *ledger) permits(key id, mode Credits, kind TemplateKind) bool {
	s, known := l.entries[key]
	if mode == CreditsEnforce && kind != "" && (known || !l.full) {
		if kind == TemplateLongTerm {
			return s.Standing
		}
		return s.Credits > 0
	}
	return !known || s.Credits > 0 || s.Standing && kind == TemplateLongTerm ||
		max(s.RejectedAt, s.RefusedAt) <= s.AcceptedAt
}

// spend takes the credit of a message that was sent, and answers the entry to
// be kept, if it changed.
func (l *ledger) spend(key id) (schemas.CreditState, bool) {
	s, known := l.entries[key]
	if !known || s.Credits == 0 {
		return s, false
	}
	s.Credits--
	l.entries[key] = s
	return s, true
}

// refuse corrects the ledger by what the platform said, and answers the entry
// to be kept.
func (l *ledger) refuse(key id, now time.Time) (schemas.CreditState, bool) {
	s, known := l.entries[key]
	if !known && len(l.entries) >= l.max {
		return s, false
	}
	if !known {
		s.Partition, s.Offset = -1, -1
	}
	s.Credits, s.Standing, s.RefusedAt = 0, false, now.UnixMilli()
	l.entries[key] = s
	return s, true
}

// reseal writes up to limit consents anew that were found under a key that goes
// out of use, or where they no longer belong. All other state leaves such places
// at the end of its life; a consent that was spent has none.
func (t *Task) reseal(limit int) {
	ids := t.stale[:min(limit, len(t.stale))]
	if t.stale = t.stale[len(ids):]; len(t.stale) == 0 {
		t.stale = nil
	}
	var out []*stream.Record
	for _, i := range ids {
		s, known := t.ledger.entries[i]
		if !known {
			continue
		}
		rec, err := t.codec.credit(i, s)
		if err != nil {
			t.fail("write credit state", err)
			return
		}
		out = t.recall(append(out, rec), prefixCredit, i)
	}
	if len(out) > 0 {
		t.emit(out, nil)
	}
}
