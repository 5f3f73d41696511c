package stream

import (
	"testing"

	"pgregory.net/rapid"
)

// What leaves the outbox, in rounds of any size with aborts among them, is what
// went in, in order; and what is joined is never parted.
func TestTheOutboxKeepsOrderAndWhatIsJoined(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := &outbox{wake: func() {}}
		var in, out []int64
		next := int64(0)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				var entries []outEntry
				for range rapid.IntRange(1, 5).Draw(t, "entries") {
					next++
					entries = append(entries, outEntry{
						next: next, records: make([]*Record, rapid.IntRange(0, 3).Draw(t, "records")),
						joined: len(entries) > 0 && rapid.Bool().Draw(t, "joined"),
					})
					in = append(in, next)
				}
				o.put(entries)
			},
			"round": func(t *rapid.T) {
				taken := o.take(nil, rapid.IntRange(1, 6).Draw(t, "size"))
				if left := o.entries; len(taken) > 0 && len(left) > 0 && left[0].joined {
					t.Fatal("parted")
				}
				if rapid.Bool().Draw(t, "abort") {
					o.restore(taken)
					return
				}
				for _, e := range taken {
					out = append(out, e.next)
				}
				o.settle(len(taken))
			},
			"": func(t *rapid.T) {
				for i, n := range out {
					if in[i] != n {
						t.Fatalf("out: %v, in: %v", out, in)
					}
				}
				if o.reached(o.mark()) != (len(out) == len(in)) {
					t.Fatalf("%d of %d have left", len(out), len(in))
				}
			},
		})
	})
}
