package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
)

// startTrouble kills processes and has the platform fail, as the options say,
// until stop is called; stop waits until everything is well again and joins
// what went wrong to err.
func (d *demo) startTrouble(ctx context.Context) (stop func(err *error)) {
	done := make(chan struct{})
	failures := make([]error, 2)
	var wg sync.WaitGroup
	if d.kill > 0 {
		wg.Go(func() { failures[0] = d.killUntil(ctx, done) })
	}
	if d.outage > 0 {
		wg.Go(func() { failures[1] = d.failUntil(ctx, done) })
	}
	return func(err *error) {
		close(done)
		wg.Wait()
		*err = errors.Join(*err, errors.Join(failures...))
	}
}

// killUntil kills one doustream process after another, as kill -9 does, and
// starts each again.
func (d *demo) killUntil(ctx context.Context, done <-chan struct{}) error {
	ticker := time.NewTicker(d.kill)
	defer ticker.Stop()
	for next := 0; pause(ctx, done, ticker); next++ {
		roles := d.running()
		r := roles[next%len(roles)]
		d.say("kill -9 %s", r.name)
		r.Kill()
		d.killed++
		if err := r.Restart(ctx); err != nil {
			return err
		}
	}
	return nil
}

// outages are the ways in which the platform fails.
var outages = []douyintest.Fault{
	{Mode: douyintest.ModeRefuse},
	{Mode: douyintest.ModeStatus},
	{Mode: douyintest.ModeHTML},
	{Mode: douyintest.ModeReset, Share: .5},
	{Mode: douyintest.ModeThrottle},
	{Mode: douyintest.ModeCut, After: true, Share: .3},
	{Mode: douyintest.ModeHang, Share: .2},
	{Mode: douyintest.ModeErrNo, ErrNo: -1},
}

// failUntil has the platform fail in one way after another, and be well as long
// in between.
func (d *demo) failUntil(ctx context.Context, done <-chan struct{}) error {
	ticker := time.NewTicker(d.outage)
	defer ticker.Stop()
	for next := 0; pause(ctx, done, ticker); next++ {
		f := outages[next%len(outages)]
		d.say("the platform fails: %s", f.Mode)
		d.outages++
		if err := d.control.SetFaults(ctx, append(traffic.Faults(), f)...); err != nil {
			return err
		}
		pause(ctx, done, ticker)
		if err := d.control.SetFaults(ctx, traffic.Faults()...); err != nil {
			return err
		}
	}
	return nil
}

// pause waits for the next tick, and reports whether to go on.
func pause(ctx context.Context, done <-chan struct{}, ticker *time.Ticker) bool {
	select {
	case <-ticker.C:
		return true
	case <-done:
	case <-ctx.Done():
	}
	return false
}
