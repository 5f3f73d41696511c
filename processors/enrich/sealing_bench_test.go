package enrich

import (
	"slices"
	"testing"
	"time"

	"doustream/schemas"
)

// BenchmarkFact is what a fact costs that has to be sealed, one that has not, and to
// open one: again and again, and with processor caches that something else was in
// meanwhile, as it is in life, where a login is 130 us of other work. Of the latter
// median-ns counts.
func BenchmarkFact(b *testing.B) {
	rig := newBench(b)
	facts, session := rig.proc.facts, benchSession(0)
	rec, err := facts.record(factResult, session, 0)
	must(b, err)
	f, sealed, _ := readFact(rec)
	outcome, err := facts.open(&f, sealed, testApp)
	must(b, err)
	v1, err := rig.proc.sealing.Seal(nil, outcome.Append(nil), purposeSession, facts.bind(nil, &f, testApp))
	must(b, err)
	open := func(sealed []byte) func() error {
		return func() (err error) {
			openedOutcome, err = facts.open(&f, sealed, testApp)
			return err
		}
	}
	for _, row := range []struct {
		name string
		work func() error
	}{
		{"outcome", func() (err error) {
			madeRecord, err = facts.outcome(&f, testApp, &outcome, 0)
			return err
		}},
		{"note", func() error {
			madeRecord = facts.note(&f, 0)
			return nil
		}},
		{"open", open(sealed)},
		{"open with a subkey of its own", open(v1)},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := row.work(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(row.name+"/cold", func(b *testing.B) { cold(b, row.work) })
	}
}

// What benchmarks make, so that they do make it.
var (
	madeRecord    any
	openedOutcome schemas.SessionOutcome
)

func cold(b *testing.B, work func() error) {
	others := make([]byte, 4<<20)
	var took []time.Duration
	for b.Loop() {
		for i := 0; i < len(others); i += 64 {
			others[i]++
		}
		start := time.Now()
		err := work()
		took = append(took, time.Since(start))
		if err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took) // a mean would count who else used the processor meanwhile
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "median-ns")
}
