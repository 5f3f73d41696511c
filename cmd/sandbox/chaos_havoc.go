package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"doustream/platform/douyin/douyintest"
)

// havoc makes a plan's faults come true.
type havoc struct {
	world    *world
	programs *programs
	control  *douyintest.Control
	say      func(format string, args ...any)
	progress func() string // of the traffic
	keepers  map[string]*keeper
	start    time.Time

	broker, house sync.Mutex // one fault at a time for each
	platform      sync.Mutex // guards active
	active        []douyintest.Fault

	mu     sync.Mutex
	spans  []span            // guarded by mu
	count  map[faultKind]int // guarded by mu
	joined []string          // guarded by mu; instances that came and went
	ends   []processEnd      // guarded by mu
	errs   []error           // guarded by mu; of the sandbox itself
}

// run strikes every fault at its moment and returns when all are healed.
func (h *havoc) run(ctx context.Context, plan []fault) error {
	h.start, h.count = time.Now(), map[faultKind]int{}
	var wg sync.WaitGroup
	for i, f := range plan {
		if !rest(ctx, time.Until(h.start.Add(f.at))) {
			break
		}
		h.say("[%d/%d] %s; %s", i+1, len(plan), f, h.progress())
		wg.Go(func() {
			from := time.Now()
			err := h.strike(ctx, f)
			h.note(f, from, err)
		})
	}
	wg.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.errs) > 0 {
		return h.errs[0]
	}
	return context.Cause(ctx)
}

func (h *havoc) note(f fault, from time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count[f.kind]++
	if s, loses := spanOf(f, from, time.Now()); loses {
		h.spans = append(h.spans, s)
	}
	if err != nil && len(h.errs) == 0 {
		h.errs = append(h.errs, fmt.Errorf("%s: %w", f, err))
	}
}

// noteCrash enters that a process of a role ended by itself.
func (h *havoc) noteCrash(instance string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.spans = append(h.spans, span{now.Add(-2 * restartPause), now, roleOf(instance)})
}

func (h *havoc) noteEnd(end processEnd) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ends = append(h.ends, end)
}

// endings gives how processes ended so far.
func (h *havoc) endings() []processEnd {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ends)
}

// history gives the spans so far.
func (h *havoc) history() []span {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.spans)
}

// everybody names the instances that there were.
func (h *havoc) everybody() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append(slices.Sorted(maps.Keys(h.keepers)), h.joined...)
}

// rest waits for d; false means that ctx ended.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func (h *havoc) strike(ctx context.Context, f fault) error {
	switch f.kind {
	case faultKill, faultTerm, faultFreeze, faultPause, faultLeave:
		return h.keepers[f.target].suffer(ctx, f)
	case faultJoin:
		return h.join(ctx, f)
	case faultBroker, faultNode, faultReboot, faultStall, faultErrors, faultCoords, faultEnd:
		h.broker.Lock()
		defer h.broker.Unlock()
		return h.strikeBroker(ctx, f)
	case faultHouse:
		h.house.Lock()
		defer h.house.Unlock()
		h.world.clickhouse.Kill()
		rest(ctx, f.lasts)
		return h.world.clickhouse.Restart(ctx)
	case faultQuiet:
		h.house.Lock()
		defer h.house.Unlock()
		return standStill(ctx, h.world.clickhouse.Process, f.lasts)
	}
	return h.strikePlatform(ctx, f)
}

// join starts a further instance of a role, which leaves again after a while.
func (h *havoc) join(ctx context.Context, f fault) error {
	h.mu.Lock()
	name := fmt.Sprintf("%s-guest-%d", f.target, len(h.joined)+1)
	h.joined = append(h.joined, name)
	h.mu.Unlock()
	starting, cancel := context.WithTimeout(ctx, joinPatience)
	defer cancel()
	r, err := h.programs.start(starting, f.target, name)
	if err != nil {
		return err
	}
	rest(ctx, f.lasts)
	guest := keeper{role: r, say: h.say, ended: h.noteEnd}
	return guest.end(context.WithoutCancel(ctx))
}

// joinPatience is how long an instance may take to be ready: others' faults
// are healed meanwhile.
const joinPatience = 3 * time.Minute
