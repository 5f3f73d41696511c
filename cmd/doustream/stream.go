package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"doustream/cmd/doustream/config"
	"doustream/platform/stream"
	"doustream/schemas"
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
	cfg.BatchBytes = batchBytes(expectedTopics(p.config, role))
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

// batchBytes is what each topic takes at once, of those that take more or less
// than usual: a dead letter is larger than the record that it holds.
func batchBytes(specs []schemas.TopicSpec) map[string]int32 {
	sizes := map[string]int32{}
	for _, spec := range specs {
		if n, err := strconv.ParseInt(spec.Config["max.message.bytes"], 10, 32); err == nil {
			sizes[spec.Name] = int32(n)
		}
	}
	return sizes
}

func (p *process) drainTimeout() time.Duration {
	return min(drainMost, p.config.Process.ShutdownTimeout*2/3)
}
