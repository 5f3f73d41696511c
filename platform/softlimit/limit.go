// Package softlimit has Go's collector work by a bound on memory rather than by
// a proportion of what lives: ten million sessions must not cost as much again
// in garbage, and a small process need not collect its garbage ten times a
// second to stay smaller than it may be.
package softlimit

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// Limit keeps the runtime's soft limit a bounded distance above what is held
// for long. GOMEMLIMIT, where it is set, holds instead.
type Limit struct {
	held  atomic.Int64                // bytes of state that is kept
	limit int64                       // as it was set last
	live  func() (heap, stacks int64) // bytes: what the last collection found alive, and what stacks occupy now
	set   func(int64)
	grow  func(percent int)
}

const (
	// room is the least that is left for what comes and goes: batches, windows,
	// clients. The rest has twice what lives of it if that is more, as without a
	// limit: a limit that is too near would have the collector run without end.
	// Stacks, which the runtime counts too, come on top: those of thousands of
	// connections are no garbage, and leave as little room for it as a large state would.
	room = 448 << 20
	// growth is by how many percent of what lives the heap may grow before it is
	// collected; the limit comes first in all but the smallest. GOGC, where it is
	// set, holds instead.
	growth = 400
	// step is by how much a limit must be off to be set anew.
	step = 8 << 20
	// every is how often that is looked at.
	every = time.Second
)

// New makes a limit that nothing is held under.
func New() *Limit {
	return &Limit{
		live: live,
		set:  func(n int64) { debug.SetMemoryLimit(n) },
		grow: func(percent int) { debug.SetGCPercent(percent) },
	}
}

// Hold notes that so many bytes more (fewer, if negative) are held. It never
// blocks and is safe for concurrent use.
func (l *Limit) Hold(bytes int64) { l.held.Add(bytes) }

// Watch adjusts the limit every second until ctx ends, unless the environment
// has one. What was set last stays.
func (l *Limit) Watch(ctx context.Context) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for first := true; ; first = false {
		l.adjust()
		if first && os.Getenv("GOGC") == "" {
			l.grow(growth) // not before there is a limit
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (l *Limit) adjust() {
	held := l.held.Load()
	heap, stacks := l.live()
	want := held + stacks + max(room, 2*(heap-held))
	if off := want - l.limit; off > -step && off < step {
		return
	}
	l.limit = want
	l.set(want)
}

func live() (heap, stacks int64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	return bytesOf(samples[0]), bytesOf(samples[1])
}

// bytesOf answers 0 for a figure that a later runtime does not have any more.
func bytesOf(s metrics.Sample) int64 {
	if s.Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(s.Value.Uint64())
}
