package main

import (
	"context"
	"errors"
	"time"

	"doustream/cmd/doustream/config"
	"doustream/platform/stream"
)

var errNotOpen = errors.New("joining the group or restoring state")

// drainMost is how long a task may finish what it has begun, where a stop is
// given more.
const drainMost = 8 * time.Second

// runStream runs a role's tasks until ctx ends.
func (p *process) runStream(ctx context.Context, role config.Use, cfg stream.Config, newTask func(*stream.Loop) stream.Task) error {
	cfg.Logger = p.log
	cfg.Metrics = p.metrics // the runtime labels them by role, as it does its log
	cfg.DrainTimeout = p.drainTimeout()
	runtime, err := stream.New(cfg, newTask)
	if err != nil {
		return err
	}
	p.health.Add(string(role), func() error {
		if !runtime.Ready() {
			return errNotOpen
		}
		return nil
	})
	return runtime.Run(ctx)
}

// waitFor makes a role not ready, for what it waits for, until it says otherwise.
func (p *process) waitFor(role config.Use) *waiting {
	w := &waiting{}
	p.health.Add(string(role), w.check)
	return w
}

func (p *process) drainTimeout() time.Duration {
	return min(drainMost, p.config.Process.ShutdownTimeout*2/3)
}
