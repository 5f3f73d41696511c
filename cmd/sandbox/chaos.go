package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
)

const chaosHelp = `Runs real doustream processes against traffic whose outcome is known in advance, makes
faults at moments that a seed decides: kill -9, SIGTERM, SIGSTOP and SIGCONT of every
role; outage, hang, garbage, lost answers and throttling of the platform; brokers that
die, stall, err and move; ClickHouse killed and stopped. Then it heals everything, waits
for quiet, and judges by an oracle that knows the contract and no code of doustream's.
It prints a scorecard, and exits with 1 if anything on it is not zero.

A seed reproduces the plan of its run, not its interleavings.`

// chaosOptions say how much chaos.
type chaosOptions struct {
	demo   demoOptions
	seed   uint64
	events int
	faults int
	span   time.Duration
}

func (a *app) chaosCommand() *cobra.Command {
	o := chaosOptions{demo: demoOptions{
		world:  worldOptions{say: func(format string, args ...any) { fmt.Fprintf(a.stderr, "chaos: "+format+"\n", args...) }},
		driver: "v2", latency: 20 * time.Millisecond, sinks: 2,
	}}
	var noClickHouse bool
	cmd := &cobra.Command{
		Use:     "chaos",
		Short:   "Faults against an oracle, and a scorecard",
		Long:    chaosHelp,
		Example: "  sandbox chaos --seed 7 --faults 20\n  sandbox chaos --kafka apache --nodes 3 --faults 30",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if noClickHouse {
				o.demo.world.only = []string{kafkaPart, platformPart}
			}
			err := o.demo.world.check()
			if o.events < 1 || o.faults < 0 {
				err = errors.Join(err, errors.New("--events and --faults are counts"))
			}
			if err != nil {
				a.started = false
				return err
			}
			return a.chaos(cmd.Context(), o)
		},
	}
	addWorldFlags(cmd, &o.demo.world)
	flags := cmd.Flags()
	flags.Lookup("dir").DefValue, flags.Lookup("dir").Usage = "a temporary one", "directory for data and logs, which stays"
	flags.Lookup("nodes").DefValue = "3"
	o.demo.world.dir, o.demo.world.nodes = "", 3
	flags.BoolVar(&noClickHouse, "no-clickhouse", false, "without ClickHouse and the sink")
	flags.Uint64Var(&o.seed, "seed", 1, "another seed, another plan")
	flags.IntVar(&o.events, "events", 3000, "events and orders, about")
	flags.IntVar(&o.faults, "faults", 20, "faults")
	flags.DurationVar(&o.span, "over", 0, "time over which events and faults come (default 2s for each fault, 20s at least)")
	flags.IntVar(&o.demo.enrich, "enrich", 3, "processes of the role enrich")
	flags.DurationVar(&o.demo.sessionWait, "session-wait", 40*time.Second, "DOUSTREAM_SESSION_WAIT; a login may come late behind a broker that is down")
	flags.DurationVar(&o.demo.patience, "patience", 90*time.Second, "how long nothing may come of anything before what is missing counts as lost")
	return cmd
}

// eventsOfVisit is about how many records a visit makes.
const eventsOfVisit = 5.5

// chaos runs one, and cleans up behind it; what it leaves after a guilty verdict
// is for whoever wants to know why.
func (a *app) chaos(ctx context.Context, o chaosOptions) (err error) {
	if o.span == 0 {
		o.span = max(20*time.Second, time.Duration(o.faults)*2*time.Second)
	}
	temporary := o.demo.world.dir == ""
	if temporary {
		if o.demo.world.dir, err = os.MkdirTemp("", "doustream-chaos-"); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
	}
	if _, err := os.Stat(filepath.Join(o.demo.world.dir, "env")); err == nil {
		return fmt.Errorf("start chaos: %s holds a world already, with records that the oracle knows nothing of", o.demo.world.dir)
	}
	o.demo.traffic = traffic.Config{Seed: o.seed, Visits: max(1, int(float64(o.events)/eventsOfVisit)), Over: o.span, Think: 300 * time.Millisecond, Bad: 1}
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
	plan := planFaults(o.seed, o.faults, o.span, d.cast())
	manifest := traffic.NewManifest(nil)
	d.say("%d visits and %d faults over %s", d.traffic.Visits, len(plan), o.span)
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
	h := &havoc{world: d.world, control: d.control, say: d.say, keepers: map[string]*keeper{}}
	for _, r := range d.running() {
		h.keepers[r.name] = &keeper{role: r, say: d.say, crashed: func() { h.noteCrash(r.name) }}
	}
	return h
}

func (d *demo) cast() cast {
	c := cast{clickhouse: d.world.clickhouse != nil}
	for _, r := range d.running() {
		c.roles = append(c.roles, r.name)
	}
	slices.Sort(c.roles) // they start side by side, in no order
	if d.world.apache != nil {
		c.nodes = d.world.nodes
	}
	return c
}

// gather waits for quiet and collects what there is to judge by.
func (d *demo) gather(ctx context.Context, sent []traffic.Sent, h *havoc) (evidence, error) {
	e := evidence{sent: sent}
	if err := d.awaitResults(ctx, &e); err != nil {
		return e, err
	}
	e.spans = h.history()
	open, err := openTransactions(ctx, d.world.env, outputTopics(d.world.env)...)
	if err != nil {
		return e, err
	}
	e.open = open
	if d.world.clickhouse != nil {
		if err := d.gatherRows(ctx, &e); err != nil {
			return e, err
		}
	}
	codes, err1 := d.control.Codes(ctx, 1)
	messages, err2 := d.control.Messages(ctx)
	fetches, err3 := d.control.TokenFetches(ctx)
	if err := errors.Join(err1, err2, err3); err != nil {
		return e, err
	}
	e.codes, e.messages, e.fetches = codes, messages, fetches
	hunt, err := newSecretHunt(ctx, d.world.env, sent, codes, d.control)
	if err != nil {
		return e, err
	}
	err = errors.Join(hunt.searchTopics(ctx, d.world.env), hunt.searchLogs(d.world, d.running()), hunt.searchMetrics(ctx, d.running()))
	e.leaks = hunt.leaks()
	return e, err
}

// awaitResults reads inputs and results until every input has one, or nothing
// has come for a while.
func (d *demo) awaitResults(ctx context.Context, e *evidence) (err error) {
	if e.inputs, err = readInputs(ctx, d.world.env); err != nil {
		return err
	}
	for newest := time.Now(); ; {
		before := len(e.outputs)
		if e.outputs, e.garbled, err = readOutputs(ctx, d.world.env); err != nil {
			return err
		}
		missing := len(e.inputs) - countSources(e.outputs)
		if len(e.outputs) > before {
			newest = time.Now()
		}
		switch {
		case missing <= 0:
			return nil
		case time.Since(newest) > d.patience:
			d.say("nothing has come for %s, and %d of %d are missing", d.patience, missing, len(e.inputs))
			return nil
		}
		d.say("%d of %d finished", len(e.inputs)-missing, len(e.inputs))
		if !rest(ctx, quietPause) {
			return context.Cause(ctx)
		}
	}
}

// quietPause lies between two looks at whether all is done.
const quietPause = 3 * time.Second

func countSources(outputs []sighting) int {
	sources := map[any]struct{}{}
	for _, s := range outputs {
		sources[s.source] = struct{}{}
	}
	return len(sources)
}

func (d *demo) gatherRows(ctx context.Context, e *evidence) error {
	house, err := openWarehouse(d.world.env)
	if err != nil {
		return err
	}
	defer house.close() //nolint:errcheck // only read from
	waiting, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	if have, err := house.await(waiting, uint64(len(e.outputs))); have < uint64(len(e.outputs)) {
		d.say("ClickHouse holds %d rows of %d (%v)", have, len(e.outputs), err)
	}
	e.asked = true
	e.rows, err = house.outcomes(ctx)
	return err
}
