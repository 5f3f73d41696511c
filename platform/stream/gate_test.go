package stream

import (
	"testing"
	"time"
)

// One login that is not read is a backlog, and a sample is good for a second.
func TestALeaderIsCaughtUpAtTheSampledEnd(t *testing.T) {
	now := time.Now()
	for _, row := range []struct {
		name          string
		position, end int64
		sampled       time.Time
		want          bool
	}{
		{"at the end", 10, 10, now, true},
		{"past the end, which has moved since", 12, 10, now, true},
		{"one before the end", 9, 10, now, false},
		{"at the end of a second ago", 10, 10, now.Add(-sampleLife), true},
		{"at an end that is older", 10, 10, now.Add(-sampleLife - 1), false},
		{"never sampled", 0, 0, time.Time{}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := &gate{leaders: []*partition{{position: row.position, end: row.end, sampledAt: row.sampled}}}
			if got := g.caughtUp(now); got != row.want {
				t.Errorf("caught up: %v", got)
			}
		})
	}
}
