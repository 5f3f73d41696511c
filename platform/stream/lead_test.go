package stream

import (
	"context"
	"testing"
	"testing/synctest"
)

// I9: what was read of many partitions' state and not taken in is bounded.
func TestReaderIsAheadByAFewFetchesAtMost(t *testing.T) {
	for _, test := range []struct {
		name         string
		ahead, bytes int64
		waits        bool
	}{
		{"nothing is ahead", 0, 10, false},
		{"a batch above the bound, and nothing else", 0, 1000, false},
		{"room for it", 60, 40, false},
		{"too little room", 61, 40, true},
		{"a batch above the bound behind another", 1, 1000, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				l := newLead(100)
				l.take(ctx, test.ahead)
				taken := make(chan bool, 1)
				go func() { taken <- l.take(ctx, test.bytes) }()
				synctest.Wait()
				if waits := len(taken) == 0; waits != test.waits {
					t.Fatalf("waits: %t", waits)
				}
				l.give(test.ahead)
				if !<-taken || l.ahead != test.bytes {
					t.Errorf("%d ahead; want %d", l.ahead, test.bytes)
				}
			})
		})
	}
}

func TestReaderThatIsAheadEndsWithItsSession(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	l := newLead(1)
	l.take(ctx, 1)
	cancel()
	if l.take(ctx, 1) {
		t.Error("there was no room")
	}
}
