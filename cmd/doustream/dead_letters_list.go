package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) deadLettersListCommand() *cobra.Command {
	var s selection
	var asJSON bool
	command := &cobra.Command{
		Use:   "ls",
		Short: "List dead letters: where each is, why, and what it was",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				encoder := json.NewEncoder(a.stdout)
				return a.eachDeadLetter(cmd.Context(), &s, func(d deadLetter) error { return encoder.Encode(listed(d)) })
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "PLACE\tFAILED AT\tREASON\tSTAGE\tROLE\tATTEMPTS\tSOURCE\tEVENT")
			err := a.eachDeadLetter(cmd.Context(), &s, func(d deadLetter) error { return listLine(w, d) })
			if err != nil {
				return err
			}
			return w.Flush()
		},
	}
	s.flags(command)
	command.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return command
}

func listLine(w io.Writer, d deadLetter) error {
	event := d.EventID
	if event == "" {
		event = "–"
	}
	_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%q\n", d.place(), failedAt(d), d.Reason, d.Stage, d.Role, d.Attempts, d.Source, event)
	return err
}

func failedAt(d deadLetter) string {
	return time.UnixMilli(d.FailedAt).UTC().Format(time.RFC3339)
}

// listedLetter is one line of ls --json.
type listedLetter struct {
	Place    string `json:"place"`
	FailedAt string `json:"failed_at"`
	Reason   string `json:"reason"`
	Stage    string `json:"stage"`
	Role     string `json:"role"`
	Attempts int32  `json:"attempts"`
	Source   string `json:"source"`
	EventID  string `json:"event_id,omitempty"`
	Bytes    int    `json:"bytes"`
}

func listed(d deadLetter) listedLetter {
	return listedLetter{
		Place: d.place().String(), FailedAt: failedAt(d), Reason: string(d.Reason), Stage: d.Stage, Role: d.Role,
		Attempts: d.Attempts, Source: d.Source.String(), EventID: d.EventID, Bytes: len(d.record.Value),
	}
}
