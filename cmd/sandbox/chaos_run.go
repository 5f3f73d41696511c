package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
)

const (
	// eventsOfVisit is about how many records a visit makes.
	eventsOfVisit = 5.5
	// eventsOfBad is for how many records each thing that can be wrong is tried
	// once.
	eventsOfBad = 4000
)

// chaos runs one, and cleans up behind it; what it leaves after a guilty verdict
// is for whoever wants to know why.
func (a *app) chaos(ctx context.Context, o chaosOptions) (err error) {
	o.settle()
	temporary := o.demo.world.dir == ""
	if temporary {
		if o.demo.world.dir, err = os.MkdirTemp("", "doustream-chaos-"); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
	}
	if _, err := os.Stat(filepath.Join(o.demo.world.dir, "env")); err == nil {
		return fmt.Errorf("start chaos: %s holds a world already, with records that the oracle knows nothing of", o.demo.world.dir)
	}
	o.demo.traffic = traffic.Config{
		Seed: o.seed, Visits: max(1, int(float64(o.events)/eventsOfVisit)), Over: o.span, Think: 300 * time.Millisecond, Bad: 1 + o.events/eventsOfBad,
		Enforced: o.credits == "enforce",
	}
	began := time.Now()
	w, err := startWorld(ctx, o.demo.world)
	if err != nil {
		return err
	}
	d := &demo{demoOptions: o.demo, world: w, say: o.demo.world.say, control: douyintest.NewControl(w.env[controlVariable])}
	verdict, h, err := d.endure(ctx, o)
	if err == nil {
		printScorecard(a.stdout, verdict, h, o.seed, time.Since(began))
	}
	d.say("stopping")
	err = errors.Join(err, d.stop(), w.close())
	if err == nil && verdict.guilty() {
		findings := filepath.Join(w.dir, "findings")
		fmt.Fprintf(a.stdout, "all findings: %s; logs and data: %s\n", findings, w.dir)
		return errors.Join(errReported, writeFindings(findings, verdict))
	}
	if err == nil && temporary {
		return os.RemoveAll(w.dir)
	}
	return err
}

// endure plays traffic and faults side by side, and has the oracle judge.
func (d *demo) endure(ctx context.Context, o chaosOptions) (*oracle, *havoc, error) {
	if err := d.prepare(ctx); err != nil {
		return nil, nil, err
	}
	if err := d.startRoles(ctx, nil, nil); err != nil {
		return nil, nil, err
	}
	h := d.newHavoc()
	keeping, stopKeeping := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stopKeeping()
	for _, k := range h.keepers {
		wg.Go(func() { k.watch(keeping) })
	}
	plan := o.faultPlan()
	manifest := traffic.NewManifest(nil)
	h.progress = func() string { return fmt.Sprintf("%d records sent", manifest.Len()) }
	d.say("%d visits and %d faults over %s; notifications by %s with %s", d.traffic.Visits, len(plan), o.span, d.driver, d.token)
	var playing error
	var play sync.WaitGroup
	play.Go(func() { playing = playTraffic(ctx, d.world.env, d.traffic, manifest) })
	err := h.run(ctx, plan)
	d.say("all faults are healed")
	play.Wait()
	if err := errors.Join(err, playing); err != nil {
		return nil, nil, err
	}
	d.say("all %d records are sent; waiting for what comes of the last", manifest.Len())
	e, err := d.gather(ctx, manifest.All(), h)
	if err != nil {
		return nil, nil, err
	}
	return judge(e), h, nil
}

func (d *demo) newHavoc() *havoc {
	h := &havoc{world: d.world, programs: d.programs, control: d.control, say: d.say, keepers: map[string]*keeper{}}
	for _, r := range d.running() {
		h.keepers[r.name] = &keeper{role: r, say: d.say, crashed: func() { h.noteCrash(r.name) }, ended: h.noteEnd}
	}
	return h
}
