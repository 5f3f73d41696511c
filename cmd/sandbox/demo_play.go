package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"doustream/cmd/sandbox/traffic"
)

// play does everything up to the report; what it started, stop stops.
func (d *demo) play(ctx context.Context) (*report, error) {
	if err := d.prepare(ctx); err != nil {
		return nil, err
	}
	w, err := newWatcher(d.world.env)
	if err != nil {
		return nil, err
	}
	reading, stopReading := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { w.run(reading) })
	defer wg.Wait()
	defer stopReading()

	manifest := traffic.NewManifest(nil)
	steps := []func(context.Context, *watcher, *traffic.Manifest) error{d.startRoles, d.playTraffic, d.awaitQuiet}
	if d.backlog {
		steps = []func(context.Context, *watcher, *traffic.Manifest) error{d.playTraffic, d.startRoles, d.troubleBacklog, d.awaitQuiet}
	}
	began := time.Now()
	for _, step := range steps {
		if err := step(ctx, w, manifest); err != nil {
			return nil, err
		}
	}
	worked := time.Since(began)
	r, err := d.collect(ctx, w, manifest)
	if r != nil {
		r.worked = worked
	}
	return r, err
}

// playTraffic returns when everything is sent, and the killing has stopped.
func (d *demo) playTraffic(ctx context.Context, w *watcher, manifest *traffic.Manifest) (err error) {
	if d.backlog {
		d.say("playing %d visits as a backlog, and everything that can be wrong", d.traffic.Visits)
	} else {
		d.say("playing %d visits over %s, and everything that can be wrong", d.traffic.Visits, d.traffic.Over)
		defer d.startTrouble(ctx)(&err)
	}
	cfg := d.traffic
	cfg.Progress = d.progress(w)
	if err = playTraffic(ctx, d.world.env, cfg, manifest); err == nil {
		d.say("all %d records are sent", manifest.Len())
	}
	return err
}

// progress says every few seconds how far the traffic is.
func (d *demo) progress(w *watcher) func(records, visits int) {
	last := time.Now()
	return func(records, visits int) {
		if time.Since(last) < 5*time.Second {
			return
		}
		last = time.Now()
		seen, _ := w.seen()
		d.say("%d visits have begun, %d records sent, %d finished", visits, records, seen)
	}
}

// awaitQuiet returns when everything that was sent has its outcome, or nothing
// has come for a while, which the report will then tell.
func (d *demo) awaitQuiet(ctx context.Context, w *watcher, manifest *traffic.Manifest) error {
	sent := manifest.Len()
	told := time.Now()
	return d.watch(ctx, w, func(seen int, last time.Time) bool {
		if time.Since(told) > 5*time.Second && seen < sent {
			told = time.Now()
			d.say("%d of %d finished", seen, sent)
		}
		if quiet := time.Since(last) > d.patience; quiet {
			d.say("nothing has come for %s, and %d of %d are missing", d.patience, sent-seen, sent)
			return true
		}
		return seen >= sent
	}, true)
}

// troubleBacklog makes trouble until most of the backlog is done.
func (d *demo) troubleBacklog(ctx context.Context, w *watcher, manifest *traffic.Manifest) (err error) {
	defer d.startTrouble(ctx)(&err)
	return d.watch(ctx, w, func(seen int, last time.Time) bool {
		return d.kill+d.outage <= 0 || seen > manifest.Len()*3/4 || time.Since(last) > d.patience
	}, false)
}

// watch looks at the outcomes until enough says so; alive: a process that has
// ended is an error.
func (d *demo) watch(ctx context.Context, w *watcher, enough func(seen int, last time.Time) bool, alive bool) error {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		if enough(w.seen()) {
			return nil
		}
		for _, r := range d.running() {
			if alive && !r.Running() {
				return fmt.Errorf("%s ended by itself: see %s", r.name, d.world.logPath(r.name))
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
