package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/cmd/sandbox/traffic"
	"doustream/platform/douyin/douyintest"
	"doustream/schemas"
)

// prepare makes topics and tables with the real program, and what bad days the
// traffic needs.
func (d *demo) prepare(ctx context.Context) (err error) {
	env := d.world.env
	env.keep("DOUSTREAM_TOPIC_PARTITIONS", func() string { return "4" })
	env["DOUSTREAM_SESSION_WAIT"] = d.sessionWait.String()
	env["DOUSTREAM_NOTIFY_DRIVER"] = d.driver
	if d.traffic.Enforced {
		env["DOUSTREAM_NOTIFY_CREDITS"], env["DOUSTREAM_NOTIFY_TEMPLATES"] = "enforce", templateKinds()
	}
	if d.token != "" {
		env["DOUSTREAM_NOTIFY_TOKEN"] = d.token
	}
	if d.outage == 0 { // a machine that is busy for seconds is no platform that does not answer
		env["DOUSTREAM_DOUYIN_TIMEOUT"] = "20s"
	}
	if err := env.write(d.world.envFile()); err != nil {
		return err
	}
	if d.programs, err = newPrograms(ctx, d.world, d.doustream); err != nil {
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
	ctx, cancel := context.WithTimeoutCause(ctx, 3*time.Minute, errors.New("not ready after three minutes"))
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

func (d *demo) running() []*role {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]*role(nil), d.roles...)
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

// templateKinds are the traffic's templates, as DOUSTREAM_NOTIFY_TEMPLATES names
// them.
func templateKinds() string {
	var kinds []string
	for template, standing := range traffic.Templates() {
		kind := "one-time"
		if standing {
			kind = "long-term"
		}
		kinds = append(kinds, template+"="+kind)
	}
	slices.Sort(kinds)
	return strings.Join(kinds, ",")
}
