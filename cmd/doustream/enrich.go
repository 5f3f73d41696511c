package main

import (
	"context"

	"github.com/spf13/cobra"

	"doustream/cmd/doustream/config"
	"doustream/platform/stream"
	"doustream/processors/enrich"
	"doustream/schemas"
)

func (a *app) enrichCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "enrich",
		Short: "Turn mini-app events into enriched users",
		Long: `Turn mini-app events into enriched users: exchange login codes, join the other
events with their session, decrypt, and write users.enriched, dead-letters and
doustream.consents, each input record's result once. Any number of instances,
up to the topics' partition count, share the work.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), config.Enrich) },
	}
}

func runEnrich(ctx context.Context, p *process) error {
	c, log := p.config, p.log.With("role", config.Enrich)
	platform, err := p.openPlatform(config.Enrich, c.Enrich.InFlight)
	if err != nil {
		return err
	}
	defer platform.CloseIdle()
	registry, err := p.openRegistry()
	if err != nil {
		return err
	}
	defer closeRegistry(registry)
	w := p.waitFor(config.Enrich)
	partitions, err := p.awaitTopics(ctx, config.Enrich, w)
	if err != nil {
		return err
	}
	output, err := p.awaitOutput(ctx, registry, schemas.Format(c.Enrich.Format), w)
	if err != nil {
		return err
	}
	newTask, err := enrich.New(enrichConfig(c, partitions, p), enrich.Deps{
		Exchanger: platform, Output: output, Registry: resolver(registry),
		Sealing: c.Sealing.Keys, Personal: c.Enrich.PersonalKeys, Peppers: c.Enrich.PhonePeppers,
	})
	if err != nil {
		return err
	}
	connect, err := connectOptions(c, log)
	if err != nil {
		return err
	}
	group := c.Names.Group(config.Enrich)
	return p.runStream(ctx, config.Enrich, stream.Config{
		Connect: connect, Role: string(config.Enrich), Instance: c.Process.Instance,
		Group: group, TransactionalID: group + "-" + c.Process.Instance,
		Layout: stream.Copartition,
		Inputs: prefixed(c, schemas.InputTopics()...),
		Leader: c.Names.TopicPrefix + schemas.TopicLogin,
		// A session may log in a thousand times; enrich keeps the order itself.
		Overlap: prefixed(c, schemas.TopicLogin),
		State:   prefixed(c, schemas.TopicSessions, schemas.TopicParked),

		CommitInterval: c.Transaction.CommitInterval,
		WindowRecords:  c.Enrich.Window,
	}, newTask)
}

func enrichConfig(c *config.Config, partitions int32, p *process) enrich.Config {
	watermarkLife := c.Enrich.Watermark
	if watermarkLife == 0 {
		watermarkLife = -1 // never stale
	}
	return enrich.Config{
		Apps: c.Apps.Douyin(), TopicPrefix: c.Names.TopicPrefix, Partitions: partitions,
		InFlight: c.Enrich.InFlight, Deadline: c.Platform.Timeout,
		CodeLife: c.Enrich.CodeLife, JoinWait: c.Enrich.JoinWait, SessionWait: c.Enrich.SessionWait,
		SessionLife: c.TopicsToBe.SessionLife, WatermarkLife: watermarkLife,
		Held:   p.memory.Hold,
		Logger: p.log.With("role", config.Enrich), Metrics: p.roleMetrics(config.Enrich),
	}
}
