package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"
)

// app is one invocation: what a command gets beside its arguments.
type app struct {
	stdout, stderr io.Writer
	started        bool // a command's own code has begun: errors are no longer about usage
}

const rootHelp = `sandbox is the world around doustream on one machine: Kafka, ClickHouse, the open
platform and the mini-app's users. Nothing of it needs to be installed as a
server, and all of it listens on loopback only.

  sandbox demo       everything at once: a minute, a report, and it is gone again
  sandbox chaos      real processes under faults, judged by an oracle
  sandbox up         the world alone; source its env file and run doustream by hand
  sandbox traffic    mini-app events and orders into that world`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:              "sandbox",
		Short:            "The outside world of doustream on one machine",
		Long:             rootHelp,
		SilenceErrors:    true,
		SilenceUsage:     true,
		Args:             cobra.NoArgs,
		PersistentPreRun: func(*cobra.Command, []string) { a.started = true },
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.started = false
			return errors.Join(cmd.Help(), errors.New("a command is missing"))
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(a.demoCommand(), a.chaosCommand(), a.upCommand(), a.trafficCommand(), a.platformCommand())
	return root
}
