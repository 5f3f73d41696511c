package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"doustream/cmd/doustream/config"
	"doustream/schemas"
	"doustream/sinks"
)

func (a *app) migrateCommand() *cobra.Command {
	var dryRun bool
	up := func(cmd *cobra.Command, _ []string) error { return a.migrate(cmd.Context(), dryRun) }
	command := &cobra.Command{
		Use:   "migrate [up|status]",
		Short: "Make ClickHouse's tables, or bring them up to date",
		Long: `Make ClickHouse's tables and views, or bring them up to date: migrate and migrate
up do the same. Migrations only add; several processes may run them at once, and
a doustream of the version before goes on working. The CLICKHOUSE_…_DAYS that are
set become the tables' TTL.`,
		Args: cobra.NoArgs,
		RunE: up,
	}
	command.PersistentFlags().BoolVar(&dryRun, "dry-run", false, "print the statements that would run, and run none")
	command.AddCommand(
		&cobra.Command{Use: "up", Short: "Apply what is pending", Args: cobra.NoArgs, RunE: up},
		&cobra.Command{
			Use: "status", Short: "List all migrations and when each was applied", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return a.migrationStatus(cmd.Context()) },
		},
	)
	return command
}

func (a *app) migrate(ctx context.Context, dryRun bool) error {
	c, _, err := a.load(config.Migrate)
	if err != nil {
		return err
	}
	if dryRun {
		return a.dryRun(ctx, c)
	}
	tables, err := tablesOf(c)
	if err != nil {
		return err
	}
	applied, err := sinks.Migrate(ctx, tables)
	if err != nil {
		return err
	}
	for _, m := range applied {
		fmt.Fprintf(a.stdout, "applied %s\n", m.Name)
	}
	_, err = fmt.Fprintf(a.stdout, "%s is up to date\n", c.ClickHouse.Shown())
	return err
}

// tablesOf is where the tables are, how they are made and kept.
func tablesOf(c *config.Config) (sinks.Tables, error) {
	encryption, err := c.ClickHouse.TLS()
	if err != nil {
		return sinks.Tables{}, err
	}
	return sinks.Tables{
		DSN: c.ClickHouse.DSN.Reveal(), TLS: encryption, Retention: c.ClickHouse.Days(),
		Layout: schemas.Layout{Replication: schemas.Replication(c.ClickHouse.Replication), Cluster: c.ClickHouse.Cluster},
	}, nil
}

func (a *app) dryRun(ctx context.Context, c *config.Config) error {
	tables, err := tablesOf(c)
	if err != nil {
		return err
	}
	all, err := sinks.Migrations(ctx, tables)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.Pending() {
			if _, err := fmt.Fprintf(a.stdout, "-- %s\n%s\n", m.Name, m.SQL); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *app) migrationStatus(ctx context.Context) error {
	c, _, err := a.load(config.Migrate)
	if err != nil {
		return err
	}
	tables, err := tablesOf(c)
	if err != nil {
		return err
	}
	all, err := sinks.Migrations(ctx, tables)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, m := range all {
		state := "pending"
		if !m.Pending() {
			state = "applied " + m.AppliedAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\n", m.Name, state)
	}
	return w.Flush()
}
