package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// memory keeps the Go runtime's soft limit a bounded distance above what roles
// hold for long. A heap may else grow to twice what lives in it, and ten million
// sessions would cost as much again in garbage. GOMEMLIMIT, where it is set,
// holds instead.
type memory struct {
	held  atomic.Int64 // bytes of state that roles keep
	limit int64        // as it was set last
	live  func() int64 // bytes that the last collection found alive
	set   func(int64)
}

const (
	// memoryRoom is the least that is left for what comes and goes: batches,
	// windows, clients. The rest has twice what lives of it if that is more, as
	// without a limit: a limit that is too near would have the collector run
	// without end.
	memoryRoom = 384 << 20
	// memoryStep is by how much a limit must be off to be set anew.
	memoryStep = 8 << 20
	// memoryEvery is how often that is looked at.
	memoryEvery = time.Second
)

func newMemory() *memory {
	return &memory{live: liveHeap, set: func(n int64) { debug.SetMemoryLimit(n) }}
}

// hold notes that so many bytes more (fewer, if negative) are held. It never
// blocks and is safe for concurrent use.
func (m *memory) hold(bytes int64) { m.held.Add(bytes) }

// watch adjusts the limit until ctx ends, unless the environment has one.
func (m *memory) watch(ctx context.Context) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		m.adjust()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (m *memory) adjust() {
	held := m.held.Load()
	want := held + max(memoryRoom, 2*(m.live()-held))
	if off := want - m.limit; off > -memoryStep && off < memoryStep {
		return
	}
	m.limit = want
	m.set(want)
}

func liveHeap() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(sample[0].Value.Uint64())
}
