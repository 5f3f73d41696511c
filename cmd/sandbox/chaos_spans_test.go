package main

import (
	"testing"
	"time"
)

func TestWhatAFaultMayHaveLost(t *testing.T) {
	t.Parallel()
	struck := time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		kind faultKind
		role string
		at   time.Duration // of what was in hand, after the fault began
		lost bool
	}{
		{"in hand when its process is killed", faultKill, "notify", 0, true},
		{"in another role's hand", faultKill, "enrich", 0, false},
		{"in hand when its process ends in good order", faultTerm, "notify", 0, false},
		{"in hand when the platform begins to refuse connections", faultRefuse, "notify", 0, true},
		{"begun while the platform refuses connections", faultRefuse, "notify", 2 * time.Second, false},
		{"on a throttling platform", faultThrottle, "notify", 0, false},
		{"soon after a broker is back", faultReboot, "enrich", 10 * time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := fault{kind: c.kind, target: "notify-1", lasts: 3 * time.Second}
			var o oracle
			if s, loses := spanOf(f, struck, struck.Add(f.lasts)); loses {
				o.spans = append(o.spans, s)
			}
			at := struck.Add(c.at)
			if lost := o.suffered(c.role, at, at.Add(10*time.Millisecond)); lost != c.lost {
				t.Fatalf("it may be lost: %v, want %v", lost, c.lost)
			}
		})
	}
}
