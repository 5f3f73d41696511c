package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/cmd/doustream/config"
	"doustream/schemas"
)

const (
	headerRedriven = "doustream.redriven" // the place that a redriven event was at
	redriveBatch   = 1000                 // events in one transaction
)

func (a *app) deadLettersRedriveCommand() *cobra.Command {
	var s selection
	var all, dryRun bool
	command := &cobra.Command{
		Use:   "redrive [partition/offset…]",
		Short: "Give dead letters back to the topics that they came from",
		Long: `Give dead letters back to the topics that they came from, with key, value and
timestamp as they were, and a header doustream.redriven. They stay in the
dead-letters topic: who redrives one twice gets two results.

What to redrive is named by its place, or selected by flags; --all takes
everything.`,
		Args: placesArgs,
		PreRunE: func(_ *cobra.Command, args []string) (err error) {
			s.places, err = parsePlaces(args)
			if err == nil && !all && !s.narrow() {
				a.started = false
				return errors.New("name or select what to redrive, or say --all")
			}
			return err
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return a.redrive(cmd.Context(), &s, dryRun) },
	}
	s.flags(command)
	command.Flags().BoolVar(&all, "all", false, "everything in the topic")
	command.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be done, and do nothing")
	return command
}

func (a *app) redrive(ctx context.Context, s *selection, dryRun bool) error {
	c, log, err := a.load(config.DeadLetters)
	if err != nil {
		return err
	}
	opts, err := connectOptions(c, log)
	if err != nil {
		return err
	}
	r := &redriver{inputs: prefixed(c, append(schemas.InputTopics(), c.Names.OrderTopics...)...)}
	if !dryRun {
		r.client, err = kgo.NewClient(append(opts, kgo.TransactionalID(c.Names.GroupPrefix+"doustream-redrive"),
			kgo.TransactionTimeout(time.Minute), kgo.ProducerBatchMaxBytes(2<<20), kgo.UnknownTopicRetries(1))...)
		if err != nil {
			return fmt.Errorf("make kafka client: %w", err)
		}
		defer r.client.Close()
	}
	err = a.eachDeadLetter(ctx, s, func(d deadLetter) error {
		record, err := r.restored(d)
		if err != nil {
			r.skipped++
			_, err = fmt.Fprintf(a.stdout, "%s\tskipped: %v\n", d.place(), err)
			return err
		}
		if _, err := fmt.Fprintf(a.stdout, "%s\t%s\t%s\n", d.place(), d.Reason, record.Topic); err != nil {
			return err
		}
		return r.add(ctx, record)
	})
	if err == nil {
		err = r.flush(ctx)
	}
	verb := "redriven"
	if dryRun {
		verb = "to redrive"
	}
	fmt.Fprintf(a.stdout, "%d %s, %d skipped\n", r.done, verb, r.skipped)
	return err
}

// redriver gives events back, so many in a transaction.
type redriver struct {
	inputs        []string
	client        *kgo.Client // nil: a dry run
	batch         []*kgo.Record
	done, skipped int
}

// restored is the event as it came.
func (r *redriver) restored(d deadLetter) (*kgo.Record, error) {
	switch {
	case !slices.Contains(r.inputs, d.Source.Topic):
		return nil, fmt.Errorf("its source %q is no input topic", d.Source.Topic)
	case d.Reason == schemas.ReasonTooLarge && len(d.record.Value) == 0:
		return nil, errors.New("it was too large to keep; its source position still names it")
	}
	record := &kgo.Record{Topic: d.Source.Topic, Key: d.record.Key, Value: d.record.Value}
	if d.SourceTimestamp > 0 {
		record.Timestamp = time.UnixMilli(d.SourceTimestamp)
	}
	for _, h := range d.record.Headers {
		if !strings.HasPrefix(h.Key, "doustream.") {
			record.Headers = append(record.Headers, h)
		}
	}
	record.Headers = append(record.Headers, kgo.RecordHeader{Key: headerRedriven, Value: []byte(d.place().String())})
	return record, nil
}

func (r *redriver) add(ctx context.Context, record *kgo.Record) error {
	r.batch = append(r.batch, record)
	if len(r.batch) < redriveBatch {
		return nil
	}
	return r.flush(ctx)
}

// flush writes the batch, all of it or nothing.
func (r *redriver) flush(ctx context.Context) error {
	batch := r.batch
	r.batch = nil
	if len(batch) == 0 {
		return nil
	}
	if r.client == nil {
		r.done += len(batch)
		return nil
	}
	if err := r.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	if err := r.client.ProduceSync(ctx, batch...).FirstErr(); err != nil {
		err = fmt.Errorf("redrive %d events: %w", len(batch), err)
		return errors.Join(err, r.client.EndTransaction(context.WithoutCancel(ctx), kgo.TryAbort))
	}
	if err := r.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit %d redriven events: %w", len(batch), err)
	}
	r.done += len(batch)
	return nil
}
