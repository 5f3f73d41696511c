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
	platform, err := p.openPlatform(config.Notify, notifyConns(c))
	if err != nil {
		return err
	}
	defer platform.CloseIdle()
	stopTokens, err := p.handOutTokens(ctx)
	if err != nil {
		return err
	}
	defer stopTokens()
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
		// What an app has no room for waits in the windows; a message a second and
		// user is no reason for large ones.
		WindowRecords: 1024, WindowBytes: 8 << 20,
	}, newTask)
}

// notifyConns is how many connections let every app have all its sends under
// way, and fetch its token beside them.
func notifyConns(c *config.Config) int {
	conns := len(c.Apps.Apps)
	for _, app := range c.Apps.Apps {
		conns += app.NotifyInFlight
	}
	return conns
}

func notifyConfig(c *config.Config) notify.Config {
	templates := map[string]notify.Template{}
	for id, t := range c.Notify.Templates {
		templates[id] = notify.Template{Kind: notify.TemplateKind(t.Kind), Keys: t.Keywords}
	}
	apps := map[string]notify.AppConfig{}
	for _, app := range c.Apps.Apps {
		apps[app.ID] = notify.AppConfig{
			Driver: notify.Driver(app.NotifyDriver), TokenKind: notify.TokenKind(app.NotifyToken), Rate: app.NotifyRate, InFlight: app.NotifyInFlight,
		}
	}
	n := c.Notify
	return notify.Config{
		Orders:        prefixed(c, c.Names.OrderTopics...),
		Notifications: c.Names.TopicPrefix + schemas.TopicNotifications,
		Tokens:        c.Names.TopicPrefix + schemas.TopicTokens,
		Consents:      c.Names.TopicPrefix + schemas.TopicConsents,
		Apps:          c.Apps.Douyin(), PerApp: apps, Templates: templates,
		Driver: notify.Driver(n.Driver), TokenKind: notify.TokenKind(n.Token), Unknown: notify.Unknown(n.Unknown), Credits: notify.Credits(n.Credits),
		DedupLife: n.DedupLife, DedupMax: n.DedupMax, Rate: n.Rate, InFlight: n.InFlight,
		Queue: n.Queue, QueueBytes: int64(n.QueueBytes), UserQueue: n.UserQueue, UserInterval: n.UserInterval, RequestTimeout: c.Platform.Timeout,
	}
}
