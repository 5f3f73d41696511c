package stream

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The window beside a model: a list that is sorted by construction, of which a
// prefix of finished inputs leaves.
func TestTheWindowRetiresThePrefixThatHasFinished(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var w window
		var model, open []*Input
		left, expect := []int64{}, []int64{}
		next := int64(0)
		t.Repeat(map[string]func(*rapid.T){
			"take in": func(t *rapid.T) {
				next += rapid.Int64Range(1, 3).Draw(t, "gap") // holes are left by compaction
				in := &Input{Record: &Record{Offset: next}}
				w.add(in)
				model, open = append(model, in), append(open, in)
			},
			"finish": func(t *rapid.T) {
				if len(open) == 0 {
					t.Skip("nothing is open")
				}
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				open[i].finished = true
				open = slices.Delete(open, i, i+1)
			},
			"retire": func(t *rapid.T) {
				for w.ready() {
					left = append(left, w.pop().Record.Offset)
				}
				for len(model) > 0 && model[0].finished {
					expect = append(expect, model[0].Record.Offset)
					model = model[1:]
				}
			},
			"": func(t *rapid.T) {
				if !slices.Equal(left, expect) {
					t.Fatalf("retired %v, expected %v", left, expect)
				}
				if w.count != len(model) {
					t.Fatalf("holds %d, expected %d", w.count, len(model))
				}
			},
		})
	})
}

// What a partition holds beside a model: it is full from the bound on, may be
// paused then, and once paused stays so until it holds half (I9).
func TestTheFlowPausesAtTheBoundAndResumesAtHalf(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := flow{maxRecords: 10, maxBytes: 1000}
		records, bytes, paused := 0, int64(0), false
		full := func() bool { return records >= 10 || bytes >= 1000 }
		t.Repeat(map[string]func(*rapid.T){
			"fetch": func(t *rapid.T) {
				n := rapid.IntRange(1, 4).Draw(t, "records")
				size := rapid.Int64Range(0, 600).Draw(t, "bytes")
				records, bytes = records+n, bytes+size
				if f.add(n, size) != (full() && !paused) {
					t.Fatalf("%d records, %d bytes, paused %v: fetched", records, bytes, paused)
				}
			},
			"pause": func(t *rapid.T) {
				want := full() && !paused
				paused = paused || want
				if f.pause() != want {
					t.Fatalf("%d records, %d bytes: paused, want %v", records, bytes, want)
				}
			},
			"commit": func(t *rapid.T) {
				n := rapid.IntRange(0, records).Draw(t, "records")
				size := rapid.Int64Range(0, bytes).Draw(t, "bytes")
				before, wasFull := paused, full()
				records, bytes = records-n, bytes-size
				paused = paused && (records > 5 || bytes > 500)
				resume, room := f.sub(n, size)
				if resume != (before && !paused) || room != (!before && wasFull && !full()) {
					t.Fatalf("%d records, %d bytes, paused %v: resume %v, room %v", records, bytes, before, resume, room)
				}
			},
			"": func(t *rapid.T) {
				if f.isPaused() != paused || f.hasRoom() == full() {
					t.Fatalf("paused: %v, expected %v; room: %v, expected %v", f.isPaused(), paused, f.hasRoom(), !full())
				}
			},
		})
	})
}
