package main

import (
	"context"

	"github.com/spf13/cobra"

	"doustream/cmd/doustream/config"
	"doustream/platform/stream"
	"doustream/processors/notify"
	"doustream/schemas"
)

func (a *app) notifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "notify",
		Short: "Send order notifications to users",
		Long: `Send order notifications to users by the open platform, and write what became of
each to notifications.results. One instance is active and owns the platform's
tokens; any number stand by.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), config.Notify) },
	}
}

func runNotify(ctx context.Context, p *process) error {
	c, log := p.config, p.log.With("role", config.Notify)
	settings := notifyConfig(c)
	platform, err := p.openPlatform(config.Notify, c.Notify.InFlight)
	if err != nil {
		return err
	}
	defer platform.CloseIdle()
	registry, err := p.openRegistry()
	if err != nil {
		return err
	}
	defer closeRegistry(registry)
	w := p.waitFor(config.Notify)
	if _, err := p.awaitTopics(ctx, config.Notify, w); err != nil {
		return err
	}
	output, err := p.awaitOutput(ctx, registry, schemas.Format(c.Notify.Format), w)
	if err != nil {
		return err
	}
	newTask, err := notify.New(settings, notify.Deps{
		Platform: platform, Output: output, Keys: c.Sealing.Keys, Logger: log, Metrics: p.roleMetrics(config.Notify),
	})
	if err != nil {
		return err
	}
	connect, err := connectOptions(c, log)
	if err != nil {
		return err
	}
	group := c.Names.Group(config.Notify)
	return p.runStream(ctx, config.Notify, stream.Config{
		Connect: connect, Role: string(config.Notify), Instance: c.Process.Instance,
		Group: group, TransactionalID: group, // one for the role: a successor fences its predecessor
		Layout: stream.SingleOwner,
		Inputs: settings.Orders, State: []string{settings.Notifications, settings.Tokens}, Follow: []string{settings.Consents},

		CommitInterval: c.Notify.CommitInterval,
	}, newTask)
}

func notifyConfig(c *config.Config) notify.Config {
	templates := map[string]notify.Template{}
	for id, kind := range c.Notify.Templates {
		templates[id] = notify.Template{Kind: notify.TemplateKind(kind)}
	}
	n := c.Notify
	return notify.Config{
		Orders:        prefixed(c, c.Names.OrderTopics...),
		Notifications: c.Names.TopicPrefix + schemas.TopicNotifications,
		Tokens:        c.Names.TopicPrefix + schemas.TopicTokens,
		Consents:      c.Names.TopicPrefix + schemas.TopicConsents,
		Apps:          c.Apps.Douyin(), Templates: templates,
		Driver: notify.Driver(n.Driver), TokenKind: notify.TokenKind(n.Token), Unknown: notify.Unknown(n.Unknown), Credits: notify.Credits(n.Credits),
		DedupLife: n.DedupLife, Rate: n.Rate, InFlight: n.InFlight, UserInterval: n.UserInterval, RequestTimeout: c.Platform.Timeout,
	}
}
