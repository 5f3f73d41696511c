package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"doustream/cmd/doustream/config"
	"doustream/schemas"
)

func (a *app) deadLettersCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "dead-letters",
		Short: "List, show and redrive what could not be handled",
		Long: `List, show and redrive what could not be handled. A dead letter is named by its
place in the dead-letters topic, partition/offset, as ls prints it. Its value is
the event as it came: as sensitive as the input topics.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.started = false
			return errors.Join(cmd.Help(), errors.New("a command is missing"))
		},
	}
	command.AddCommand(a.deadLettersListCommand(), a.deadLettersShowCommand(), a.deadLettersRedriveCommand())
	return command
}

// deadLetter is one record of the dead-letters topic.
type deadLetter struct {
	record *kgo.Record
	schemas.DeadLetter
}

func (d deadLetter) place() place { return place{d.record.Partition, d.record.Offset} }

// place names a dead letter.
type place struct {
	partition int32
	offset    int64
}

func (p place) String() string { return fmt.Sprintf("%d/%d", p.partition, p.offset) }

func parsePlace(text string) (place, error) {
	left, right, _ := strings.Cut(text, "/")
	partition, err := strconv.ParseUint(left, 10, 31)
	offset, err2 := strconv.ParseUint(right, 10, 63)
	if err != nil || err2 != nil {
		return place{}, fmt.Errorf("%q names no dead letter: partition/offset", text)
	}
	return place{int32(partition), int64(offset)}, nil
}

func placesArgs(_ *cobra.Command, args []string) error {
	_, err := parsePlaces(args)
	return err
}

func parsePlaces(args []string) ([]place, error) {
	var places []place
	for _, arg := range args {
		p, err := parsePlace(arg)
		if err != nil {
			return nil, err
		}
		places = append(places, p)
	}
	return places, nil
}

// selection says which dead letters a command is about.
type selection struct {
	places  []place // none: all that the other fields let through
	reasons []string
	topic   string
	event   string
	since   time.Duration
	limit   int
}

func (s *selection) flags(command *cobra.Command) {
	command.Flags().StringSliceVar(&s.reasons, "reason", nil, "only these reasons (decrypt_failed, session_missing, …)")
	command.Flags().StringVar(&s.topic, "topic", "", "only what came from this topic")
	command.Flags().StringVar(&s.event, "event", "", "only this event_id")
	command.Flags().DurationVar(&s.since, "since", 0, "only what was written in the last 10m, 24h, …")
	command.Flags().IntVar(&s.limit, "limit", 0, "no more than so many; 0: all")
}

// narrow reports whether anything is left out.
func (s *selection) narrow() bool {
	return len(s.places) > 0 || len(s.reasons) > 0 || s.topic != "" || s.event != "" || s.since > 0
}

func (s *selection) has(d deadLetter) bool {
	return (len(s.places) == 0 || slices.Contains(s.places, d.place())) &&
		(len(s.reasons) == 0 || slices.Contains(s.reasons, string(d.Reason))) &&
		(s.topic == "" || s.topic == d.Source.Topic) &&
		(s.event == "" || s.event == d.EventID)
}

// errEnough ends a scan early.
var errEnough = errors.New("enough")

// eachDeadLetter visits what is selected, partition by partition in the order
// of offsets, up to the end that the topic has now.
func (a *app) eachDeadLetter(ctx context.Context, s *selection, visit func(deadLetter) error) error {
	c, log, err := a.load(config.DeadLetters)
	if err != nil {
		return err
	}
	opts, err := connectOptions(c, log)
	if err != nil {
		return err
	}
	topic := c.Names.TopicPrefix + schemas.TopicDeadLetters
	visited := 0
	err = scan(ctx, opts, topic, s.since, func(record *kgo.Record) error {
		d := deadLetter{record: record}
		// What cannot be read is shown with what could be.
		d.DeadLetter, _ = schemas.DecodeDeadLetter(headersOf(record))
		if !s.has(d) {
			return nil
		}
		if err := visit(d); err != nil {
			return err
		}
		if visited++; visited == s.limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func headersOf(record *kgo.Record) []schemas.Header {
	headers := make([]schemas.Header, len(record.Headers))
	for i, h := range record.Headers {
		headers[i] = schemas.Header{Key: h.Key, Value: h.Value}
	}
	return headers
}
