package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"doustream/platform/telemetry"
)

// version is set by the linker in released builds.
var version string

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say what this binary was made of",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := telemetry.ReadBuild(version)
			_, err := fmt.Fprintf(a.stdout, "doustream %s (%s, %s, %s)\n", b.Version, b.Revision, b.Go, b.Platform)
			return err
		},
	}
}
