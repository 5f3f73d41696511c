package main

import (
	"github.com/spf13/cobra"

	"doustream/cmd/doustream/config"
)

func (a *app) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run all three roles in one process",
		Long: `Run enrich, sink and notify in one process: for a first look, and for an
installation that one machine carries. A role that cannot go on ends the
process, the others in good order first.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), config.Roles...) },
	}
}
