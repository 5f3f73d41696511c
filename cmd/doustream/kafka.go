package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kslog"

	"doustream/cmd/doustream/config"
	"doustream/schemas"
)

// connectOptions is what every Kafka client of this process is made with. The
// client's own log is shown only when debugging: what matters of it comes back
// as errors.
func connectOptions(c *config.Config, log *slog.Logger) ([]kgo.Opt, error) {
	opts, err := c.Kafka.Connect()
	if err != nil {
		return nil, err
	}
	opts = append(opts, kgo.ClientID("doustream-"+c.Process.Instance))
	if log.Enabled(context.Background(), slog.LevelDebug) {
		opts = append(opts, kgo.WithLogger(kslog.New(log.With("part", "kafka client"))))
	}
	return opts, nil
}

// openAdmin makes a client for questions and topics. It gives up fast: callers
// repeat.
func openAdmin(c *config.Config, log *slog.Logger) (*kadm.Client, func(), error) {
	opts, err := connectOptions(c, log)
	if err != nil {
		return nil, nil, err
	}
	client, err := kgo.NewClient(append(opts, kgo.RequestRetries(1), kgo.MetadataMinAge(10_000_000))...)
	if err != nil {
		return nil, nil, fmt.Errorf("make kafka client: %w", err)
	}
	return kadm.NewClient(client), client.Close, nil
}

// expectedTopics is every topic that the uses read or write, as it should be.
func expectedTopics(c *config.Config, uses ...config.Use) []schemas.TopicSpec {
	specs := schemas.Topics(schemas.TopicOptions{
		Prefix: c.Names.TopicPrefix, Orders: c.Names.OrderTopics,
		Partitions: int32(c.TopicsToBe.Partitions), Replication: int16(c.TopicsToBe.Replication),
		SessionLife: c.TopicsToBe.SessionLife,
	})
	for _, spec := range specs {
		if c.TopicsToBe.Replication < 0 {
			delete(spec.Config, "min.insync.replicas") // the brokers know what suits their own default
		}
	}
	return slices.DeleteFunc(specs, func(spec schemas.TopicSpec) bool {
		return !slices.ContainsFunc(uses, func(use config.Use) bool { return usesTopic(c, use, spec.Base) })
	})
}

// usesTopic reports whether a role reads or writes the topic of that name.
func usesTopic(c *config.Config, use config.Use, base string) bool {
	switch use {
	case config.Enrich:
		return slices.Contains(append(schemas.InputTopics(), schemas.TopicSessions, schemas.TopicParked,
			schemas.TopicUsers, schemas.TopicDeadLetters, schemas.TopicConsents), base)
	case config.Notify:
		return slices.Contains(append(slices.Clone(c.Names.OrderTopics), schemas.TopicNotifications, schemas.TopicTokens,
			schemas.TopicConsents, schemas.TopicResults, schemas.TopicDeadLetters), base)
	case config.Sink:
		return slices.Contains([]string{schemas.TopicUsers, schemas.TopicResults, schemas.TopicDeadLetters}, base)
	}
	return false
}

// awaitTopics waits until Kafka answers and has a role's topics. Partition
// counts that do not go together end the wait: no time mends them. It answers
// the partitions of the copartitioned topics, 0 if the role has none.
func (p *process) awaitTopics(ctx context.Context, role config.Use, w *waiting) (partitions int32, err error) {
	admin, closeAdmin, err := openAdmin(p.config, p.log)
	if err != nil {
		return 0, err
	}
	defer closeAdmin()
	specs := expectedTopics(p.config, role)
	err = await(ctx, p.log, "kafka", w, func(ctx context.Context) error {
		details, err := listTopics(ctx, admin, specs)
		if err != nil {
			return err
		}
		if missing := missingTopics(details, specs); len(missing) > 0 {
			return fmt.Errorf("topics are missing (doustream topics makes them): %v", missing)
		}
		partitions, err = copartitioned(details, specs)
		return err
	})
	if err == nil {
		p.warnOfSizes(ctx, admin, specs)
	}
	return partitions, err
}

// sizeSetting bounds a batch of records, and so what a record may be.
const sizeSetting = "max.message.bytes"

// warnOfSizes says which topics take less than doustream may write to them: the
// first record that is too large stops the role. A role that may not read
// settings is not told; doustream check tells its operator.
func (p *process) warnOfSizes(ctx context.Context, admin *kadm.Client, specs []schemas.TopicSpec) {
	wanted := map[string]int64{}
	for _, spec := range specs {
		if want, err := strconv.ParseInt(spec.Config[sizeSetting], 10, 64); err == nil && spec.Role != schemas.TopicRoleInput {
			wanted[spec.Name] = want
		}
	}
	if len(wanted) == 0 {
		return
	}
	var answers kadm.ResourceConfigs
	err := tryOnce(ctx, func(ctx context.Context) (err error) {
		answers, err = admin.DescribeTopicConfigs(ctx, slices.Collect(maps.Keys(wanted))...)
		return err
	})
	if err != nil {
		p.log.Debug("topic settings cannot be read", "error", err)
		return
	}
	for _, answer := range answers {
		for _, setting := range answer.Configs {
			have, err := strconv.ParseInt(setting.MaybeValue(), 10, 64)
			if setting.Key == sizeSetting && err == nil && have < wanted[answer.Name] {
				p.log.Warn("a topic takes smaller records than doustream may write to it: the first that is too large stops the role",
					"topic", answer.Name, "max_message_bytes", have, "expected", wanted[answer.Name])
			}
		}
	}
}

// listTopics asks for the topics of specs. Those that are missing are left out.
func listTopics(ctx context.Context, admin *kadm.Client, specs []schemas.TopicSpec) (kadm.TopicDetails, error) {
	names := make([]string, len(specs))
	for i, spec := range specs {
		names[i] = spec.Name
	}
	details, err := admin.ListTopics(ctx, names...)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: a broker closed the connection at once, as it does when TLS or SASL are not what its listener expects", err)
	}
	if err != nil {
		return nil, fmt.Errorf("ask kafka for topics: %w", err)
	}
	for name, detail := range details {
		switch {
		case errors.Is(detail.Err, kerr.UnknownTopicOrPartition):
			delete(details, name)
		case detail.Err != nil:
			return nil, fmt.Errorf("ask kafka for topic %s: %w", name, detail.Err)
		}
	}
	return details, nil
}

func missingTopics(details kadm.TopicDetails, specs []schemas.TopicSpec) []string {
	var missing []string
	for _, spec := range specs {
		if !details.Has(spec.Name) {
			missing = append(missing, spec.Name)
		}
	}
	return missing
}

// copartitioned is the partition count of the topics that must share one. The
// error is fatal and names every topic with its count.
func copartitioned(details kadm.TopicDetails, specs []schemas.TopicSpec) (int32, error) {
	counts := map[int32][]string{}
	var count int32
	for _, spec := range specs {
		if detail, ok := details[spec.Name]; ok && spec.Copartitioned {
			count = int32(len(detail.Partitions))
			counts[count] = append(counts[count], spec.Name)
		}
	}
	if len(counts) > 1 {
		return 0, fatal{fmt.Errorf("these topics must have one partition count, and have (count: topics) %v", counts)}
	}
	return count, nil
}
