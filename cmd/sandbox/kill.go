package main

import (
	"context"
	"errors"
	"sync"
	"time"
)

// startKilling kills one doustream process after another, as kill -9 does, and
// starts each again, until stop is called; stop waits until the last is ready
// and joins what went wrong to err.
func (d *demo) startKilling(ctx context.Context) (stop func(err *error)) {
	if d.kill <= 0 {
		return func(*error) {}
	}
	done := make(chan struct{})
	var failure error
	var wg sync.WaitGroup
	wg.Go(func() { failure = d.killUntil(ctx, done) })
	return func(err *error) {
		close(done)
		wg.Wait()
		*err = errors.Join(*err, failure)
	}
}

func (d *demo) killUntil(ctx context.Context, done <-chan struct{}) error {
	ticker := time.NewTicker(d.kill)
	defer ticker.Stop()
	for next := 0; ; next++ {
		select {
		case <-ticker.C:
		case <-done:
			return nil
		case <-ctx.Done():
			return nil
		}
		roles := d.running()
		r := roles[next%len(roles)]
		d.say("kill -9 %s", r.name)
		r.Kill()
		d.killed++
		if err := r.Restart(ctx); err != nil {
			return err
		}
	}
}
