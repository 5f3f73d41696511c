package main

import (
	"context"
	"sync"
	"time"
)

// startKilling kills one doustream process after another, as kill -9 does, and
// starts each again, until stop is called; stop waits until the last is ready.
func (d *demo) startKilling(ctx context.Context) (stop func() error) {
	if d.kill <= 0 {
		return func() error { return nil }
	}
	done := make(chan struct{})
	var err error
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(d.kill)
		defer ticker.Stop()
		for next := 0; ; next++ {
			select {
			case <-ticker.C:
			case <-done:
				return
			case <-ctx.Done():
				return
			}
			roles := d.running()
			r := roles[next%len(roles)]
			d.say("kill -9 %s", r.name)
			r.Kill()
			d.killed++
			if err = r.Restart(ctx); err != nil {
				return
			}
		}
	})
	return func() error {
		close(done)
		wg.Wait()
		return err
	}
}
