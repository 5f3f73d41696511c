package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"doustream/cmd/doustream/config"
	"doustream/sinks"
)

// shownGaps is how many ranges of offsets are printed of each kind of fault.
const shownGaps = 20

func (a *app) verifyCommand() *cobra.Command {
	var since time.Duration
	var quiet bool
	command := &cobra.Command{
		Use:   "verify",
		Short: "Compare Kafka's records with ClickHouse's rows, offset by offset",
		Long: `Compare the records that the sink has committed with ClickHouse's rows, offset by
offset: what is missing, what is there twice, what is there without a record. It
only reads, may run beside a sink that works, and reads the topics once. Exit 1
if not every record is one row.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.verify(cmd.Context(), since, quiet)
		},
	}
	command.Flags().DurationVar(&since, "since", 0, "only records of the last 10m, 24h, …")
	command.Flags().BoolVar(&quiet, "quiet", false, "no progress on standard error")
	return command
}

func (a *app) verify(ctx context.Context, since time.Duration, quiet bool) error {
	c, log, err := a.load(config.Verify)
	if err != nil {
		return err
	}
	connect, err := connectOptions(c, log)
	if err != nil {
		return err
	}
	tables, err := tablesOf(c)
	if err != nil {
		return err
	}
	settings := sinks.VerifyConfig{
		Connect: connect, Group: c.Names.Group(config.Sink), Prefix: c.Names.TopicPrefix, Tables: tables,
	}
	if since > 0 {
		settings.Since = time.Now().Add(-since)
	}
	if !quiet {
		settings.Progress = progressTo(a.stderr)
	}
	found, err := sinks.Verify(ctx, settings)
	if err != nil {
		return err
	}
	if err := printVerification(a.stdout, found); err != nil {
		return err
	}
	if !found.OK() {
		return errors.New("verify: not every record is one row")
	}
	return nil
}

func printVerification(out io.Writer, found *sinks.Verification) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TOPIC\tPARTITION\tTABLE\tOFFSETS\tRECORDS\tDEAD-LETTERED\tEXPIRED\tMISSING\tREPEATED\tSURPLUS")
	for _, p := range found.Partitions {
		fmt.Fprintf(w, "%s\t%d\t%s\t%d–%d\t%d\t%d\t%d\t%d\t%d\t%d\n", p.Topic, p.Partition, p.Table, p.From, p.To,
			p.Records, p.DeadLettered, p.Expired, p.Missing.Count, p.Repeated.Count, p.Surplus.Count)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, p := range found.Partitions {
		for _, fault := range []struct {
			name string
			gaps sinks.Gaps
		}{{"missing", p.Missing}, {"repeated", p.Repeated}, {"surplus", p.Surplus}} {
			if fault.gaps.Count > 0 {
				fmt.Fprintf(out, "%s/%d: %d %s, among them %s\n", p.Topic, p.Partition, fault.gaps.Count, fault.name, ranges(fault.gaps))
			}
		}
	}
	return nil
}

// ranges are the first offsets of a fault: 3–5 17 20–29.
func ranges(gaps sinks.Gaps) string {
	var b strings.Builder
	for i, r := range gaps.Ranges[:min(len(gaps.Ranges), shownGaps)] {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d", r[0])
		if r[1] > r[0] {
			fmt.Fprintf(&b, "–%d", r[1])
		}
	}
	return b.String()
}
