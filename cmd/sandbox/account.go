package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/schemas"
)

// outcome is what came of one input record, as one reader saw it: the kind of an
// enriched record, the status of a result or the reason of a dead letter.
type outcome struct {
	source schemas.Source
	what   string
	at     time.Time // when the reader had it
	says   string    // of a row: what else it says, in one line

	// Of an enriched record: where it stands in users.enriched, and whose it is.
	partition int32
	offset    int64
	session   string
}

// fate is one input record with what came of it.
type fate struct {
	sent  traffic.Sent
	kafka []outcome // read committed
	rows  []outcome // of ClickHouse
}

// account holds every input record against what came of it.
type account struct {
	fates   []*fate
	bySrc   map[schemas.Source]*fate
	strange []string // outcomes of records that nobody sent
	rows    bool     // ClickHouse was asked
	// troubled: processes were killed or the platform failed, so that what was
	// under way may have become unknown.
	troubled bool
}

func newAccount(sent []traffic.Sent) *account {
	a := &account{bySrc: make(map[schemas.Source]*fate, len(sent))}
	for _, s := range sent {
		f := &fate{sent: s}
		a.fates = append(a.fates, f)
		a.bySrc[schemas.Source{Topic: s.Topic, Partition: s.Partition, Offset: s.Offset}] = f
	}
	return a
}

// addKafka and addRows enter what the two readers saw.
func (a *account) addKafka(outcomes []outcome) {
	for _, o := range outcomes {
		if f := a.find(o, "kafka"); f != nil {
			f.kafka = append(f.kafka, o)
		}
	}
}

func (a *account) addRows(outcomes []outcome) {
	a.rows = true
	for _, o := range outcomes {
		if f := a.find(o, "clickhouse"); f != nil {
			f.rows = append(f.rows, o)
		}
	}
}

func (a *account) find(o outcome, reader string) *fate {
	f, ok := a.bySrc[o.source]
	if !ok {
		a.strange = append(a.strange, fmt.Sprintf("%s: %s of %s, which nobody sent", reader, o.what, o.source))
	}
	return f
}

// faults are all the ways in which the account does not hold, the same ones
// together.
func (a *account) faults() []string {
	faults := slices.Clone(a.strange)
	for _, f := range a.fates {
		faults = append(faults, a.judge(f)...)
	}
	return append(faults, a.disorder()...)
}

// disorder finds sessions whose enriched records do not leave in the order of
// their topic, or before the first login's (I4). A session's records share a
// key, and so a partition.
func (a *account) disorder() []string {
	var faults []string
	sessions := map[string][]*fate{}
	for _, f := range a.fates {
		if len(f.kafka) == 1 && f.kafka[0].session != "" {
			sessions[f.kafka[0].session] = append(sessions[f.kafka[0].session], f)
		}
	}
	for session, fates := range sessions {
		slices.SortFunc(fates, func(x, y *fate) int { return cmp.Compare(x.kafka[0].offset, y.kafka[0].offset) })
		if first := fates[0].kafka[0]; first.what != schemas.KindLogin.String() {
			faults = append(faults, fmt.Sprintf("session %s: %s of %s left before any login", session, first.what, first.source))
		}
		last := map[string]int64{}
		for _, f := range fates {
			if before, ok := last[f.sent.Topic]; ok && f.sent.Offset < before {
				faults = append(faults, fmt.Sprintf("session %s: %s/%d left behind offset %d", session, f.sent.Topic, f.sent.Offset, before))
			}
			last[f.sent.Topic] = f.sent.Offset
			if f.kafka[0].partition != fates[0].kafka[0].partition {
				faults = append(faults, fmt.Sprintf("session %s: in partitions %d and %d", session, fates[0].kafka[0].partition, f.kafka[0].partition))
			}
		}
	}
	return faults
}

// judge tells what is wrong with one fate.
func (a *account) judge(f *fate) []string {
	var faults []string
	say := func(format string, args ...any) {
		faults = append(faults, fmt.Sprintf("%s (%s, %s/%d/%d): ", cmp.Or(f.sent.ID, "no id"), f.sent.Case, f.sent.Topic, f.sent.Partition, f.sent.Offset)+fmt.Sprintf(format, args...))
	}
	switch {
	case len(f.kafka) == 0:
		say("lost: nothing came of it, want %v", f.sent.Want)
	case len(f.kafka) > 1:
		say("twice: %v", whats(f.kafka))
	case !f.sent.Wanted(f.kafka[0].what) && !a.excused(f):
		say("became %s, want %v", f.kafka[0].what, f.sent.Want)
	}
	switch {
	case !a.rows:
	case len(f.rows) != len(f.kafka) && len(f.rows) == 0:
		say("no row in ClickHouse")
	case len(f.rows) > 1:
		say("rows in ClickHouse: %v", whats(f.rows))
	case len(f.rows) == 1 && len(f.kafka) == 1 && f.rows[0].what != f.kafka[0].what:
		say("%s in Kafka and %s in ClickHouse", f.kafka[0].what, f.rows[0].what)
	}
	return faults
}

// excused reports whether the trouble explains the outcome: an exchange or a message
// was under way, and nobody can know what became of it. A key that was lost so
// opens nothing.
func (a *account) excused(f *fate) bool {
	if !a.troubled {
		return false
	}
	switch f.kafka[0].what {
	case string(schemas.ReasonCodeOutcomeUnknown), schemas.StatusUnknown.String():
		return true
	case string(schemas.ReasonLoginFailed), string(schemas.ReasonDecryptFailed):
		return a.lostLogin(f.sent.Session)
	}
	return false
}

// lostLogin reports whether a login of the session ended as unknown.
func (a *account) lostLogin(session string) bool {
	return slices.ContainsFunc(a.fates, func(f *fate) bool {
		return f.sent.Session == session && len(f.kafka) > 0 && f.kafka[0].what == string(schemas.ReasonCodeOutcomeUnknown)
	})
}

func whats(outcomes []outcome) []string {
	var names []string
	for _, o := range outcomes {
		names = append(names, o.what)
	}
	return names
}

// tally counts fates by what became of them.
func (a *account) tally(keep func(*fate) bool) map[string]int {
	counts := map[string]int{}
	for _, f := range a.fates {
		if len(f.kafka) > 0 && keep(f) {
			counts[f.kafka[0].what]++
		}
	}
	return counts
}

// acked is how long Kafka took to have each record, sorted.
func (a *account) acked() []time.Duration {
	took := make([]time.Duration, len(a.fates))
	for i, f := range a.fates {
		took[i] = time.Duration(f.sent.AckedAt-f.sent.SentAt) * time.Millisecond
	}
	slices.Sort(took)
	return took
}

// latencies of the logins, from the producer's hand to each reader, sorted.
func (a *account) latencies() (enriched, rows []time.Duration) {
	for _, f := range a.fates {
		if len(f.kafka) == 0 || f.kafka[0].what != schemas.KindLogin.String() {
			continue
		}
		sent := time.UnixMilli(f.sent.SentAt)
		enriched = append(enriched, f.kafka[0].at.Sub(sent))
		if len(f.rows) > 0 {
			rows = append(rows, f.rows[0].at.Sub(sent))
		}
	}
	slices.Sort(enriched)
	slices.Sort(rows)
	return enriched, rows
}

// percentile of what is sorted; 0 of nothing.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}
