package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"doustream/cmd/doustream/config"
)

const checkTimeout = 30 * time.Second

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [role…]",
		Short: "Connect to everything, and say what does not fit",
		Long: `Connect to everything that the roles need (all roles, unless some are named) and
say what does not fit: Kafka, the topics and their settings, partition counts,
ClickHouse and its tables, the schema registry, the open platform. Nothing is
changed, no token is fetched and no code is sent. Exit 1 if something does not
fit, 2 if the configuration is wrong.`,
		Args:      usesArgs,
		ValidArgs: []string{"enrich", "sink", "notify"},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, log, err := a.load(usesOf(args)...)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), checkTimeout)
			defer cancel()
			return check(ctx, a.stdout, c, log, usesOf(args))
		},
	}
}

// findings prints what was looked at, line by line.
type findings struct {
	out io.Writer
	bad int
}

func (f *findings) say(what string, err error, good string) {
	if err != nil {
		f.bad++
		fmt.Fprintf(f.out, "wrong  %s: %s\n", what, strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	fmt.Fprintf(f.out, "ok     %s: %s\n", what, good)
}

func check(ctx context.Context, out io.Writer, c *config.Config, log *slog.Logger, uses []config.Use) error {
	f := &findings{out: out}
	checkKafka(ctx, f, c, log, uses)
	if slices.Contains(uses, config.Sink) {
		checkClickHouse(ctx, f, c)
	}
	checkRegistry(ctx, f, c)
	if slices.Contains(uses, config.Enrich) || slices.Contains(uses, config.Notify) {
		for _, host := range platformHosts(c) {
			f.say("open platform", reach(ctx, host), host+" answers")
		}
	}
	if f.bad > 0 {
		return fmt.Errorf("check: %d findings", f.bad)
	}
	return nil
}

func checkKafka(ctx context.Context, f *findings, c *config.Config, log *slog.Logger, uses []config.Use) {
	admin, closeAdmin, err := openAdmin(c, log)
	if err != nil {
		f.say("kafka", err, "")
		return
	}
	defer closeAdmin()
	metadata, err := admin.BrokerMetadata(ctx)
	f.say("kafka", err, fmt.Sprintf("%d brokers answer", len(metadata.Brokers)))
	if err != nil {
		return
	}
	checkTopics(ctx, f, c, admin, uses)
}

func checkTopics(ctx context.Context, f *findings, c *config.Config, admin *kadm.Client, uses []config.Use) {
	specs := expectedTopics(c, uses...)
	details, err := listTopics(ctx, admin, specs)
	if err != nil {
		f.say("topics", err, "")
		return
	}
	if missing := missingTopics(details, specs); len(missing) > 0 {
		f.say("topics", fmt.Errorf("missing: %s (doustream topics makes them)", strings.Join(missing, ", ")), "")
	} else {
		f.say("topics", nil, fmt.Sprintf("all %d are there", len(specs)))
	}
	if count, err := copartitioned(details, specs); err != nil || count > 0 {
		f.say("partitions", err, fmt.Sprintf("%d in each of the topics that must agree", count))
	}
	differences, err := topicDifferences(ctx, admin, details, specs)
	if err != nil {
		f.say("settings", err, "")
		return
	}
	same := true
	for _, spec := range specs {
		for _, difference := range differences[spec.Name] {
			f.say("settings of "+spec.Name, errors.New(difference), "")
			same = false
		}
	}
	if same && len(details) > 0 {
		f.say("settings", nil, "the topics have those that doustream relies on")
	}
}

func checkClickHouse(ctx context.Context, f *findings, c *config.Config) {
	f.say("clickhouse", tablesAreCurrent(ctx, c), c.ClickHouse.Shown()+" has the tables of this version")
}

func checkRegistry(ctx context.Context, f *findings, c *config.Config) {
	if c.Registry.URL != "" {
		f.say("schema registry", reachRegistry(ctx, c.Registry), c.Registry.URL+" answers")
	}
}
