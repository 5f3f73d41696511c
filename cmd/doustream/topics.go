package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"doustream/cmd/doustream/config"
	"doustream/schemas"
)

const topicsTimeout = time.Minute

func (a *app) topicsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "topics",
		Short: "Make the Kafka topics that are missing, and say what differs in the others",
		Long: `Make the Kafka topics that are missing, with the settings that doustream relies
on, and say what differs in the others. It never alters a topic, and may be run
any number of times. Missing topics of the group that must share a partition
count take the count of those that exist.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := a.load(config.Topics)
			if err != nil {
				return err
			}
			admin, closeAdmin, err := openAdmin(c, log)
			if err != nil {
				return err
			}
			defer closeAdmin()
			ctx, cancel := context.WithTimeout(cmd.Context(), topicsTimeout)
			defer cancel()
			return makeTopics(ctx, a.stdout, admin, expectedTopics(c, config.Roles...))
		},
	}
}

// makeTopics prints one line for each topic.
func makeTopics(ctx context.Context, out io.Writer, admin *kadm.Client, specs []schemas.TopicSpec) error {
	details, err := listTopics(ctx, admin, specs)
	if err != nil {
		return err
	}
	common, err := copartitioned(details, specs)
	if err != nil {
		return err
	}
	differences, err := topicDifferences(ctx, admin, details, specs)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	var failures []error
	var made []string
	for _, spec := range specs {
		if detail, ok := details[spec.Name]; ok {
			fmt.Fprintf(w, "%s\t%d partitions\t%s\n", spec.Name, len(detail.Partitions), existing(differences[spec.Name]))
			continue
		}
		if spec.Copartitioned && common > 0 {
			spec.Partitions = common
		}
		result := "made"
		if err := makeTopic(ctx, admin, spec); err != nil {
			result = "not made"
			failures = append(failures, err)
		} else {
			made = append(made, spec.Name)
		}
		fmt.Fprintf(w, "%s\t%d partitions\t%s\n", spec.Name, spec.Partitions, result)
	}
	failures = append(failures, settleTopics(ctx, admin, made))
	return errors.Join(append(failures, w.Flush())...)
}

func existing(differences []string) string {
	if len(differences) == 0 {
		return "there"
	}
	text := "there, but differs:"
	for _, d := range differences {
		text += " " + d + ";"
	}
	return text[:len(text)-1]
}

func makeTopic(ctx context.Context, admin *kadm.Client, spec schemas.TopicSpec) error {
	settings := map[string]*string{}
	for key, value := range spec.Config {
		settings[key] = &value
	}
	answer, err := admin.CreateTopic(ctx, spec.Partitions, spec.Replication, settings, spec.Name)
	if err == nil {
		err = answer.Err
	}
	if err == nil || errors.Is(err, kerr.TopicAlreadyExists) { // somebody else made it just now
		return nil
	}
	if answer.ErrMessage != "" {
		return fmt.Errorf("make topic %s: %w: %s", spec.Name, err, answer.ErrMessage)
	}
	return fmt.Errorf("make topic %s: %w", spec.Name, err)
}

// topicDifferences says for each topic that exists which settings are other
// than those that doustream relies on.
func topicDifferences(ctx context.Context, admin *kadm.Client, details kadm.TopicDetails, specs []schemas.TopicSpec) (map[string][]string, error) {
	if len(details) == 0 {
		return nil, nil
	}
	answers, err := admin.DescribeTopicConfigs(ctx, details.Names()...)
	if err != nil {
		return nil, fmt.Errorf("ask kafka for topic settings: %w", err)
	}
	differences := map[string][]string{}
	for _, spec := range specs {
		if !details.Has(spec.Name) {
			continue
		}
		answer, err := answers.On(spec.Name, nil)
		if err == nil {
			err = answer.Err
		}
		if err != nil {
			return nil, fmt.Errorf("ask kafka for the settings of %s: %w", spec.Name, err)
		}
		differences[spec.Name] = settingDifferences(answer.Configs, spec.Config)
	}
	return differences, nil
}

func settingDifferences(have []kadm.Config, want map[string]string) []string {
	var differences []string
	for key, wanted := range want {
		value := "not set"
		if i := slices.IndexFunc(have, func(c kadm.Config) bool { return c.Key == key }); i >= 0 {
			value = have[i].MaybeValue()
		}
		if !sameSetting(key, value, wanted) {
			differences = append(differences, fmt.Sprintf("%s is %s, expected %s", key, value, wanted))
		}
	}
	slices.Sort(differences)
	return differences
}

// sameSetting compares a setting; a list's order means nothing.
func sameSetting(key, have, want string) bool {
	if key != "cleanup.policy" {
		return have == want
	}
	a, b := splitList(have), splitList(want)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
