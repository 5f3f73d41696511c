package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"doustream/cmd/doustream/config"
	"doustream/schemas"
	"doustream/sinks"
)

func (a *app) sinkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sink",
		Short: "Fill ClickHouse, each row once",
		Long: `Fill ClickHouse from users.enriched, notifications.results and the facts of
dead-letters, each row once. Any number of instances share the partitions. The
tables are brought up to date first, unless told otherwise.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), config.Sink) },
	}
}

func runSink(ctx context.Context, p *process) error {
	c, log := p.config, p.log.With("role", config.Sink)
	w := p.waitFor(config.Sink)
	if _, err := p.awaitTopics(ctx, config.Sink, w); err != nil {
		return err
	}
	if err := awaitTables(ctx, c, log, w); err != nil {
		return err
	}
	encoder, err := schemas.NewEncoder(schemas.FormatSingleObject, nil) // of nothing: the sink's only records are dead letters
	if err != nil {
		return err
	}
	topics, err := sinks.NewTopics(sinks.TopicsConfig{Prefix: c.Names.TopicPrefix, Encoder: encoder})
	if err != nil {
		return err
	}
	registry, err := p.openRegistry()
	if err != nil {
		return err
	}
	defer closeRegistry(registry)
	connect, err := connectOptions(c, log)
	if err != nil {
		return err
	}
	tables, err := tablesOf(c)
	if err != nil {
		return err
	}
	sink, err := sinks.NewClickHouse(sinks.ClickHouseConfig{
		Connect: connect, Group: c.Names.Group(config.Sink), Prefix: c.Names.TopicPrefix, Topics: topics,
		Tables: tables, Registry: resolver(registry),
		BlockRows: c.Sink.BlockRows, BlockBytes: int64(c.Sink.BlockBytes), BlockAge: c.Sink.BlockAge,
		InsertsPerSecond: c.Sink.InsertsPerSecond, Connections: c.Sink.Connections, MemoryBytes: int64(c.Sink.MemoryBytes),
		DrainTimeout: p.drainTimeout(), Logger: log, Metrics: p.roleMetrics(config.Sink),
	})
	if err != nil {
		return err
	}
	p.health.Add(string(config.Sink), sink.Ready)
	return sink.Run(ctx)
}

// awaitTables waits until ClickHouse answers and has the tables of this
// version.
func awaitTables(ctx context.Context, c *config.Config, log *slog.Logger, w *waiting) error {
	return await(ctx, log, "clickhouse", w, func(ctx context.Context) error {
		if !c.Sink.Migrate {
			return tablesAreCurrent(ctx, c)
		}
		tables, err := tablesOf(c)
		if err != nil {
			return err
		}
		applied, err := sinks.Migrate(ctx, tables)
		if err != nil {
			return fmt.Errorf("bring the tables of %s up to date: %w", c.ClickHouse.Shown(), err)
		}
		for _, m := range applied {
			log.Info("migrated", "migration", m.Name)
		}
		return nil
	})
}

func tablesAreCurrent(ctx context.Context, c *config.Config) error {
	tables, err := tablesOf(c)
	if err != nil {
		return err
	}
	all, err := sinks.Migrations(ctx, tables)
	if err != nil {
		return fmt.Errorf("look at the tables of %s: %w", c.ClickHouse.Shown(), err)
	}
	pending := 0
	for _, m := range all {
		if m.Pending() {
			pending++
		}
	}
	if pending > 0 {
		return fmt.Errorf("%d migrations of %s are pending (doustream migrate up)", pending, c.ClickHouse.Shown())
	}
	return nil
}
