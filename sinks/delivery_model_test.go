package sinks

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The model: a log with holes, a group that fences by generation, and a table
// that deduplicates by token, loses parts when it is killed and takes late
// inserts of owners that are gone.

var (
	errCrash  = errors.New("model: the owner dies")
	errPasses = errors.New("model: a passing error")
	errPoison = errors.New("model: a row that the table refuses")
)

type modelRows []int64

func (r modelRows) offsets() []int64 { return r }
func (r modelRows) pick(keep []bool) rows {
	var out modelRows
	for i, k := range keep {
		if k {
			out = append(out, r[i])
		}
	}
	return out
}

type lateInsert struct {
	offsets modelRows
	token   string
}

type model struct {
	t   *rapid.T
	log []int64
	end int // how many records of the log have been written yet

	generation int
	offset     int64
	metadata   string

	table    map[int64]int
	derived  map[int64]bool // what a view has made of the rows
	tokens   map[string]bool
	late     []lateInsert
	poisoned map[int64]bool
	letters  map[int64]int

	calm bool // no more faults
}

// fault draws what happens to one call.
func (m *model) fault(label string, kinds ...string) string {
	if m.calm {
		return "ok"
	}
	return rapid.SampledFrom(append([]string{"ok", "ok", "ok"}, kinds...)).Draw(m.t, label)
}

// apply is an insert; without view it ends between the table and its view.
func (m *model) apply(offsets modelRows, token string, view bool) {
	if m.tokens[token] {
		return
	}
	m.tokens[token] = true
	for _, o := range offsets {
		m.table[o]++
		m.derived[o] = view
	}
}

// arrive lets late inserts of earlier owners land.
// What is under the token of a first round may land at any time: the token
// covers it. What is under another is bounded by the lease and its deadline.
func (m *model) arrive(all bool) {
	kept := m.late[:0]
	for _, l := range m.late {
		if all || !strings.HasSuffix(l.token, "-rows") || rapid.Bool().Draw(m.t, "late insert lands") {
			m.apply(l.offsets, l.token, true)
		} else {
			kept = append(kept, l)
		}
	}
	m.late = kept
}

// modelOwner is one ownership of the topic-partition.
type modelOwner struct {
	m          *model
	generation int
}

func (o modelOwner) commit(_ context.Context, offset int64, metadata string) error {
	f := o.m.fault("commit", "lost", "unanswered", "crash before", "crash after")
	if f == "lost" || o.generation != o.m.generation {
		return errPasses
	}
	if f == "crash before" {
		return errCrash
	}
	o.m.offset, o.m.metadata = offset, metadata
	switch f {
	case "unanswered":
		return errPasses
	case "crash after":
		return errCrash
	}
	return nil
}

func (o modelOwner) insert(_ context.Context, block rows, token string) error {
	offsets := slices.Clone(block.(modelRows))
	for _, offset := range offsets {
		if o.m.poisoned[offset] {
			return errPoison
		}
	}
	f := o.m.fault("insert", "refused", "unanswered", "crash before", "crash after", "in flight", "killed", "half", "half and crash", "view refuses")
	switch f {
	case "refused":
		return errPasses
	case "crash before":
		return errCrash
	case "in flight": // the owner dies while the server works on it
		o.m.late = append(o.m.late, lateInsert{offsets, token})
		return errCrash
	case "killed": // kill -9 of the server: the token is on record, the part is not
		o.m.tokens[token] = true
		return errPasses
	}
	if o.m.tokens[token] && f == "view refuses" {
		f = "ok" // what is known by its token reaches no view that could refuse
	}
	o.m.apply(offsets, token, f != "half" && f != "view refuses" && f != "half and crash")
	switch f {
	case "unanswered", "half":
		return errPasses
	case "crash after", "half and crash":
		return errCrash
	case "view refuses":
		return errPoison
	}
	return nil
}

func (o modelOwner) derive(_ context.Context, block rows) error {
	switch o.m.fault("derive", "fails", "crash") {
	case "fails":
		return errPasses
	case "crash":
		return errCrash
	}
	for _, offset := range block.offsets() {
		if o.m.table[offset] > 0 {
			o.m.derived[offset] = true
		}
	}
	return nil
}

func (o modelOwner) present(_ context.Context, block rows) ([]bool, error) {
	o.m.arrive(false)
	switch o.m.fault("look up", "fails", "crash") {
	case "fails":
		return nil, errPasses
	case "crash":
		return nil, errCrash
	}
	var there []bool
	for _, offset := range block.offsets() {
		there = append(there, o.m.table[offset] > 0)
	}
	return there, nil
}

func (o modelOwner) reject(_ context.Context, offset int64, _ error) error {
	if o.m.fault("reject", "crash") == "crash" {
		return errCrash
	}
	o.m.letters[offset]++
	return nil
}

// own runs one ownership until it dies or the log is done.
func (m *model) own() error {
	m.generation++
	m.arrive(false)
	owner := modelOwner{m, m.generation}
	d := &delivery{
		place: place{"t", 0, "rows"}, commits: owner, store: owner, rejects: owner,
		poison: func(err error) bool { return errors.Is(err, errPoison) },
	}
	var pending *span
	if s, ok := parseSpan(m.metadata); ok {
		pending = &s
	}
	d.resume(m.offset, pending, m.log[m.end-1]+1)
	var announced modelRows
	if pending != nil {
		announced = m.rebuild(*pending)
	}
	for {
		block := announced
		if block == nil {
			if block = m.next(d.committed); block == nil {
				return nil
			}
		}
		if err := m.persist(func() error { return d.announce(context.Background(), spanOf(block)) }); err != nil {
			return err
		}
		if err := m.persist(func() error { return d.insert(context.Background(), block) }); err != nil {
			return err
		}
		announced = nil
		var next *span
		if !m.calm && rapid.Bool().Draw(m.t, "next range is ready") {
			if announced = m.next(block[len(block)-1] + 1); announced != nil {
				s := spanOf(announced)
				next = &s
			}
		}
		if err := m.persist(func() error { return d.settle(context.Background(), next) }); err != nil {
			return err
		}
	}
}

// operate is what an operator does between two owners at times: set the offset
// back with a tool that keeps no metadata.
func (m *model) operate() {
	if m.offset < 0 || rapid.IntRange(0, 4).Draw(m.t, "offset is set back") > 0 {
		return
	}
	m.arrive(true)
	m.offset, m.metadata = int64(rapid.IntRange(0, int(m.offset)).Draw(m.t, "to")), ""
}

// persist retries a step while its errors pass, as the partition does, and at
// times gives the partition up in between.
func (m *model) persist(step func() error) error {
	for {
		err := step()
		if err == nil || errors.Is(err, errCrash) {
			return err
		}
		if errors.Is(err, errVanished) {
			if !m.calm {
				return errCrash // four kills in one range: the partition stops, an operator restarts it
			}
			m.t.Fatalf("vanished rows without a fault: %v", err)
		}
		if !errors.Is(err, errPasses) {
			m.t.Fatalf("step: %v", err)
		}
		if rapid.IntRange(0, 9).Draw(m.t, "revoked between tries") == 0 {
			return errCrash
		}
	}
}

func spanOf(block modelRows) span {
	return span{First: block[0], Last: block[len(block)-1], Count: int64(len(block))}
}

// next is a block of the log from an offset on.
func (m *model) next(from int64) modelRows {
	m.end = rapid.IntRange(m.end, len(m.log)).Draw(m.t, "written")
	if m.calm {
		m.end = len(m.log)
	}
	i, _ := slices.BinarySearch(m.log, max(from, 0))
	if i >= m.end {
		return nil
	}
	n := rapid.IntRange(1, m.end-i).Draw(m.t, "block size")
	return slices.Clone(m.log[i : i+n])
}

func (m *model) rebuild(s span) modelRows {
	var out modelRows
	for _, o := range m.log {
		if o >= s.First && o <= s.Last {
			out = append(out, o)
		}
	}
	return out
}

// I5: whatever the owners, the group and the table suffer, every record of the
// log ends as one row, or as a dead letter where the table refuses it.
func TestI5EachRowOnceWhateverHappensBetweenTheSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{t: t, offset: -1, table: map[int64]int{}, derived: map[int64]bool{}, tokens: map[string]bool{}, poisoned: map[int64]bool{}, letters: map[int64]int{}}
		offset := int64(0)
		for range rapid.IntRange(1, 12).Draw(t, "records") {
			offset += int64(rapid.IntRange(1, 3).Draw(t, "step")) // holes: markers, aborted records
			m.log = append(m.log, offset)
			m.poisoned[offset] = rapid.IntRange(0, 19).Draw(t, "poison") == 0
		}
		m.end = 1
		for range rapid.IntRange(1, 8).Draw(t, "owners") {
			if m.own() == nil && rapid.Bool().Draw(t, "no operator comes") {
				break
			}
			m.operate()
		}
		m.calm = true
		m.arrive(true) // a lease and a deadline bound how late an insert lands
		if err := m.own(); err != nil {
			t.Fatalf("without faults: %v", err)
		}
		for _, offset := range m.log {
			if m.poisoned[offset] && (m.table[offset] != 0 || m.letters[offset] == 0) {
				t.Fatalf("refused offset %d: %d rows, %d dead letters", offset, m.table[offset], m.letters[offset])
			}
			if !m.poisoned[offset] && (m.table[offset] != 1 || m.letters[offset] != 0) {
				t.Fatalf("offset %d: %d rows, %d dead letters", offset, m.table[offset], m.letters[offset])
			}
		}
		for offset, n := range m.table {
			if n > 0 && !m.derived[offset] {
				t.Fatalf("offset %d is a row of the table, and its view does not know it", offset)
			}
		}
		if len(m.log) > 0 && m.offset != m.log[len(m.log)-1]+1 {
			t.Fatalf("group stands at %d, log ends at %d", m.offset, m.log[len(m.log)-1])
		}
	})
}

func TestSpanMetadata(t *testing.T) {
	want := span{First: 17, Last: 40, Count: 20}
	if got, ok := parseSpan(want.metadata()); !ok || got != want {
		t.Fatalf("%q reads as %+v, %v", want.metadata(), got, ok)
	}
	for name, metadata := range map[string]string{
		"empty":                   "",
		"another version":         "v2 1 2 2",
		"not a number":            "v1 a 2 2",
		"backwards":               "v1 3 2 1",
		"more rows than offsets":  "v1 1 2 3",
		"no rows":                 "v1 1 2 0",
		"negative":                "v1 -1 2 2",
		"somebody else's":         "host-7",
		"too many fields":         "v1 1 2 2 2",
		"larger than any integer": "v1 1 99999999999999999999 2",
	} {
		t.Run(name, func(t *testing.T) {
			if s, ok := parseSpan(metadata); ok {
				t.Fatalf("read as %+v", s)
			}
		})
	}
}
