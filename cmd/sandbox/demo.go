package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

const demoHelp = `The whole system on this machine, in about a minute: starts Kafka, ClickHouse and the
open platform in a box, makes topics and tables, starts real doustream processes
for the roles, plays mini-app traffic of every kind with everything that can be
wrong in it, sends orders, and reports. It exits with 1 if not every record that
was sent ended exactly once, in Kafka and in ClickHouse, as it must.`

// demoOptions say how much of a demo.
type demoOptions struct {
	world       worldOptions
	traffic     traffic.Config
	keep        bool
	backlog     bool // the traffic is there before anybody reads it
	driver      string
	enrich      int           // processes
	sinks       int           // likewise; 0: one
	latency     time.Duration // of the platform
	sessionWait time.Duration
	outage      time.Duration // of each way to fail; 0: none
	kill        time.Duration // between two kills; 0: none
	patience    time.Duration // how long nothing may come before the wait for quiet ends
}

func (a *app) demoCommand() *cobra.Command {
	o := demoOptions{world: worldOptions{say: func(format string, args ...any) { fmt.Fprintf(a.stderr, "demo: "+format+"\n", args...) }}}
	var noClickHouse bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Everything at once, a report, and it is gone again",
		Long:  demoHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if noClickHouse {
				o.world.only = []string{kafkaPart, platformPart}
			}
			if o.backlog {
				o.traffic.Over, o.traffic.Think = 0, 0
			}
			err := o.world.check()
			if o.driver != "v1" && o.driver != "v2" {
				err = errors.Join(err, fmt.Errorf("--driver is %q, not v1 or v2", o.driver))
			}
			if err != nil {
				a.started = false
				return err
			}
			return a.demo(cmd.Context(), o)
		},
	}
	addWorldFlags(cmd, &o.world)
	flags := cmd.Flags()
	flags.Lookup("dir").DefValue = "a temporary one"
	flags.Lookup("dir").Usage = "directory for data and logs, which stays"
	o.world.dir = ""
	flags.BoolVar(&noClickHouse, "no-clickhouse", false, "without ClickHouse and the sink")
	flags.BoolVar(&o.backlog, "backlog", false, "all traffic before the first doustream process, as fast as Kafka takes it")
	flags.BoolVar(&o.keep, "keep", false, "leave the world running after the report, until a signal")
	flags.StringVar(&o.driver, "driver", "v2", "how notifications are sent: v1 or v2")
	flags.DurationVar(&o.sessionWait, "session-wait", 10*time.Second, "DOUSTREAM_SESSION_WAIT; its default of three minutes would outlast the demo")
	flags.DurationVar(&o.outage, "outage", 0, "have the platform fail for this long in one way after another, with as long between; 0: not")
	flags.DurationVar(&o.kill, "kill", 0, "kill -9 one doustream process this often while the traffic plays, and start it again; 0: never")
	flags.IntVar(&o.enrich, "enrich", 2, "processes of the role enrich")
	flags.DurationVar(&o.latency, "latency", 30*time.Millisecond, "median time to an answer of the platform; its 99th percentile is five times that")
	flags.IntVar(&o.traffic.Visits, "visits", 1000, "visits that are as they should be")
	flags.DurationVar(&o.traffic.Over, "over", 20*time.Second, "time over which visits begin")
	flags.DurationVar(&o.traffic.Think, "think", 300*time.Millisecond, "mean pause between two events of a visit")
	flags.IntVar(&o.traffic.Bad, "bad", 1, "how often each thing that can be wrong is tried; negative: never")
	flags.Uint64Var(&o.traffic.Seed, "seed", 1, "another seed, other traffic")
	flags.DurationVar(&o.patience, "patience", 30*time.Second, "how long nothing may come of anything before what is missing counts as lost")
	return cmd
}

// demo runs one, and cleans up behind it.
func (a *app) demo(ctx context.Context, o demoOptions) (err error) {
	if o.world.dir == "" {
		if o.world.dir, err = os.MkdirTemp("", "doustream-demo-"); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
		defer func() {
			if err == nil {
				err = os.RemoveAll(o.world.dir)
			}
		}()
	}
	start := time.Now()
	w, err := startWorld(ctx, o.world)
	if err != nil {
		return err
	}
	d := &demo{demoOptions: o, world: w, say: o.world.say, control: douyintest.NewControl(w.env[controlVariable])}
	r, err := d.play(ctx)
	if r != nil {
		r.took = time.Since(start)
		r.print(a.stdout)
		err = errors.Join(err, r.verdict())
	}
	if o.keep && ctx.Err() == nil {
		o.world.say("the world stays until a signal; its env file is %s", w.envFile())
		<-ctx.Done()
	}
	d.say("stopping")
	return errors.Join(err, d.stop(), w.close())
}

// demo is one under way.
type demo struct {
	demoOptions
	world    *world
	programs *programs
	control  *douyintest.Control
	say      func(format string, args ...any)

	killed, outages int // how often; read when the trouble is over

	mu    sync.Mutex
	roles []*role // guarded by mu
}

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

// prepare makes topics and tables with the real program, and what bad days the
// traffic needs.
func (d *demo) prepare(ctx context.Context) (err error) {
	env := d.world.env
	env.keep("DOUSTREAM_TOPIC_PARTITIONS", func() string { return "4" })
	env["DOUSTREAM_SESSION_WAIT"] = d.sessionWait.String()
	env["DOUSTREAM_NOTIFY_DRIVER"] = d.driver
	if err := env.write(d.world.envFile()); err != nil {
		return err
	}
	if d.programs, err = newPrograms(ctx, d.world); err != nil {
		return err
	}
	d.say("making topics and tables")
	if _, err := d.programs.run(ctx, "topics"); err != nil {
		return err
	}
	if d.world.clickhouse != nil {
		if _, err := d.programs.run(ctx, "migrate", "up"); err != nil {
			return err
		}
	}
	if err := d.control.SetLatency(ctx, "", douyintest.Latency{Median: d.latency, P99: 5 * d.latency}); err != nil {
		return err
	}
	return d.allowLarge(ctx)
}

// allowLarge lets the input topics take the 5 MB value, as an installation does
// that has such producers.
func (d *demo) allowLarge(ctx context.Context) error {
	client, err := kgo.NewClient(kafkaOptions(d.world.env)...)
	if err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	defer client.Close()
	var topics []string
	for _, topic := range schemas.InputTopics() {
		topics = append(topics, d.world.env["DOUSTREAM_TOPIC_PREFIX"]+topic)
	}
	size := strconv.Itoa(largestRecord)
	answers, err := kadm.NewClient(client).AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &size}}, topics...)
	for _, a := range answers {
		err = errors.Join(err, a.Err)
	}
	if err != nil {
		return fmt.Errorf("let topics take large records: %w", err)
	}
	return nil
}

// startRoles starts every process side by side and waits until all are ready.
func (d *demo) startRoles(ctx context.Context, _ *watcher, _ *traffic.Manifest) error {
	type start struct{ command, instance string }
	starts := []start{{"notify", "notify-1"}, {"notify", "notify-2"}}
	if d.world.clickhouse != nil {
		for i := range max(d.sinks, 1) {
			starts = append(starts, start{"sink", fmt.Sprintf("sink-%d", i+1)})
		}
	}
	for i := range d.enrich {
		starts = append(starts, start{"enrich", fmt.Sprintf("enrich-%d", i+1)})
	}
	d.say("starting %d doustream processes", len(starts))
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("not ready after a minute"))
	defer cancel()
	errs := make([]error, len(starts))
	var wg sync.WaitGroup
	for i, s := range starts {
		wg.Go(func() {
			r, err := d.programs.start(ctx, s.command, s.instance)
			if errs[i] = err; err != nil {
				cancel()
				return
			}
			d.mu.Lock()
			d.roles = append(d.roles, r)
			d.mu.Unlock()
		})
	}
	wg.Wait()
	return firstCause(errs)
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

func (d *demo) running() []*role {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]*role(nil), d.roles...)
}

// collect brings both readers' and the platform's words together.
func (d *demo) collect(ctx context.Context, w *watcher, manifest *traffic.Manifest) (*report, error) {
	r := &report{account: newAccount(manifest.All()), killed: d.killed, outages: d.outages}
	r.account.troubled = d.killed+d.outages > 0
	if d.world.clickhouse != nil {
		if err := d.collectRows(ctx, w, r); err != nil {
			return nil, err
		}
	}
	outcomes, faults := w.result()
	r.faults = faults
	r.account.addKafka(outcomes)
	return r, r.askPlatform(ctx, d.control)
}

// collectRows waits until ClickHouse holds as much as Kafka, and asks it.
func (d *demo) collectRows(ctx context.Context, w *watcher, r *report) error {
	house, err := openWarehouse(d.world.env)
	if err != nil {
		return err
	}
	defer house.close() //nolint:errcheck // only read from
	want, _ := w.seen()
	waiting, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	if have, err := house.await(waiting, uint64(want)); have < uint64(want) { //nolint:gosec // a count
		d.say("ClickHouse holds %d rows of %d (%v)", have, want, err)
	}
	rows, err := house.outcomes(ctx)
	if err != nil {
		return err
	}
	r.account.addRows(rows)
	for _, q := range questions {
		table, err := house.ask(ctx, q)
		if err != nil {
			return err
		}
		r.answers = append(r.answers, table)
	}
	return nil
}

// stop ends the roles in good order; one that does not end with 0 is an error.
func (d *demo) stop() error {
	roles := d.running()
	errs := make([]error, len(roles))
	var wg sync.WaitGroup
	for i, r := range roles {
		wg.Go(func() {
			if err := r.Terminate(); err != nil {
				errs[i] = fmt.Errorf("stop %s: %w", r.name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
