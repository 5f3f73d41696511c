package main

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// keeper keeps one doustream process running, as an orchestrator does: one that
// ends by itself is started again.
type keeper struct {
	role    *role
	crashed func()           // is told of an end by itself
	ended   func(processEnd) // is told of each but by kill -9
	say     func(format string, args ...any)
	mu      sync.Mutex // held while the process suffers a fault
	crashes []string   // guarded by mu; how it ended by itself
}

// watch starts the process again whenever it ended by itself.
func (k *keeper) watch(ctx context.Context) {
	for {
		select {
		case <-k.role.Done():
		case <-ctx.Done():
			return
		}
		k.mu.Lock()
		if !k.role.Running() && ctx.Err() == nil {
			end := endOf(k.role, false, time.Now())
			k.crashes = append(k.crashes, end.how)
			k.crashed()
			k.ended(end)
			k.say("%s ended by itself (%s), and is started again", k.role.name, end.how)
			if err := k.role.Relaunch(ctx); err != nil {
				k.say("start %s again: %v", k.role.name, err)
			}
		}
		k.mu.Unlock()
		rest(ctx, restartPause)
	}
}

// restartPause is what lies between two looks at a process that ends by itself.
const restartPause = 500 * time.Millisecond

func (k *keeper) suffer(ctx context.Context, f fault) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.role.Running() { // it went before its time, and watch has not seen it yet
		k.ended(endOf(k.role, false, time.Now()))
	}
	switch f.kind {
	case faultFreeze, faultPause:
		return standStill(ctx, k.role.Process, f.lasts)
	case faultTerm, faultLeave:
		if err := k.end(ctx); err != nil {
			return err
		}
	default:
		k.role.Kill()
	}
	rest(ctx, f.lasts)
	return k.role.Relaunch(ctx)
}

// end has the process end in good order.
func (k *keeper) end(ctx context.Context) error {
	asked, from := k.role.Running(), time.Now()
	if err := k.role.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if !ended(ctx, k.role.Done(), termPatience) {
		k.role.Kill()
		return fmt.Errorf("%s still runs %s after SIGTERM", k.role.name, termPatience)
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	k.ended(endOf(k.role, asked, from))
	return nil
}

// termPatience is how long a process may take to end in good order: its own
// bound, and some.
const termPatience = 40 * time.Second

func ended(ctx context.Context, done <-chan struct{}, patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	case <-ctx.Done():
		return true
	}
}
