package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"doustream/cmd/doustream/config"
)

func (a *app) configCommand() *cobra.Command {
	var reference bool
	command := &cobra.Command{
		Use:   "config [role…]",
		Short: "Print every variable with its effective value, secrets redacted",
		Long: `Print every variable with its effective value, secrets redacted, and what is
wrong with them. With roles (enrich, sink, notify) only theirs; else all.
Exit 2 if anything is wrong.`,
		Args:      usesArgs,
		ValidArgs: []string{"enrich", "sink", "notify"},
		RunE: func(_ *cobra.Command, args []string) error {
			if reference {
				return config.WriteReference(a.stdout)
			}
			return a.printConfig(usesOf(args))
		},
	}
	command.Flags().BoolVar(&reference, "reference", false, "print the reference of all variables in Markdown instead")
	return command
}

func usesArgs(_ *cobra.Command, args []string) error {
	for _, arg := range args {
		if !slices.Contains(config.Roles, config.Use(arg)) {
			return fmt.Errorf("%q is no role: enrich, sink, notify", arg)
		}
	}
	return nil
}

// usesOf is the roles that are named, or all.
func usesOf(args []string) []config.Use {
	if len(args) == 0 {
		return config.Roles
	}
	var uses []config.Use
	for _, arg := range args {
		uses = append(uses, config.Use(arg))
	}
	return uses
}

func (a *app) printConfig(uses []config.Use) error {
	c, unknown, faults := config.Load(a.environ, uses...)
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	section := ""
	for _, v := range config.Variables(c) {
		if !slices.ContainsFunc(uses, func(u config.Use) bool { return slices.Contains(v.Uses, u) }) {
			continue
		}
		if v.Section != section {
			section = v.Section
			fmt.Fprintf(w, "%s\t\t\n", strings.ToUpper(section))
		}
		value := v.Value()
		if value == "" {
			value = "(not set)"
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", v.Name, value, v.Doc)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, name := range unknown {
		fmt.Fprintf(a.stderr, "doustream: %s is not known and has no effect\n", name)
	}
	return faults
}

//go:generate sh -c "go run . config --reference > ../../deploy/environment.md"
