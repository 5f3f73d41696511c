package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) deadLettersShowCommand() *cobra.Command {
	var raw bool
	command := &cobra.Command{
		Use:   "show partition/offset",
		Short: "Show one dead letter: headers, key and the event as it came",
		Long: `Show one dead letter: headers, key and the event as it came, with what it holds
of a user. Mind where you print it.`,
		Args: cobra.MatchAll(cobra.ExactArgs(1), placesArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			places, err := parsePlaces(args)
			if err != nil {
				return err
			}
			found := false
			err = a.eachDeadLetter(cmd.Context(), &selection{places: places, limit: 1}, func(d deadLetter) error {
				found = true
				return a.show(d, raw)
			})
			if err == nil && !found {
				return fmt.Errorf("show dead letter: there is none at %s", args[0])
			}
			return err
		},
	}
	command.Flags().BoolVar(&raw, "raw", false, "nothing but the value's bytes")
	return command
}

func (a *app) show(d deadLetter, raw bool) error {
	if raw {
		_, err := a.stdout.Write(d.record.Value)
		return err
	}
	fmt.Fprintf(a.stdout, "place: %s\nwritten: %s\n", d.place(), d.record.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z"))
	for _, h := range d.record.Headers {
		fmt.Fprintf(a.stdout, "%s: %q\n", h.Key, h.Value)
	}
	fmt.Fprintf(a.stdout, "key: %q\n", d.record.Key)
	_, err := fmt.Fprintf(a.stdout, "value (%d bytes): %q\n", len(d.record.Value), d.record.Value)
	return err
}
