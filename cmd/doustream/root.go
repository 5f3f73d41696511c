package main

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"doustream/cmd/doustream/config"
	"doustream/platform/telemetry"
)

// app is one invocation: what a command gets beside its arguments.
type app struct {
	work           context.Context //nolint:containedctx // an invocation's, handed in by main beside the command's own
	environ        []string
	stdout, stderr io.Writer
	started        bool // a command's own code has begun: errors are no longer about usage
}

const rootHelp = `doustream turns what a Douyin mini-app reports about its users into enriched user
records, and sends order notifications back to those users. Kafka in; Kafka and
ClickHouse out.

A first start:
  doustream config     the variables it reads, and what is wrong with them
  doustream topics     make the Kafka topics that are missing
  doustream migrate up make the ClickHouse tables
  doustream check      connect to everything, and say what does not fit
  doustream run        all three roles in one process

In production each role is a process of its own, with as many instances as its
load needs. Everything is configured by environment variables that begin with
DOUSTREAM_; an empty value counts as not set, and every secret may stand in a
file that the same name with _FILE behind points to.

A signal stops a role in good order; a second one at once. Exit codes: 0 done or
stopped by a signal, 1 failed, 2 wrong usage or configuration.`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "doustream",
		Short:         "Douyin mini-app events in, enriched users and notifications out",
		Long:          rootHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		PersistentPreRun: func(*cobra.Command, []string) {
			a.started = true
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.started = false
			return errors.Join(cmd.Help(), errors.New("a command is missing"))
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddGroup(
		&cobra.Group{ID: "roles", Title: "Roles (run until a signal):"},
		&cobra.Group{ID: "setup", Title: "Setting up:"},
		&cobra.Group{ID: "operate", Title: "Operating:"},
	)
	for _, group := range []struct {
		id       string
		commands []*cobra.Command
	}{
		{"roles", []*cobra.Command{a.enrichCommand(), a.sinkCommand(), a.notifyCommand(), a.runCommand()}},
		{"setup", []*cobra.Command{a.configCommand(), a.checkCommand(), a.topicsCommand(), a.migrateCommand()}},
		{"operate", []*cobra.Command{a.verifyCommand(), a.deadLettersCommand(), a.tokenCommand(), a.versionCommand()}},
	} {
		for _, command := range group.commands {
			command.GroupID = group.id
			root.AddCommand(command)
		}
	}
	return root
}

// load reads the configuration for uses and makes the logger it asks for. What
// is set and not known is warned of, since it is mostly a misspelling.
func (a *app) load(uses ...config.Use) (*config.Config, *slog.Logger, error) {
	c, unknown, err := config.Load(a.environ, uses...)
	if err != nil {
		return nil, nil, err
	}
	log := telemetry.NewLogger(a.stderr, c.Process.Level(), telemetry.Format(c.Process.LogFormat))
	for _, name := range unknown {
		log.Warn("this variable is not known and has no effect", "variable", name)
	}
	return c, log, nil
}
